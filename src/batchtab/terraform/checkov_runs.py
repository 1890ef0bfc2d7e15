"""Runs checkov once for each line of the input. Its own Python runs this file and imports checkov once: that takes 4 s.

A line is a JSON object: `arguments` as on checkov's command line, the `folder` to work in, and `output`, a file for all
that it prints.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from checkov.main import Checkov


def run(call: dict[str, Any]) -> None:
    """Runs checkov in this process, and ends it."""
    output = os.open(call["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.chdir(call["folder"])
    status = 1
    try:
        status = Checkov(call["arguments"]).run() or 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for line in sys.stdin:
        if not os.fork():
            run(json.loads(line))
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
