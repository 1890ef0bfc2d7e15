"""What became of runs: put together from two sources, and shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from botocore.stub import Stubber

from batchtab.aws.batch_jobs import BatchJobs, Submitted, read
from batchtab.aws.client import Aws
from batchtab.aws.run_history import FORGOTTEN, merged
from batchtab.aws.runs import Runs
from batchtab.cli.jobs import history, run_table
from batchtab.cli.main import main
from batchtab.cli.output import Output
from batchtab.declarations.named_jobs import all_jobs
from batchtab.run_record import Record
from batchtab.terraform.session import Session

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
JOB = "my-service-do-often"
SEOUL = ZoneInfo("Asia/Seoul")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def job(
    number: int = 1, *, scheduled: str = "2026-11-24T09:00:00Z", status: str = "SUCCEEDED", **others: Any
) -> Submitted:
    given: dict[str, Any] = {
        "id": f"job-{number}",
        "name": JOB,
        "queue": "arn:aws:batch:ap-northeast-2:000000000000:job-queue/batchtab-local-default",
        "status": status,
        "reason": "",
        "created_ms": ms("2026-11-24T09:00:01Z"),
        "started_ms": ms("2026-11-24T09:00:05Z"),
        "stopped_ms": ms("2026-11-24T09:00:50Z"),
        "attempts": 1,
        "scheduled_time": scheduled,
        "run_id": f"{JOB}@{scheduled}" if scheduled else "",
    }
    return Submitted(**{**given, **others})


def record(status: str, scheduled: str = "2026-11-24T09:00:00Z", **others: Any) -> Record:
    return Record(JOB, scheduled, status, run_id=f"{JOB}@{scheduled}", noted_at=scheduled, **others)


# --- two sources, one list


def test_a_run_that_both_know_is_one_run_with_batchs_status() -> None:
    # GIVEN a run that was recorded as submitted, and its job in Batch
    (run,) = merged([record("submitted", job_id="job-1")], [job(status="FAILED", reason="exit code 1")], NOW)
    # THEN Batch tells what became of it
    assert (run.status, run.reason, run.took_seconds, run.attempts) == ("FAILED", "exit code 1", 45.0, 1)


def test_a_job_that_is_submitted_directly_tells_its_time_by_its_environment() -> None:
    (run,) = merged([], [job()], NOW)
    assert run.scheduled == datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert run.reason == ""


def test_a_job_by_hand_has_no_scheduled_time_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = merged([], [job(scheduled="")], NOW)
    assert run.scheduled is None
    assert shown(capsys, [run])[1].startswith("manual     SUCCEEDED  11-24 18:00")


def test_why_somebody_ran_a_job_is_said_with_what_became_of_it() -> None:
    environment = [{"name": "BATCHTAB_REASON", "value": "the supplier's file came late"}]
    submitted = read(described(container={"exitCode": 3, "environment": environment}))
    (run,) = merged([], [submitted], NOW)
    assert run.reason.endswith("exit code 3; run because: the supplier's file came late")


@pytest.mark.parametrize(("mode", "said"), [("backfill", "backfilled"), ("retry", "retried"), ("manual", "")])
def test_a_run_that_was_made_up_for_says_so(mode: str, said: str) -> None:
    (run,) = merged([record("submitted", job_id="job-1", mode=mode)], [job()], NOW)
    assert run.reason == said


@pytest.mark.parametrize("status", ["skipped", "late", "dropped", "waiting", "refused"])
def test_what_never_got_to_batch_tells_why(status: str) -> None:
    (run,) = merged([record(status, reason="the run of 08:50 has not ended")], [], NOW)
    assert (run.status, run.reason, run.started) == (status, "the run of 08:50 has not ended", None)


def test_a_run_that_batch_has_forgotten_is_not_said_to_have_succeeded() -> None:
    (run,) = merged([record("submitted", job_id="job-9")], [], NOW)
    assert (run.status, run.reason) == ("submitted", FORGOTTEN)


def test_a_claim_whose_owner_is_dead_says_so_and_a_live_one_does_not() -> None:
    lease = NOW.timestamp()
    dead, live = (merged([record("claimed", lease_until=lease + offset)], [], NOW)[0].reason for offset in (-1.0, 30.0))
    assert "interrupted" in dead
    assert live == ""


def test_the_latest_comes_first_and_runs_by_hand_stand_where_they_were_made() -> None:
    # GIVEN runs of three times, and one by hand between
    jobs = [
        job(1, scheduled="2026-11-24T08:00:00Z"),
        job(2, scheduled="2026-11-24T09:00:00Z"),
        job(3, scheduled="", created_ms=ms("2026-11-24T08:30:00Z")),
    ]
    runs = merged([record("skipped", "2026-11-24T08:10:00Z")], jobs, NOW)
    # THEN they are in the order of their times
    assert [run.job_id or run.status for run in runs] == ["job-2", "job-3", "skipped", "job-1"]


def test_a_running_job_tells_for_how_long() -> None:
    (run,) = merged([], [job(status="RUNNING", stopped_ms=None)], NOW)
    assert run.took_seconds == pytest.approx((NOW - datetime(2026, 11, 24, 9, 0, 5, tzinfo=UTC)).total_seconds())


def test_what_others_wrote_cannot_draw_on_the_terminal() -> None:
    (run,) = merged([record("skipped", reason="a\x1b[2Jb\nc")], [], NOW)
    assert run.reason == "a [2Jb c"


# --- Batch's own words


def described(**others: Any) -> dict[str, Any]:
    job_: dict[str, Any] = {
        "jobId": "1",
        "jobName": JOB,
        "jobQueue": "q",
        "status": "FAILED",
        "statusReason": "Essential container in task exited",
        "createdAt": 1,
        "startedAt": 2,
        "stoppedAt": 3,
        "attempts": [{}, {}],
        "container": {
            "exitCode": 3,
            "environment": [
                {"name": "BATCHTAB_SCHEDULED_TIME", "value": "2026-11-24T09:00:00Z"},
                {"name": "BATCHTAB_RUN_ID", "value": f"{JOB}@2026-11-24T09:00:00Z"},
            ],
        },
    }
    return {**job_, **others}


def test_a_failed_job_tells_its_exit_code_and_its_attempts() -> None:
    found = read(described())
    assert found.reason == "Essential container in task exited; exit code 3"
    assert found.attempts == 2
    assert found.scheduled_time == "2026-11-24T09:00:00Z"


def test_the_attempt_that_runs_counts() -> None:
    assert read(described(status="RUNNING", attempts=[{}], stoppedAt=None)).attempts == 2


def test_an_array_tells_its_children_and_has_no_attempts_of_its_own() -> None:
    array = {"size": 3, "statusSummary": {"SUCCEEDED": 2, "FAILED": 1, "RUNNING": 0}}
    found = read(described(arrayProperties=array, attempts=[], container={}))
    assert (found.attempts, found.children) == (0, (("SUCCEEDED", 2), ("FAILED", 1)))
    assert merged([], [found], NOW)[0].reason.startswith("2 SUCCEEDED, 1 FAILED; ")


# --- on paper


def shown(capsys: pytest.CaptureFixture[str], runs: Sequence[Any], *, is_one: bool = True) -> list[str]:
    run_table.listing(SEOUL, is_one=is_one).print(runs, Output.TABLE)
    return capsys.readouterr().out.splitlines()


def test_a_pipe_gets_a_line_for_each_run_in_the_zone_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    runs = merged([record("skipped", "2026-11-24T08:50:00Z", reason="paused")], [job(attempts=2)], NOW)
    assert shown(capsys, runs) == [
        "scheduled         status     started   took  tries  reason",
        "2026-11-24 18:00  SUCCEEDED  18:00:05  45s   2",
        "2026-11-24 17:50  skipped                           paused",
    ]


def test_a_start_on_another_day_than_the_scheduled_one_tells_its_day(capsys: pytest.CaptureFixture[str]) -> None:
    (_, row) = shown(capsys, merged([], [job(scheduled="2026-11-20T09:00:00Z")], NOW))
    assert "11-24 18:00" in row


def test_a_runs_id_in_a_reason_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    runs = merged([record("skipped", "2026-11-24T08:50:00Z", reason=f"after {JOB}@2026-11-24T08:40:00Z")], [], NOW)
    assert shown(capsys, runs)[1].endswith(f"after {JOB}@2026-11-24T08:40:00Z")


def test_no_runs_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    run_table.listing(SEOUL, is_one=True).print([], Output.TABLE)
    assert capsys.readouterr() == ("", "No runs.\n")


@pytest.mark.parametrize("is_one", [True, False])
def test_a_terminal_of_80_columns_is_enough(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_one: bool
) -> None:
    # GIVEN a job with a long name and a run with a long reason, on a terminal
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    name = "accounting-reconcile-the-ledger-with-the-bank"
    reason = "the run of 2026-11-24T08:50:00Z, job 0f1e0f1e-0f1e-0f1e-0f1e-0f1e0f1e0f1e, has not ended"
    runs = merged([record("skipped", "2026-11-24T08:50:00Z", reason=reason)], [job(1, name=name, status="FAILED")], NOW)
    # WHEN it is shown
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown(capsys, runs, is_one=is_one)]
    # THEN nothing is wider, nothing is lost, and the reason has the table's time zone
    assert max(map(len, lines)) <= 80
    text = "".join("".join(lines).split())
    assert "".join(reason.replace("2026-11-24T08:50:00Z", "2026-11-24 17:50").split()) in text
    assert is_one or name[:12] in text


# --- the calls


class Batch(BatchJobs):
    """Batch with so many jobs, newest first, which counts what it is asked."""

    def __init__(self, jobs: list[Submitted]) -> None:
        self.jobs, self.calls = jobs, 0

    def of_name(self, queue: str, name: str, most: int = 1000) -> list[Any]:
        self.calls += 1
        mine = [j for j in self.jobs if queue.endswith("default") and j.name == name]
        return [{"jobId": j.id, "jobName": j.name, "createdAt": j.created_ms} for j in mine[:most]]

    def since(self, queue: str, moment: datetime) -> Iterator[list[Any]]:
        del moment
        mine = self.jobs if queue.endswith("default") else []
        for begin in range(0, len(mine), 100):
            self.calls += 1
            page = mine[begin : begin + 100]
            yield [{"jobId": j.id, "jobName": j.name, "createdAt": j.created_ms} for j in page]

    def described(self, ids: Sequence[str]) -> list[Submitted]:
        self.calls += bool(ids)
        wanted = set(ids)
        return [j for j in self.jobs if j.id in wanted]


class Table(Runs):
    table_name, function_name = "batchtab-local-job-runs", "batchtab-local-submit-run"

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.noted = list(records)

    def records(self, job: str, *, since: str = "", until: str = "", newest: int | None = None) -> list[Record]:
        found = [r for r in self.noted if r.job == job and r.scheduled_time >= since]
        found = [r for r in found if not until or r.scheduled_time <= until]
        return sorted(found, key=lambda r: r.scheduled_time, reverse=True)[:newest]

    def states(self, jobs: Any) -> dict[str, Any]:
        del jobs
        return {}


@pytest.fixture
def session(project: Path) -> Session:
    return Session.open("local", project)


def gathered(
    monkeypatch: pytest.MonkeyPatch, session: Session, batch: Batch, table: Table, most: int, *, is_one: bool = True
) -> list[Any]:
    monkeypatch.setattr("batchtab.cli.jobs.history.BatchJobs", lambda _aws: batch)
    monkeypatch.setattr("batchtab.cli.jobs.history.Runs", lambda _aws, _prefix: table)
    monkeypatch.setattr("batchtab.cli.jobs.history.why_paused", lambda *_: {})
    everything = list(all_jobs(session.catalog))
    chosen = [each for each in everything if each.full == JOB] if is_one else everything
    aws: Any = None
    return history.gathered(session, aws, chosen, most, None, NOW).runs


def many(count: int, *, back: timedelta = timedelta()) -> list[Submitted]:
    """Jobs of a minute each, newest first; of times that are so much older."""
    found = []
    for number in range(count):
        created = NOW - timedelta(minutes=number)
        text = f"{created - back:%Y-%m-%dT%H:%M:%SZ}"
        found.append(job(number, scheduled=text, created_ms=int(created.timestamp() * 1000)))
    return found


@pytest.mark.parametrize("is_one", [True, False])
def test_few_calls_show_the_newest_of_many(monkeypatch: pytest.MonkeyPatch, session: Session, is_one: bool) -> None:
    batch = Batch(many(5000))
    runs = gathered(monkeypatch, session, batch, Table(), 20, is_one=is_one)
    assert [run.job_id for run in runs[:20]] == [f"job-{number}" for number in range(20)]
    assert batch.calls <= 4


def test_a_backfill_of_long_ago_does_not_hide_the_runs_of_now(
    monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    # GIVEN the newest 150 jobs in Batch made up for times of a month ago, and the 30 before them ran on time
    made_up, on_time = many(150, back=timedelta(days=30)), many(180)[150:]
    runs = gathered(monkeypatch, session, Batch([*made_up, *on_time]), Table(), 20)
    # THEN the newest times are told
    assert [run.job_id for run in runs[:20]] == [each.id for each in on_time[:20]]


def test_a_record_whose_job_was_not_listed_is_asked_for(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    # GIVEN a job that moved to a queue that the stage no longer has
    elsewhere = job(7)

    class Moved(Batch):
        def of_name(self, queue: str, name: str, most: int = 1000) -> list[Any]:
            del queue, name, most
            return []

    runs = gathered(monkeypatch, session, Moved([elsewhere]), Table([record("submitted", job_id="job-7")]), 20)
    assert [run.status for run in runs] == ["SUCCEEDED"]


def test_records_come_page_by_page_newest_first() -> None:
    runs = Runs(Aws("ap-northeast-2", "http://127.0.0.1:9"), "batchtab-prod")
    with Stubber(runs._dynamodb) as stub:
        wanted = {
            "TableName": "batchtab-prod-job-runs",
            "KeyConditionExpression": "#job = :job AND #item BETWEEN :since AND :until",
            "ExpressionAttributeNames": {"#job": "job", "#item": "item"},
            "ExpressionAttributeValues": {
                ":job": {"S": JOB},
                ":since": {"S": "run#2026-11-24T00:00:00Z"},
                ":until": {"S": "run#~"},
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        key = {"job": {"S": JOB}, "item": {"S": "run#2026-11-24T09:00:00Z"}}
        item = {**key, "status": {"S": "late"}, "lease_until": {"N": "12.5"}}
        stub.add_response("query", {"Items": [item], "LastEvaluatedKey": key}, {**wanted, "Limit": 2})
        stub.add_response("query", {"Items": []}, {**wanted, "Limit": 1, "ExclusiveStartKey": key})
        (found,) = runs.records(JOB, since="2026-11-24T00:00:00Z", newest=2)
    assert found == Record(JOB, "2026-11-24T09:00:00Z", "late", lease_until=12.5)


def test_a_stage_without_the_table_has_no_records() -> None:
    runs = Runs(Aws("ap-northeast-2", "http://127.0.0.1:9"), "batchtab-prod")
    with Stubber(runs._dynamodb) as stub:
        stub.add_client_error("query", "ResourceNotFoundException")
        stub.add_client_error("batch_get_item", "ResourceNotFoundException")
        assert runs.records(JOB) == []
        assert runs.states([JOB]) == {}


def test_states_are_asked_for_again_until_all_are_there() -> None:
    runs = Runs(Aws("ap-northeast-2", "http://127.0.0.1:9"), "batchtab-prod")
    keys = [{"job": {"S": name}, "item": {"S": "state"}} for name in ("a-b", "c-d")]
    content = json.dumps({"paused": {"since": "2026-11-24T09:00:00Z", "reason": "job 1 failed", "job_id": "1"}})
    with Stubber(runs._dynamodb) as stub:
        table = runs.table_name
        first = {**keys[0], "version": {"N": "3"}, "content": {"S": content}}
        left = {table: {"Keys": [keys[1]]}}
        stub.add_response(
            "batch_get_item",
            {"Responses": {table: [first]}, "UnprocessedKeys": left},
            {"RequestItems": {table: {"Keys": keys, "ConsistentRead": True}}},
        )
        stub.add_response("batch_get_item", {"Responses": {table: []}, "UnprocessedKeys": {}}, {"RequestItems": left})
        found = runs.states(["a-b", "c-d"])
    assert found["a-b"].paused["reason"] == "job 1 failed"
    assert list(found) == ["a-b"]


# --- the command


def test_json_is_a_line_for_each_run() -> None:
    (run,) = merged([record("submitted", job_id="job-1")], [job()], NOW)
    assert json.loads(json.dumps(run_table.as_dict(run))) == {
        "job": JOB,
        "scheduled_time": "2026-11-24T09:00:00Z",
        "status": "SUCCEEDED",
        "submitted_or_noted_at": "2026-11-24T09:00:01Z",
        "started_at": "2026-11-24T09:00:05Z",
        "stopped_at": "2026-11-24T09:00:50Z",
        "duration_seconds": 45.0,
        "attempts": 1,
        "reason": None,
        "run_id": f"{JOB}@2026-11-24T09:00:00Z",
        "job_id": "job-1",
    }


@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "name"])
def test_each_form_has_every_run_and_a_program_gets_nothing_else(
    form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a run, one that was skipped, and a paused job
    runs = merged([record("skipped", "2026-11-24T08:50:00Z", reason="paused")], [job()], NOW)
    monkeypatch.setattr(history, "connect", lambda _: None)
    monkeypatch.setattr(history, "gathered", lambda *_: history.Gathered(runs, {JOB: "its rule is disabled"}))
    # WHEN they are printed
    assert main(["history", "-o", form]) == 0
    said, beside = capsys.readouterr()
    # THEN each form has both
    if form == "name":
        assert said.splitlines() == ["job-1", f"{JOB}@2026-11-24T08:50:00Z"]
    elif form in ("json", "yaml"):
        assert yaml.safe_load(said) == [json.loads(json.dumps(run_table.as_dict(run))) for run in runs]
    else:
        heading, first, second = said.splitlines()
        paused, zone = beside.splitlines()  # a pipe has the data alone
        assert paused.startswith(f"{JOB} is paused: its rule is disabled [hint: batchtab resume")
        assert zone == "Times of Asia/Seoul."
        assert ("job id" in heading, "job-1" in first) == (form == "wide",) * 2
        assert second.endswith("paused")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "history: --since 'yesterday' is not a time span: 90m, 12h, 7d or 4w"),
        (["--count", "0"], "invalid value for '--count'"),
    ],
)
def test_what_it_cannot_do_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_an_aws_that_does_not_answer_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "endpoint_url", "http://127.0.0.1:9")
    assert main(["history", JOB]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "AWS cannot be reached for stage local (account 000000000000, ap-northeast-2)" in line
    assert ': Could not connect to the endpoint URL: "http://127.0.0.1:9/v1/listjobs"' in line
    assert line.endswith("[hint: batchtab up starts local AWS]")
