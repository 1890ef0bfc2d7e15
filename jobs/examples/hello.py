"""A job that succeeds: a few lines of output, among them the job's own id and attempt from Batch."""

from __future__ import annotations

import os
import sys

_SHOWN = (
    *("AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT", "AWS_BATCH_JQ_NAME", "AWS_BATCH_JOB_ARRAY_INDEX"),
    *("BATCHTAB_SCHEDULED_TIME", "BATCHTAB_RUN_ID"),
)


def main() -> int:
    """Say hello to the names on the command line, or to the world."""
    for name in sys.argv[1:] or ["world"]:
        print(f"Hello, {name}!")
    for variable in _SHOWN:
        if variable in os.environ:
            print(f"{variable}={os.environ[variable]}")
    print("Done.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
