"""A process that answers what a shell completes, with AWS: `… (active|newest|times) STAGE INCOMPLETE`.

It prints a line for each, its value and what it is. Whoever starts it ends it and hides its errors: see
`batchtab.cli.completion.runs`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from botocore.config import Config

from batchtab.aws.client import Aws
from batchtab.aws.run_candidates import RunCandidates
from batchtab.cli.completion.due_times import written
from batchtab.cli.connection import refuse_foreign
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.named_jobs import find
from batchtab.terraform.session import Session

_QUICK = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})


def main(kind: str, stage: str, incomplete: str) -> None:
    """Prints the candidates, each as soon as it is known."""
    session = Session.open(stage)
    refuse_foreign(session)
    aws = Aws(session.catalog.stage.region, session.endpoint_url, _QUICK)
    for value, about in candidates(session.catalog, aws, kind, incomplete):
        sys.stdout.write(f"{value}\t{about}\n")
        sys.stdout.flush()


def candidates(catalog: Catalog, aws: Aws, kind: str, incomplete: str) -> Iterator[tuple[str, str]]:
    """What AWS knows that begins so, each with what it is."""
    runs = RunCandidates(aws, catalog.stage.prefix)
    if kind == "times":
        name = incomplete.rpartition("@")[0]
        job = find(catalog, name, "")
        zone = job.zone(catalog)
        for scheduled, status in runs.times(catalog.job_queue_name(job.spec.queue), job.full):
            with suppress(ValueError):
                yield f"{name}@{written(datetime.fromisoformat(scheduled), zone)}", status
        return
    queues = [catalog.job_queue_name(queue) for queue in catalog.stage.environment.queues]
    found = runs.active(queues) if kind == "active" else runs.newest(queues, datetime.now(UTC))
    for each in found:
        if each["jobId"].startswith(incomplete):
            yield each["jobId"], f"{each['jobName']} {each['status']}"


if __name__ == "__main__":
    main(*sys.argv[1:])
