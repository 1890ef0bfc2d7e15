"""`make test`: all checks and all tests, with how long each took.

The checks run one after another, in parallel with the tests, which often wait for Terraform and clocks. A check's
output is printed at the end, and only if it failed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

CHECKS = ("lint", "types", "check", "workflows-check", "dockerfiles-check", "scan")
WORKERS = 6  # on two cores: they often wait for Terraform and clocks
SYNTHESIZE = (
    "import pathlib, sys; from batchtab import app; from batchtab.declarations import catalog;"
    " app.synthesize(catalog.load('local', pathlib.Path()), outdir=sys.argv[1])"
)
TESTS = ("-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder", "--durations", "20")


@dataclass
class Check:
    """A check's output and duration."""

    name: str
    seconds: float = 0.0
    status: int = 0
    said: str = ""

    def run(self) -> None:
        """Runs it."""
        began = time.monotonic()
        done = subprocess.run(
            ["make", "--no-print-directory", "-o", "setup", self.name],  # `make test` has set up
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.seconds, self.status, self.said = time.monotonic() - began, done.returncode, done.stdout


def main() -> int:
    """Runs all; the exit status is 1 if something failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        # The first synth unpacks CDKTF's bindings; others would wait two minutes for it at most.
        subprocess.run([sys.executable, "-c", SYNTHESIZE, folder], check=False)
    checks = [Check(name) for name in CHECKS]

    def run_checks() -> None:
        for check in checks:
            check.run()

    beside = threading.Thread(target=run_checks, daemon=True)
    beside.start()
    tests = subprocess.run([sys.executable, "-m", "pytest", *TESTS, *sys.argv[1:]], check=False).returncode
    tested = time.monotonic() - began
    beside.join()
    for check in checks:
        if check.status:
            print(f"\nmake {check.name} failed:\n{check.said}", flush=True)
    print("\npart               seconds")
    for check in checks:
        print(f"{check.name:17}  {check.seconds:7.0f}  {'failed' if check.status else ''}".rstrip())
    print(f"{'tests':17}  {tested:7.0f}  {'failed' if tests else ''}".rstrip())
    print(f"{'all':17}  {time.monotonic() - began:7.0f}", flush=True)
    return int(bool(tests) or any(check.status for check in checks))


if __name__ == "__main__":
    sys.exit(main())
