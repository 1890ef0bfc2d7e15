"""What the alert function costs: `python -m benchmarks.alerts`.

Prints tables for benchmarks/README.md: cold import of the handler against one that imports boto3 at the top, in
processes of their own; events per second from event to message, in both forms, without sending.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [str(ROOT / "lambda"), str(ROOT / "src")]
EVENT = ROOT / "tests" / "events" / "out_of_memory.json"
VARIANTS = {
    "this handler": "import job_alerts.handler",
    "this handler, first message": "import job_alerts.handler; from shared.clients import client;"
    " client('lambda', region='us-east-1', connect_seconds=1, read_seconds=1, attempts=1)",
    "boto3 at the top": "import boto3; import job_alerts.handler",
    "boto3 and a client at the top": "import boto3; boto3.client('lambda', region_name='us-east-1');"
    " import job_alerts.handler",
    "an empty handler": "import json",
}
MEASURE = (
    "import resource, sys, time; sys.path[:0] = {sources!r}; before = time.perf_counter(); {code};"
    " print(time.perf_counter() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=15, help="processes for each figure (default: 15)")
    parser.add_argument("--events", type=int, default=3000, help="events to make messages of (default: 3000)")
    options = parser.parse_args()
    print("| handler | import ms (median) | memory MiB |\n|---|---|---|")
    for name, code in VARIANTS.items():
        milliseconds, mebibytes = cold(code, options.runs)
        print(f"| {name} | {milliseconds:.0f} | {mebibytes:.0f} |", flush=True)
    print("\n| from event to message | events per second |\n|---|---|")
    for name, rate in rates(options.events).items():
        print(f"| {name} | {rate:,.0f} |", flush=True)
    return 0


def cold(code: str, runs: int) -> tuple[float, float]:
    """Median milliseconds and mebibytes of an import in a fresh process."""
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    program = MEASURE.format(sources=SOURCES, code=code)
    found = []
    for _ in range(runs + 1):  # the first fills the disk's cache
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
        )
        seconds, kibibytes = done.stdout.split()
        found.append((float(seconds) * 1000, float(kibibytes) / 1024))
    return statistics.median(ms for ms, _ in found[1:]), statistics.median(mib for _, mib in found[1:])


def rates(count: int) -> dict[str, float]:
    """Events per second, with 20 lines of log each."""
    sys.path[:0] = SOURCES
    from job_alerts import attachment, blocks, events, message  # noqa: PLC0415
    from job_alerts.job_event import JobEvent  # noqa: PLC0415
    from job_alerts.settings import Settings  # noqa: PLC0415
    from job_alerts.text import log_lines  # noqa: PLC0415

    settings = Settings("#cron-error", "AWS Batch Job Failed Alert", ":cloud:", "danger", namespace="batchtab-prod")
    text = EVENT.read_text(encoding="utf-8")
    lines = [
        f"2026-03-02 09:20:{n:02} INFO {n * 1000} of 250000 rows, password=hunter{n} token: abc" for n in range(20)
    ]
    found = {}
    for name, form in {"attachments": attachment, "Block Kit": blocks}.items():
        begin = time.perf_counter()
        for _ in range(count):
            job = events.read(json.loads(text))
            assert isinstance(job, JobEvent)
            json.dumps(form.render(message.failed(job, settings, log=log_lines(lines)), settings))
        found[name] = count / (time.perf_counter() - begin)
    return found


if __name__ == "__main__":
    sys.exit(main())
