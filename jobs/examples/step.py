"""A step: says its name, the time it was due or the job that came before it, and takes a moment."""

from __future__ import annotations

import os
import sys
import time


def main() -> int:
    """Work on the step named on the command line, for a number of seconds."""
    name, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    before, due = os.environ.get("BATCHTAB_UPSTREAM_JOB_ID"), os.environ.get("BATCHTAB_SCHEDULED_TIME")
    why = f" after job {before}" if before else f" for {due}" if due else ""
    print(f"{name}: begins{why}", flush=True)
    time.sleep(seconds)
    print(f"{name}: done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
