"""Reads what is known of a run, or of a time without one, for `batchtab why`.

At most about 25 calls beside those that find the run, and one list, one description and one query for each job that
comes after it (ten at most); for a job that waits for its queue those of `queue_facts`. Most runs take five to eight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from botocore.exceptions import ClientError

from batchtab import names
from batchtab.aws import runner_lines
from batchtab.aws.batch_jobs import BatchJobs
from batchtab.aws.client import Aws
from batchtab.aws.function_log import FunctionLog
from batchtab.aws.queue_facts import QueueReader
from batchtab.aws.retry_history import RetryHistory
from batchtab.aws.run_followers import Followers
from batchtab.aws.run_lookup import FoundRun
from batchtab.aws.runs import Runs
from batchtab.aws.trigger_letters import TriggerLetter, TriggerLetters
from batchtab.aws.triggers import Triggers
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.named_jobs import NamedJob
from batchtab.run_story import decisions, submitter, timeline
from batchtab.run_story.batch_job import BatchJob, read
from batchtab.run_story.facts import Facts, Failure, Letter, QueueFacts, Trigger
from batchtab.run_story.wording import moment
from batchtab.schedules.timestamps import utc_text

_LISTED = 300  # jobs of a name in which the run before is looked for
_CHILDREN = 100  # that DescribeJobs takes
_TWIN = timedelta(seconds=60)
_PROMPT = timedelta(seconds=3)  # from its time to its submission, where nothing is in its way
_GRACE = timedelta(seconds=40)  # which Batch leaves to a job that is stopped
_NEAR = 10
_LATE = timedelta(seconds=60)  # after its time: then something was in the way of a decision
_TRIED = timedelta(hours=1)  # the longest that a delivery is tried
_MINUTE = timedelta(minutes=1)
_END_LINES = 5
T = TypeVar("T")


class FactsReader:
    """Reads facts about runs of one stage."""

    def __init__(self, catalog: Catalog, aws: Aws, now: datetime) -> None:
        self._catalog, self._aws, self._now = catalog, aws, now
        self._prefix = catalog.stage.prefix
        self._batch, self._runs = BatchJobs(aws), Runs(aws, self._prefix)
        self._unread: list[str] = []

    def of_run(self, found: FoundRun) -> Facts:
        """Of a run that is known, whether it got to Batch or not."""
        job = read(found.detail) if found.detail else None
        decision = found.record
        facts = self._basic(found.job, found.name)
        facts = replace(facts, at=moment(found.scheduled_time), batch=job, decision=decision)
        ids = [*decisions.job_ids(decision)] if decision and job is None else []
        if decision is not None and (decision.status == "waiting" or decision.reason.startswith("paused since")):
            facts = self._with_state(facts)
            ids.append(facts.active_job_id if decision.status == "waiting" else "")
        facts = replace(facts, failures=self._failures(facts))
        if job is None:
            letters = self._letters(facts) if decision and decision.status in ("claimed", "refused") else ()
            return self._done(replace(facts, others=self._described(ids), letters=letters))
        ids += [job.upstream_job_id, job.retry_of, *job.depends_on]
        facts = replace(self._with_neighbours(job, facts), others=self._described(ids))
        if not job.has_ended:
            return self._done(replace(facts, queue=self._queue(job)))
        if "FAILED" in dict(job.children):
            facts = replace(facts, failed_children=self._optional("its children", lambda: self._children(job), ()))
        if job.log_stream:
            facts = replace(facts, runner=self._optional("its log", lambda: self._runner(job), {}))
        facts = self._with_retries(found, facts)
        followers = Followers(self._catalog, self._batch, self._runs)
        return self._done(replace(facts, followers=tuple(followers.of(found.job, job)) if found.job else ()))

    def of_time(self, job: NamedJob, at: datetime | None, wall: datetime | None = None) -> Facts:
        """Of a time of a job without a run; without a time, of a job that has no run."""
        facts = replace(self._basic(job, job.full), at=at, wall=wall)
        letters = self._letters(facts) if at is None or at <= self._now else ()
        if at is not None and not letters:
            facts = replace(facts, failures=self._failures(facts))
        triggers = self._optional("its triggers", lambda: self._triggers(job), None)
        return self._done(replace(facts, letters=letters, triggers=triggers, first_known=self._first_known(job, at)))

    def _basic(self, job: NamedJob | None, name: str) -> Facts:
        config = self._catalog.stage
        files = {each.spec.service: each.document.file for each in self._catalog.sources}
        return Facts(
            now=self._now,
            stage=config.name,
            zone=job.zone(self._catalog) if job else ZoneInfo(config.timezone),
            name=name,
            job=job,
            file="/".join(Path(files.get(job.service, "")).parts[-3:]) if job else "",
            history_days=config.runs.history_days,
        )

    def _done(self, facts: Facts) -> Facts:
        return replace(facts, unread=tuple(self._unread))

    def _optional(self, what: str, call: Callable[[], T], otherwise: T) -> T:
        """What a story can do without, if AWS denies it."""
        try:
            return call()
        except ClientError as error:
            self._unread.append(f"{what}: {error.response['Error']['Code']}")
            return otherwise

    # --- Batch

    def _described(self, ids: Iterable[str]) -> dict[str, BatchJob]:
        wanted = list(dict.fromkeys(filter(None, ids)))[:100]
        return {job_id: read(detail) for job_id, detail in self._batch.raw(wanted).items()} if wanted else {}

    def _with_neighbours(self, job: BatchJob, facts: Facts) -> Facts:
        """The run that it waited for, the one that waited for it, and others of its time."""
        at, created = facts.at, job.created
        if at is None or created is None or not job.queue:
            return facts
        root = re.split("[:#]", job.id)[0]  # of a child its array, of a node its job
        listed = [read(each) for each in self._batch.of_name(job.queue, job.name, _LISTED) if each["jobId"] != root]
        is_once = job.upstream_job_id or (facts.job is not None and facts.job.spec.is_managed)
        close = [each for each in listed if each.created and abs(each.created - created) <= _TWIN]
        near = [] if is_once or facts.mode else close[:_NEAR]
        last = following = None
        if facts.policy in ("queue", "replace"):
            if created - at > _PROMPT and not (facts.mode == "manual" and submitter.asked_at(facts) == created):
                waited = [each for each in listed if each.stopped and at <= each.stopped <= created + _PROMPT]
                last = max(waited, key=lambda each: each.stopped or at, default=None)
            if job.stopped is not None:
                begin, end = job.stopped - _GRACE, job.stopped + _TWIN
                later = [each for each in listed if each.created and max(created, begin) < each.created <= end]
                following = min(later, key=lambda each: each.created or end, default=None)
        known = self._described([each.id for each in (*near, last, following) if each is not None])
        if last is not None and (moment(known.get(last.id, last).scheduled_time) or at) > at:
            last = None  # it was due later, and waited itself if any did
        twins = [known[each.id] for each in near if each.id in known]
        return replace(
            facts,
            before=known.get(last.id, last) if last else None,
            following=_had_waited(known.get(following.id), job) if following else None,
            twins=tuple(each for each in twins if _is_delivery(each) and moment(each.scheduled_time) == at),
        )

    def _with_retries(self, found: FoundRun, facts: Facts) -> Facts:
        """What came after a run that failed; of a child what came after its array, and ran that child."""
        history = RetryHistory.of(self._aws, self._prefix, found.detail)
        return replace(facts, retries=tuple(map(read, history.retries)), is_retried=history.is_done)

    def _children(self, job: BatchJob) -> tuple[BatchJob, ...]:
        page = self._aws.client("batch").list_jobs(arrayJobId=job.id, jobStatus="FAILED", maxResults=_CHILDREN)
        return tuple(self._described(each["jobId"] for each in page["jobSummaryList"]).values())

    def _queue(self, job: BatchJob) -> QueueFacts | None:
        is_waiting = job.status in ("RUNNABLE", "PENDING") and not dict(job.children).get("RUNNING")
        if not is_waiting:
            return None
        declared = self._catalog.stage.environment.queues
        own = next((each for each in declared if self._catalog.job_queue_name(each) == job.queue), "")
        shared = set(declared[own].compute_environments) if own else set()
        others = [each for each in declared if each != own and shared & set(declared[each].compute_environments)]
        reader = QueueReader(self._aws)
        beside = list(map(self._catalog.job_queue_name, others))
        try:
            return self._optional("its queue", lambda: reader.read(job.queue, beside), None)
        except LookupError:
            return None

    def _runner(self, job: BatchJob) -> Mapping[str, object]:
        """The job runner's end line, which says why it gave way and how much memory was used."""
        group = f"/aws/batch/{self._prefix}"
        try:
            answer = self._aws.client("logs").get_log_events(
                logGroupName=group, logStreamName=job.log_stream, limit=_END_LINES, startFromHead=False
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return {}
            raise
        for event in reversed(answer["events"]):
            said = runner_lines.read(str(event.get("message", "")))
            if said is not None and said["batchtab"] == "end":
                return said
        return {}

    # --- what was noted, and what starts it

    def _with_state(self, facts: Facts) -> Facts:
        state = self._runs.states([facts.name]).get(facts.name)
        if state is None:
            return facts
        active = str((state.content.get("active") or {}).get("job_id") or "")
        return replace(facts, paused=state.paused, active_job_id=active)

    def _triggers(self, job: NamedJob) -> tuple[Trigger, ...]:
        found = Triggers(self._aws, self._prefix).of_job(job.service, job.name)
        after = names.after_rule(f"{self._prefix}-{job.full}")
        return tuple(
            Trigger(each.kind, each.name, each.is_enabled, each.name == after, each.made, each.changed)
            for each in found
        )

    def _first_known(self, job: NamedJob, at: datetime | None) -> datetime | None:
        """When the job ran first, as far as anybody remembers; before `at` one run is enough."""
        if at is not None:
            earlier = self._runs.records(job.full, until=utc_text(at), newest=1)
            if earlier:
                return moment(earlier[0].scheduled_time)
        queue = self._catalog.job_queue_name(job.spec.queue)
        created = [each["createdAt"] for each in self._batch.of_name(queue, job.full)]
        return read({"jobId": "", "createdAt": min(created)}).created if created else None

    def _failures(self, facts: Facts) -> tuple[Failure, ...]:
        """Errors of the submit function, where a run was decided, or its job noted, late or not at all."""
        if facts.at is None or facts.job is None or not facts.job.spec.is_managed or facts.mode:
            return ()
        noted = moment(facts.decision.noted_at) if facts.decision else None
        until = (facts.batch.created if facts.batch and not timeline.unnoted(facts) else noted) or self._now
        if until - facts.at <= _LATE or (facts.batch and until - facts.at > _TRIED):
            return ()
        log, begin = FunctionLog(self._aws, self._prefix), facts.at
        run_id = (facts.decision.run_id if facts.decision else "") or f"{facts.name}@{utc_text(begin)}"
        end = min(until, begin + _TRIED)
        return self._optional("the submit function's log", lambda: log.failures(begin, end, run_id), ())

    def _letters(self, facts: Facts) -> tuple[Letter, ...]:
        letters, at = TriggerLetters(self._aws, self._prefix), facts.at
        none: list[TriggerLetter] = []
        found = _of_time(self._optional("the dead-letter queue", lambda: letters.of_job(facts.name), none), facts)
        if not found and at is not None:
            sent = self._optional("the alert function's log", lambda: letters.sent(facts.name, at), none)
            found = _of_time(sent, facts)
        return tuple(Letter(each.sender, each.error, each.attempts, each.sent, each.is_sent) for each in found)


def _is_delivery(job: BatchJob) -> bool:
    """Whether a trigger by time submitted a job, and neither a person nor another's end."""
    return not (job.upstream_job_id or job.mode or job.retry_of or job.asked_because)


def _had_waited(following: BatchJob | None, job: BatchJob) -> BatchJob | None:
    """A run that began at the end of another, if it was due before that end."""
    due = moment(following.scheduled_time) if following else None
    return following if due is not None and job.stopped is not None and due <= job.stopped else None


def _of_time(letters: Iterable[TriggerLetter], facts: Facts) -> list[TriggerLetter]:
    """Those of the run's time; of a job without times all."""
    at = facts.at
    if at is None or facts.job is None or facts.job.spec.timing is None:
        return list(letters)
    return [each for each in letters if each.scheduled is not None and abs(each.scheduled - at) < _MINUTE]
