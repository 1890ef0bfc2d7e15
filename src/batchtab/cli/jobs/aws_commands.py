"""The `aws` commands that give the facts of commands that only show. Makes none of the calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from batchtab import names
from batchtab.aws.batch_jobs import ENDED
from batchtab.aws.job_parts import array_size
from batchtab.aws.log_streams import streams
from batchtab.aws.run_lookup import FoundRun
from batchtab.cli.explain import aws_command
from batchtab.cli.jobs.job_summary import SINCE
from batchtab.declarations.named_jobs import NamedJob
from batchtab.errors import UsageError
from batchtab.schedules.timestamps import utc_text
from batchtab.terraform.session import Session

_STATES = 100  # the most that BatchGetItem takes
_TRIED = timedelta(hours=1)  # the longest that a delivery is tried
_END_LINES = 5


class AwsCommands:
    """Commands for one stage."""

    def __init__(self, session: Session) -> None:
        self._session, self._catalog = session, session.catalog
        self._prefix = session.catalog.stage.prefix
        self._aws = partial(aws_command, session)

    def of_status(self, jobs: Sequence[NamedJob], now: datetime) -> Iterator[str]:
        """Of all jobs of a stage, or of one: last runs, queues, triggers, pauses, revisions."""
        yield from self._jobs(jobs, now - SINCE)
        yield from self._queues(self._queues_of(jobs))
        yield from self._pauses(jobs)
        yield from self._revisions(jobs)

    def of_history(self, jobs: Sequence[NamedJob], since: datetime) -> Iterator[str]:
        """Of all jobs, or of one: runs, what was noted of them, and what is paused."""
        yield from self.of_cost(jobs, since)
        yield from self._pauses(jobs)

    def of_cost(self, jobs: Sequence[NamedJob], since: datetime) -> Iterator[str]:
        """Of all jobs, or of one: runs, and what was noted of them."""
        yield from self._jobs(jobs, since)
        for job in jobs:
            if job.spec.is_managed:
                yield self._record(job.full, utc_text(since), "")

    def of_links(self, job: NamedJob | None, job_id: str) -> Iterator[str]:
        """Of a job or a run: its log and its triggers."""
        if job_id:
            yield self._aws("batch", "describe-jobs", {"jobs": [job_id]})
        if job is not None:
            yield from self._triggers(job)

    def of_run(self, found: FoundRun) -> Iterator[str]:
        """Of a run: its job, what was noted of it, its queue while it waits, and its log when it has ended."""
        detail = found.detail
        if found.job_id:
            yield self._aws("batch", "describe-jobs", {"jobs": [found.job_id]})
        if found.scheduled_time:
            at = datetime.fromisoformat(found.scheduled_time)
            yield self._record(found.name, found.scheduled_time, found.scheduled_time)
            if found.job is not None and found.job.spec.is_managed:
                yield self._function_log(at)
        if not detail:
            return
        if detail["status"] not in ENDED:
            yield from self._queues([str(detail["jobQueue"]).rpartition("/")[2]])
        elif array_size(detail):
            failed = {"arrayJobId": found.job_id, "jobStatus": "FAILED"}
            yield self._aws("batch", "list-jobs", failed)
        else:
            yield from self._log(found)

    def of_time(self, job: NamedJob, at: datetime | None) -> Iterator[str]:
        """Of a time of a job, or of its newest run: runs, what was noted, triggers, and what was not delivered."""
        yield self._jobs_of_name(job)
        yield self._record(job.full, utc_text(at) if at else "", utc_text(at) if at else "")
        yield from self._triggers(job)
        if at is not None and job.spec.is_managed:
            yield self._function_log(at)
        # Nothing is hidden from who works on the queue.
        asked = {"maxNumberOfMessages": "10", "visibilityTimeout": "0", "messageAttributeNames": "All"}
        name = {"queueName": f"{self._prefix}-trigger-dead-letter"}
        url = f"{self._aws('sqs', 'get-queue-url', name)} --query QueueUrl --output text"
        yield f'{self._aws("sqs", "receive-message", asked)} --queue-url "$({url})"'

    def states(self, jobs: Iterable[str]) -> Iterator[str]:
        """What is noted of jobs as a whole: pauses, and runs that wait."""
        keys = [{"job": {"S": job}, "item": {"S": "state"}} for job in jobs]
        for begin in range(0, len(keys), _STATES):
            asked = {f"{self._prefix}-job-runs": {"Keys": keys[begin : begin + _STATES]}}
            yield self._aws("dynamodb", "batch-get-item", {"requestItems": asked})

    def _queues_of(self, jobs: Sequence[NamedJob]) -> list[str]:
        return list(dict.fromkeys(self._catalog.job_queue_name(job.spec.queue) for job in jobs))

    def _jobs(self, jobs: Sequence[NamedJob], since: datetime) -> Iterator[str]:
        if len(jobs) == 1:
            yield self._jobs_of_name(jobs[0])
            return
        after = {"name": "AFTER_CREATED_AT", "values": [str(_milliseconds(since))]}
        for queue in self._queues_of(jobs):
            yield self._aws("batch", "list-jobs", {"jobQueue": queue, "filters": [after]})

    def _pauses(self, jobs: Sequence[NamedJob]) -> Iterator[str]:
        if len(jobs) == 1:
            yield from self._triggers(jobs[0])
        else:
            yield self._aws("events", "list-rules", {"namePrefix": f"{self._prefix}-"})
            for service in dict.fromkeys(job.service for job in jobs):
                group = names.schedule_group(self._prefix, service)
                yield self._aws("scheduler", "list-schedules", {"groupName": group})
        yield from self.states(job.full for job in jobs)

    def _jobs_of_name(self, job: NamedJob) -> str:
        named = {"name": "JOB_NAME", "values": [job.full]}
        queue = self._catalog.job_queue_name(job.spec.queue)
        return self._aws("batch", "list-jobs", {"jobQueue": queue, "filters": [named]})

    def _queues(self, queues: Sequence[str]) -> Iterator[str]:
        for queue in queues:
            yield self._aws("batch", "get-job-queue-snapshot", {"jobQueue": queue})
        yield self._aws("batch", "describe-job-queues", {"jobQueues": list(queues)})
        yield self._aws("batch", "describe-compute-environments", {})

    def _triggers(self, job: NamedJob) -> Iterator[str]:
        full_name = f"{self._prefix}-{job.full}"
        for name in (names.rule(full_name), names.after_rule(full_name)):
            yield self._aws("events", "describe-rule", {"name": name})
        group = names.schedule_group(self._prefix, job.service)
        yield self._aws("scheduler", "get-schedule", {"name": names.schedule(full_name), "groupName": group})

    def _record(self, job: str, since: str, until: str) -> str:
        values = {":job": job, ":since": f"run#{since}", ":until": f"run#{until}~"}
        asked: dict[str, Any] = {
            "tableName": f"{self._prefix}-job-runs",
            "keyConditionExpression": "#job = :job AND #item BETWEEN :since AND :until",
            "expressionAttributeNames": {"#job": "job", "#item": "item"},
            "expressionAttributeValues": {name: {"S": value} for name, value in values.items()},
            "scanIndexForward": False,
        }
        return self._aws("dynamodb", "query", asked)

    def _revisions(self, jobs: Sequence[NamedJob]) -> Iterator[str]:
        stage = self._catalog.stage
        for service in dict.fromkeys(job.service for job in jobs):
            place = {"bucket": stage.state.bucket, "key": f"{stage.name}/jobs-{service}.tfstate"}
            yield f"{self._aws('s3api', 'get-object', place)} /dev/stdout"
        one = {"jobDefinitionName": self._catalog.job_definition_name(jobs[0].service, jobs[0].name)} if jobs else {}
        yield self._aws("batch", "describe-job-definitions", {**(one if len(jobs) == 1 else {}), "status": "ACTIVE"})

    def _function_log(self, at: datetime) -> str:
        span = {"startTime": str(_milliseconds(at)), "endTime": str(_milliseconds(at + _TRIED))}
        return self._aws(
            "logs", "filter-log-events", {"logGroupName": f"/aws/lambda/{self._prefix}-submit-run", **span}
        )

    def _log(self, found: FoundRun) -> Iterator[str]:
        try:
            written = [each for each in streams(found.detail, self._prefix) if each.name]
        except UsageError:  # it is not in CloudWatch Logs
            return
        for each in written[-1:]:
            place = {"logGroupName": each.group, "logStreamName": each.name, "limit": str(_END_LINES)}
            yield self._aws("logs", "get-log-events", place)


def _milliseconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
