"""A job that fails on purpose, with exit code 3, to show how a failure is reported."""

from __future__ import annotations

import sys

EXIT_CODE = 3


def main() -> int:
    """Print a reason to stderr, as a program that gives up would."""
    print("Reading the list of orders …")
    print("error: order 1042 has no customer, and nothing can be billed", file=sys.stderr)
    return EXIT_CODE


if __name__ == "__main__":
    sys.exit(main())
