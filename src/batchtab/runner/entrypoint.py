"""Starts the runner by this file's path: `python -IS /opt/batchtab/runner/entrypoint.py [FLAGS] [--] COMMAND…`.

An image's entrypoint uses this file, not `-m batchtab.runner`: with `-I` (isolated) neither the job's PYTHONPATH nor a
file in its folder can take the place of a module of the runner, and with `-S` (no site-packages) it starts sooner.
"""

import os
import sys

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 pathlib costs 5 ms
sys.path.insert(0, os.path.dirname(_PACKAGE))  # noqa: PTH120

from batchtab.runner.main import main  # noqa: E402 - the line above makes it importable

os._exit(main(sys.argv[1:]))
