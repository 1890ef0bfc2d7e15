"""Making up for runs: which times, each once, so many at a time, and how it goes on after it was cut off."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from batchtab.aws.backfill import BackfillRunner
from batchtab.aws.batch_jobs import Submitted
from batchtab.aws.client import Aws
from batchtab.aws.run_requests import backfill_request
from batchtab.aws.runs import Answer, FunctionError, Runs
from batchtab.cli.jobs import backfill
from batchtab.cli.main import main
from batchtab.declarations.named_jobs import NamedJob, find
from batchtab.errors import UsageError
from batchtab.run_record import Record
from batchtab.terraform.session import Session

NOW = datetime(2026, 11, 24, 10, 30, 20, tzinfo=UTC)
FIRST = datetime(2026, 11, 20, tzinfo=UTC)


def times(count: int) -> list[datetime]:
    return [FIRST + timedelta(hours=number) for number in range(count)]


@pytest.fixture
def said(spoil: Callable[..., None], project: Path) -> Callable[[str], NamedJob]:
    """The job do-often of a stage with other words in place of its schedule."""

    def make(text: str) -> NamedJob:
        spoil("jobs/my-service/jobs.yaml", "schedule: cron(7/10 * * * ? *)", text)
        return find(Session.open("local", project).catalog, "do-often", "backfill")

    return make


# --- which times


def asked(job: NamedJob, begin: str, end: str) -> list[str]:
    _, found = backfill.asked_for(job, begin, end, NOW)
    return [f"{time:%d %H:%M}" for time in found]


def test_both_ends_are_included(said: Callable[[str], NamedJob]) -> None:
    job = said("schedule: cron(0 * * * ? *)")
    assert asked(job, "2026-11-24T06:00:00Z", "2026-11-24T08:00:00Z") == ["24 06:00", "24 07:00", "24 08:00"]


def test_a_moment_without_offset_is_of_the_jobs_zone_and_a_day_is_a_whole_one(said: Callable[[str], NamedJob]) -> None:
    job = said("schedule: 0 9 * * *\n    timezone: Asia/Seoul")
    assert asked(job, "2026-11-22", "2026-11-23") == ["22 00:00", "23 00:00"]
    assert asked(job, "2026-11-22T09:00", "2026-11-22T09:00") == ["22 00:00"]


def test_what_is_excepted_is_left_out(said: Callable[[str], NamedJob]) -> None:
    job = said('schedule: "@daily"\n    except: ["2026-11-22"]')
    assert asked(job, "2026-11-21", "2026-11-23") == ["21 00:00", "23 00:00"]


def test_one_run_of_a_rate_is_made_up_by_its_very_time(said: Callable[[str], NamedJob]) -> None:
    job = said("schedule: rate(5 minutes)")
    _, found = backfill.asked_for(job, "2026-11-24T08:00:41Z", "2026-11-24T08:00:41Z", NOW)
    assert found == [datetime(2026, 11, 24, 8, 0, 41, tzinfo=UTC)]


def test_over_a_month_each_time_comes_once(said: Callable[[str], NamedJob]) -> None:
    # GIVEN a span that is looked at in parts WHEN a time is on their border THEN it comes once
    begin, end = "2026-08-01T00:00:00Z", "2026-11-01T00:00:00Z"
    _, found = backfill.asked_for(said('schedule: "@daily"'), begin, end, NOW)
    assert found == [datetime(2026, 8, 1, tzinfo=UTC) + timedelta(days=number) for number in range(93)]


@pytest.mark.parametrize(
    ("schedule", "begin", "end", "why"),
    [
        ("schedule: '@daily'", "soon", "2026-11-23", "--from 'soon' is not allowed: a day"),
        (
            "schedule: '@daily'",
            "0001-01-01",
            "2026-11-23",
            "--from '0001-01-01' is too far away: from 2000-01-02",
        ),
        (
            "schedule: '@daily'",
            "2026-11-23",
            "9999-12-31",
            "--to '9999-12-31' is too far away: from 2000-01-02",
        ),
        ("schedule: '@daily'", "2026-11-23", "2026-11-22", "--from 2026-11-23 is later than --to 2026-11-22"),
        ("schedule: '@daily'", "2026-11-23", "2026-11-24", "--to 2026-11-24 must be at least 2 minutes in the past"),
        ("schedule: '@daily'", "2026-11-23", "2026-11-24", "[hint: --to 2026-11-24T10:28+00:00]"),
        ("schedule: '@daily'", "2026-11-23T01:00", "2026-11-23T02:00", "[hint: the next is 2026-11-24T00:00+00:00]"),
        ("schedule: rate(5 minutes)", "2026-11-22", "2026-11-23", "by rate(5 minutes), whose times only AWS knows"),
        ("schedule: '* * * * *'", "2016-11-22", "2026-11-23", "these are more than 10,000 runs"),
        ("description: by hand", "2026-11-22", "2026-11-23", "has no schedule"),
    ],
)
def test_what_cannot_be_made_up_is_one_line(
    said: Callable[[str], NamedJob], schedule: str, begin: str, end: str, why: str
) -> None:
    with pytest.raises(UsageError) as error:
        backfill.asked_for(said(schedule), begin, end, NOW)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


# --- which of them have run


class Batch:
    """Batch with the jobs that the trigger of a direct job submitted."""

    def __init__(self, jobs: Sequence[Submitted] = ()) -> None:
        self.jobs = {job.id: job for job in jobs}

    def of_name(self, queue: str, name: str, most: int = 1000) -> list[Any]:
        del most
        mine = [job for job in self.jobs.values() if job.queue == queue and job.name == name]
        return [{"jobId": job.id, "jobName": job.name, "createdAt": job.created_ms} for job in mine]

    def described(self, ids: Sequence[str]) -> list[Submitted]:
        return [self.jobs[each] for each in ids if each in self.jobs]


class Table:
    def __init__(self, *records: Record) -> None:
        self.noted = records

    def records(self, job: str, *, since: str, until: str) -> list[Record]:
        return [r for r in self.noted if r.job == job and since <= r.scheduled_time <= until]


def in_batch(number: int, scheduled: str, **others: Any) -> Submitted:
    name = "my-service-do-often"
    given: dict[str, Any] = {
        "id": f"job-{number}",
        "name": name,
        "queue": "batchtab-local-continuously",
        "status": "SUCCEEDED",
        "reason": "",
        "created_ms": int(datetime(2026, 11, 24, 9, tzinfo=UTC).timestamp() * 1000),
        "started_ms": None,
        "stopped_ms": None,
        "attempts": 1,
        "scheduled_time": scheduled,
        "run_id": f"{name}@{scheduled}",
    }
    return Submitted(**{**given, **others})


def have_run(job: NamedJob, wanted: Sequence[datetime], table: Any, batch: Any) -> set[datetime]:
    timing = job.spec.timing
    assert timing is not None
    return backfill.have_run(job, timing, wanted, table, batch, ["batchtab-local-continuously"])


def test_only_what_was_submitted_has_run(said: Callable[[str], NamedJob]) -> None:
    # GIVEN a record of each status
    job = said("schedule: '0 * * * *'")
    wanted = times(6)
    statuses = ("submitted", "skipped", "late", "dropped", "claimed", "refused")
    records = [Record(job.full, f"{at:%Y-%m-%dT%H:%M:%SZ}", s) for at, s in zip(wanted, statuses, strict=True)]
    # THEN the others are made up
    assert have_run(job, wanted, Table(*records), Batch()) == {wanted[0]}


def test_a_run_that_the_trigger_submitted_itself_has_run_though_nothing_is_recorded(
    said: Callable[[str], NamedJob],
) -> None:
    # GIVEN jobs in Batch: one that a rule submitted some seconds late, one by hand with the same words, one of a chain
    job = said("schedule: '0 * * * *'")
    wanted = times(4)
    jobs = [
        in_batch(1, "2026-11-20T00:00:03Z"),
        in_batch(2, "2026-11-20T01:00:00Z", run_id=""),
        in_batch(3, "2026-11-20T02:00:00Z", upstream_job_id="x", run_id=f"{job.full}@x"),
        in_batch(4, "2026-11-19T03:00:00Z", created_ms=0),
    ]
    # THEN only the first counts
    assert have_run(job, wanted, Table(), Batch(jobs)) == {wanted[0]}


def test_a_run_of_a_rate_is_known_by_its_second(said: Callable[[str], NamedJob]) -> None:
    job = said("schedule: rate(5 minutes)")
    at = datetime(2026, 11, 24, 8, 0, 41, tzinfo=UTC)
    assert have_run(job, [at], Table(), Batch([in_batch(1, "2026-11-24T08:00:40Z")])) == set()
    assert have_run(job, [at], Table(), Batch([in_batch(1, "2026-11-24T08:00:41Z")])) == {at}


# --- what the function is asked


def test_the_function_is_asked_as_the_trigger_asks_it(said: Callable[[str], NamedJob], project: Path) -> None:
    # GIVEN a job that says everything
    job = said(
        'schedule: 0 9 * * *\n    timezone: Asia/Seoul\n    except: ["2026-12-25"]\n    concurrency_policy: queue\n'
        "    queue_limit: 4\n    starting_deadline_seconds: 600\n    pause_on_failure: true\n    array_size: 3"
    )
    catalog = Session.open("local", project).catalog
    assert backfill_request(catalog, job, datetime(2026, 11, 20, tzinfo=UTC)) == {
        "mode": "backfill",
        "trigger": {"scheduled_time": "2026-11-20T00:00:00Z"},
        "job": {
            "name": "my-service-do-often",
            "job_queue": "arn:aws:batch:ap-northeast-2:000000000000:job-queue/batchtab-local-continuously",
            "job_definition": "batchtab-local-my-service-do-often",
            "schedule": "cron(0 9 * * ? *)",
            "timezone": "Asia/Seoul",
            "concurrency_policy": "queue",
            "queue_limit": 4,
            "starting_deadline_seconds": 600,
            "except": ["2026-12-25"],
            "pause_on_failure": True,
            "array_size": 3,
        },
    }


def test_of_a_plain_job_it_is_sent_no_more_than_it_must_know(said: Callable[[str], NamedJob], project: Path) -> None:
    request = backfill_request(Session.open("local", project).catalog, said("schedule: '@daily'"), FIRST)
    assert set(request["job"]) == {"name", "job_queue", "job_definition", "schedule"}


def test_the_request_is_one_that_the_function_understands(said: Callable[[str], NamedJob], project: Path) -> None:
    from submit_run.request import Request  # noqa: PLC0415

    read = Request.of(backfill_request(Session.open("local", project).catalog, said("schedule: '@daily'"), FIRST))
    assert (read.run_id, read.is_backfill) == ("my-service-do-often@2026-11-20T00:00:00Z", True)


# --- the runs


class World:
    """A submit function and a Batch whose jobs take so many seconds, on a clock of their own."""

    def __init__(self, seconds: float = 30.0, *, busy_until: float = 0.0, fails: set[int] | None = None) -> None:
        self.now = 0.0
        self.seconds, self.busy_until, self.fails = seconds, busy_until, fails or set()
        self.submitted: dict[str, tuple[datetime, float]] = {}
        self.had_run: set[datetime] = set()
        self.most_at_once = 0
        self.events: list[str] = []
        self.errors: list[Exception] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, scheduled: datetime) -> Answer:
        if self.errors:
            raise self.errors.pop()
        if scheduled in self.had_run:
            return Answer("duplicate", reason="submitted already")
        if self.now < self.busy_until:
            return Answer("busy", reason="the run of 09:00 has not ended")
        self.had_run.add(scheduled)
        job_id = f"job-{len(self.submitted)}"
        self.submitted[job_id] = (scheduled, self.now)
        self.most_at_once = max(self.most_at_once, sum(not self._over(each) for each in self.submitted))
        return Answer("submitted", job_id=job_id)

    def described(self, ids: Sequence[str]) -> list[Submitted]:
        found = []
        for each in ids:
            number = int(each.removeprefix("job-"))
            failed = number in self.fails
            status = ("FAILED" if failed else "SUCCEEDED") if self._over(each) else "RUNNING"
            found.append(in_batch(number, "", status=status, reason="exit code 1" if failed else ""))
        return found

    def _over(self, job_id: str) -> bool:
        return self.now - self.submitted[job_id][1] >= self.seconds

    # what is shown

    def began(self, scheduled: datetime, answer: Answer) -> None:
        self.events.append(f"{scheduled:%H} {answer.job_id}")

    def ended(self, scheduled: datetime, status: str, reason: str) -> None:
        self.events.append(f"{scheduled:%H} {status} {reason}".rstrip())

    def waits(self, reason: str) -> None:
        if f"waits: {reason}" not in self.events:
            self.events.append(f"waits: {reason}")

    def backfill_runner(self, most: int = 1) -> BackfillRunner:
        return BackfillRunner(self.ask, self.described, most, self, sleep=self.sleep, clock=lambda: self.now)


def test_one_after_the_other_in_the_order_of_their_times() -> None:
    world = World()
    backfill_runner = world.backfill_runner()
    backfill_runner.run(times(3))
    assert world.events == ["00 job-0", "00 SUCCEEDED", "01 job-1", "01 SUCCEEDED", "02 job-2", "02 SUCCEEDED"]
    assert world.most_at_once == 1
    assert (backfill_runner.tally.succeeded, backfill_runner.tally.going) == (3, 0)


def test_so_many_at_once_and_no_more() -> None:
    world = World()
    world.backfill_runner(4).run(times(10))
    assert world.most_at_once == 4
    assert len(world.submitted) == 10
    assert world.now < 3 * world.seconds + 60


def test_a_failure_is_counted_and_does_not_stop_the_others() -> None:
    world = World(fails={1})
    backfill_runner = world.backfill_runner()
    backfill_runner.run(times(3))
    assert backfill_runner.tally.succeeded == 2
    assert backfill_runner.tally.failed == [(times(3)[1], "exit code 1")]


def test_a_busy_job_is_waited_for_and_it_says_for_what() -> None:
    world = World(busy_until=100.0)
    world.backfill_runner().run(times(2))
    assert world.events[0] == "waits: the run of 09:00 has not ended"
    assert len(world.submitted) == 2
    assert world.submitted["job-0"][1] >= 100.0


def test_a_second_run_does_what_the_first_left() -> None:
    # GIVEN a backfill that is cut off while its third run is under way
    world = World()
    cut = world.backfill_runner()
    ask = world.ask

    def interrupted(scheduled: datetime) -> Answer:
        if len(world.submitted) == 3:
            raise KeyboardInterrupt
        return ask(scheduled)

    world.ask = interrupted  # type: ignore[method-assign]
    cut = world.backfill_runner()
    with pytest.raises(KeyboardInterrupt):
        cut.run(times(5))
    # WHEN the same is asked for again
    world.ask = ask  # type: ignore[method-assign]
    again = world.backfill_runner()
    again.run(times(5))
    # THEN each time was submitted once
    assert sorted(at for at, _ in world.submitted.values()) == times(5)
    assert again.tally.not_run == {"duplicate": 3}
    assert again.tally.succeeded == 2


def test_a_function_that_fails_is_asked_again_and_then_given_up() -> None:
    # GIVEN a function that fails twice WHEN it is asked THEN it goes on
    world = World()
    world.errors = [FunctionError("timed out")] * 2
    world.backfill_runner().run(times(1))
    assert len(world.submitted) == 1
    # AND one that goes on failing is given up, with what was submitted on record
    world.errors = [FunctionError("timed out")] * 9
    with pytest.raises(FunctionError):
        world.backfill_runner().run(times(2)[1:])


def test_what_batch_refuses_is_not_tried_again() -> None:
    world = World()
    world.errors = [FunctionError("never asked"), FunctionError("Batch refuses it: JobDefinition does not exist")]
    with pytest.raises(FunctionError, match="refuses"):
        world.backfill_runner().run(times(1))
    assert (len(world.errors), world.now) == (1, 0.0)


def test_a_job_that_batch_never_lists_ends_the_wait_as_a_failure() -> None:
    world = World()
    world.described = lambda _ids: []  # type: ignore[method-assign, assignment]
    backfill_runner = world.backfill_runner()
    backfill_runner.run(times(1))
    assert backfill_runner.tally.failed[0][1] == "Batch does not know it any more"
    assert world.now >= 120


# --- the function's answer


def answering(*answers: dict[str, Any]) -> tuple[Runs, Stubber]:
    runs = Runs(Aws("ap-northeast-2", "http://127.0.0.1:9"), "batchtab-prod")
    stub = Stubber(runs._lambda)
    for answer in answers:
        body = json.dumps(answer.pop("said")).encode()
        payload = StreamingBody(io.BytesIO(body), len(body))
        wanted = {
            "FunctionName": "batchtab-prod-submit-run",
            "InvocationType": "RequestResponse",
            "Payload": b'{"mode": "backfill"}',
        }
        stub.add_response("invoke", {"Payload": payload, **answer}, wanted)
    return runs, stub


def test_the_answer_is_read_whatever_else_is_in_it() -> None:
    runs, stub = answering({"said": {"outcome": "busy", "reason": "it runs", "job_id": None, "more": 1}})
    with stub:
        assert runs.ask({"mode": "backfill"}) == Answer("busy", reason="it runs")


def test_a_function_that_fails_or_is_not_there_is_sent_apart() -> None:
    runs, stub = answering({"said": {"errorMessage": "Batch refuses it: no"}, "FunctionError": "Unhandled"})
    with stub:
        with pytest.raises(FunctionError, match="Batch refuses it: no"):
            runs.ask({"mode": "backfill"})
        stub.add_client_error("invoke", "ResourceNotFoundException")
        with pytest.raises(LookupError):
            runs.ask({"mode": "backfill"})


# --- the command


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which the command itself runs, without waiting."""
    made = World(seconds=0.0)

    class Fake:
        function_name = "batchtab-local-submit-run"

        def __init__(self, _aws: object, _prefix: str = "") -> None:
            self.of_name, self.described = Batch().of_name, made.described

        def records(self, job: str, **_: str) -> list[Record]:
            return [Record(job, f"{at:%Y-%m-%dT%H:%M:%SZ}", "submitted") for at in sorted(made.had_run)]

        def ask(self, event: Any) -> Answer:
            return made.ask(datetime.fromisoformat(event["trigger"]["scheduled_time"]))

    monkeypatch.setattr("batchtab.cli.jobs.backfill.Runs", Fake)
    monkeypatch.setattr("batchtab.cli.jobs.backfill.BatchJobs", Fake)
    of_time = SimpleNamespace(sleep=lambda seconds: made.sleep(seconds), monotonic=time.monotonic)  # noqa: PLW0108 - tests replace made.sleep
    monkeypatch.setattr("batchtab.cli.jobs.backfill.time", of_time)
    return made


def run(*more: str) -> int:
    days = ["--from", "2026-03-02T00:00:00Z", "--to", "2026-03-04T00:00:00Z"]
    return main(["backfill", "do-something", *days, *more])


def test_a_dry_run_shows_both_clocks_and_what_has_run(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.had_run.add(datetime(2026, 3, 3, tzinfo=UTC))
    assert run("--dry-run") == 0
    assert capsys.readouterr().out.splitlines() == [
        "UTC               Asia/Seoul",
        "2026-03-02 00:00  2026-03-02 09:00",
        "2026-03-03 00:00  2026-03-03 09:00  has run",
        "2026-03-04 00:00  2026-03-04 09:00",
        "3 runs, 1 of which is done",
    ]
    assert not world.submitted


def test_it_tells_what_became_of_them_and_a_second_time_does_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        "my-service-do-something: 3 runs, 2026-03-02 09:00 to 2026-03-04 09:00, times of Asia/Seoul",
        "my-service-do-something: 3 succeeded",
    ]
    assert output.err.splitlines()[:2] == [
        "2026-03-02 09:00  submitted as job-0",
        "2026-03-02 09:00  SUCCEEDED",
    ]
    assert run() == 0
    assert capsys.readouterr().out == "my-service-do-something: 3 had run before\n"
    assert len(world.submitted) == 3


def test_failures_are_told_at_the_end_and_are_status_1(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.fails = {1}
    assert run() == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "my-service-do-something: 2 succeeded, 1 failed",
        "  failed: 2026-03-03 09:00 exit code 1",
    ]


def test_ctrl_c_says_how_to_go_on_and_leaves_alone_what_runs(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.seconds = 3600.0

    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    world.sleep = stop  # type: ignore[method-assign]
    assert run() == 130
    output = capsys.readouterr()
    assert output.out.endswith("my-service-do-something: 1 in Batch, 2 left\n")
    assert "1 runs on in Batch; the same command goes on where this one stopped" in output.err


def test_more_than_a_hundred_are_asked_about(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["backfill", "do-often", "--from", "2026-03-02", "--to", "2026-03-02"]
    assert main(command) == 2
    assert (
        "backfill: nobody can be asked: Submit 144 runs of my-service-do-often? [hint: --yes]"
        in capsys.readouterr().err
    )
    assert not world.submitted
    assert main([*command, "--yes", "--max-parallel", "100"]) == 0
    assert len(world.submitted) == 144


def test_a_job_that_must_not_meet_itself_is_made_up_one_at_a_time(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--from", "2026-03-02T00:00:00Z", "--to", "2026-03-03T00:00:00Z", "--max-parallel", "4"]
    assert main(["backfill", "sync", *arguments]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "examples-sync: one at a time, because concurrency_policy is queue"
    assert world.most_at_once <= 1


def test_a_function_that_is_not_there_is_one_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.errors = [LookupError("x")]
    assert run() == 2
    assert "there is no function batchtab-local-submit-run" in capsys.readouterr().err


def test_the_zone_of_what_is_shown_is_the_stages_where_a_job_has_none(said: Callable[[str], NamedJob]) -> None:
    job = said("schedule: '@daily'")
    assert job.zone(Session.open("local").catalog) == ZoneInfo("Asia/Seoul")
