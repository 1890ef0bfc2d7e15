"""The story of a run, from what AWS answers to what is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError
from tests.stopped_clock import stopped_clock

from batchtab.aws.client import Aws
from batchtab.cli.jobs import why
from batchtab.cli.main import main

JOB = "examples-report"  # at nine in Seoul, from Monday to Friday
QUEUE = "batchtab-local-default"
ARN = f"arn:aws:batch:ap-northeast-2:000000000000:job-queue/{QUEUE}"
ID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
THIRD = "33333333-3333-4333-8333-333333333333"
DUE = datetime(2026, 11, 26, tzinfo=UTC)  # a Thursday, nine in Seoul
NOW = DUE + timedelta(hours=10)
DUE_TEXT = "2026-11-26T00:00:00Z"


def ms(seconds: float) -> int:
    return int((DUE.timestamp() + seconds) * 1000)


def batch_job(job_id: str = ID, name: str = JOB, **others: Any) -> dict[str, Any]:
    """A job as DescribeJobs tells it: it failed with exit code 3."""
    variables = {"BATCHTAB_SCHEDULED_TIME": DUE_TEXT, "BATCHTAB_RUN_ID": f"{name}@{DUE_TEXT}"}
    variables |= others.pop("variables", {})
    end = {"exitCode": 3}
    return {
        "jobId": job_id,
        "jobName": name,
        "jobQueue": ARN,
        "status": "FAILED",
        "statusReason": "Essential container in task exited",
        "createdAt": ms(2),
        "startedAt": ms(9),
        "stoppedAt": ms(50),
        "attempts": [
            {
                "container": end,
                "startedAt": ms(9),
                "stoppedAt": ms(50),
                "statusReason": "Essential container in task exited",
            }
        ],
        "container": {
            **end,
            "logStreamName": "examples-report/default/1",
            "environment": [{"name": name, "value": value} for name, value in variables.items()],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
        },
        "timeout": {"attemptDurationSeconds": 60},
        **others,
    }


class FakeAws:
    """AWS with some jobs, records and triggers; it counts calls, and refuses what it is told to."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.records: list[dict[str, str]] = []
        self.state: dict[str, Any] = {}
        self.rule: str | None = "ENABLED"
        self.letters: list[dict[str, Any]] = []
        self.log: list[str] = []
        self.function_log: list[dict[str, Any]] = []
        self.environment: dict[str, Any] = {}
        self.front: list[str] = []
        self.denied: set[str] = set()
        self.called: list[str] = []
        self.released = 0

    def client(self, _: str, *__: Any) -> Any:
        return self

    def get_paginator(self, name: str) -> Any:
        fake = self

        class Paginator:
            def paginate(self, **asked: Any) -> Any:
                asked.pop("PaginationConfig", None)
                yield getattr(fake, name)(**asked)

        return Paginator()

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if not callable(found) or name in ("client", "get_paginator") or name.startswith("_"):
            return found

        def called(**asked: Any) -> Any:
            self.called.append(name)
            if name in self.denied:
                raise refusal("AccessDeniedException", name)
            return found(**asked)

        return called

    def list_jobs(self, **asked: Any) -> Any:
        found = [
            job
            for job in self.jobs.values()
            if job["jobQueue"].endswith(f"/{asked.get('jobQueue')}") and ":" not in job["jobId"]
        ]
        if "arrayJobId" in asked:
            found = [job for each, job in self.jobs.items() if each.startswith(f"{asked['arrayJobId']}:")]
        for each in asked.get("filters", ()):
            if each["name"] == "JOB_NAME":
                found = [job for job in found if job["jobName"] == each["values"][0]]
        if "jobStatus" in asked:
            found = [job for job in found if job["status"] == asked["jobStatus"]]
        return {"jobSummaryList": [{k: v for k, v in job.items() if k != "container"} for job in found]}

    def describe_jobs(self, jobs: list[str]) -> Any:
        return {"jobs": [self.jobs[each] for each in jobs if each in self.jobs]}

    def describe_job_queues(self, jobQueues: list[str]) -> Any:  # noqa: N803 - as Batch names it
        order = [{"order": 1, "computeEnvironment": "arn:ce"}]
        return {
            "jobQueues": [
                {"jobQueueName": jobQueues[0], "state": "ENABLED", "status": "VALID", "computeEnvironmentOrder": order}
            ]
        }

    def describe_compute_environments(self, **_: Any) -> Any:
        whole = {
            "computeEnvironmentName": "default",
            "computeEnvironmentArn": "arn:ce",
            "state": "ENABLED",
            "status": "VALID",
            "computeResources": {"type": "EC2", "maxvCpus": 16, "desiredvCpus": 0},
        }
        return {"computeEnvironments": [{**whole, **self.environment}]}

    def get_job_queue_snapshot(self, **_: Any) -> Any:
        if not self.front:
            raise refusal("ClientException", "GetJobQueueSnapshot")
        jobs = [{"jobArn": f"arn:aws:batch:x:1:job/{each}", "earliestTimeAtPosition": ms(0)} for each in self.front]
        return {"frontOfQueue": {"jobs": jobs}}

    def query(self, **asked: Any) -> Any:
        values = asked["ExpressionAttributeValues"]
        since, until = values[":since"]["S"], values[":until"]["S"]
        of_job = [each for each in self.records if each["job"] == values[":job"]["S"]]
        found = [each for each in of_job if since <= each["item"] <= until]
        return {"Items": [{name: {"S": value} for name, value in each.items()} for each in found]}

    def batch_get_item(self, **asked: Any) -> Any:
        (table,) = asked["RequestItems"]
        item = {"job": {"S": JOB}, "item": {"S": "state"}, "content": {"S": json.dumps(self.state)}}
        return {"Responses": {table: [item] if self.state else []}}

    def describe_rule(self, Name: str) -> Any:  # noqa: N803
        if self.rule is None or Name.endswith(".after"):
            raise refusal("ResourceNotFoundException", "DescribeRule")
        return {"State": self.rule}

    def get_schedule(self, **_: Any) -> Any:
        raise refusal("ResourceNotFoundException", "GetSchedule")

    def get_queue_url(self, QueueName: str) -> Any:  # noqa: N803
        return {"QueueUrl": f"http://sqs/{QueueName}"}

    def receive_message(self, **_: Any) -> Any:
        return {"Messages": self.letters}

    def change_message_visibility_batch(self, **asked: Any) -> Any:
        assert all(each["VisibilityTimeout"] == 0 for each in asked["Entries"])
        self.released += len(asked["Entries"])
        return {}

    def filter_log_events(self, **asked: Any) -> Any:
        begin, end = asked["startTime"], asked["endTime"]
        return {"events": [each for each in self.function_log if begin <= each["timestamp"] <= end]}

    def get_log_events(self, **_: Any) -> Any:
        return {"events": [{"message": each} for each in self.log]}


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    fake = FakeAws()
    monkeypatch.setattr(Aws, "client", lambda _, service, *__: fake.client(service))
    monkeypatch.setattr("batchtab.cli.connection.refuse_foreign", lambda _: None)
    monkeypatch.setattr(why, "datetime", stopped_clock(NOW))
    return fake


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    def call(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["why", *words, "-o", "json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return call


def noted(status: str, reason: str = "", **others: str) -> dict[str, str]:
    return {
        "job": JOB,
        "item": f"run#{DUE_TEXT}",
        "scheduled_time": DUE_TEXT,
        "status": status,
        "reason": reason,
        "noted_at": "2026-11-26T00:00:02Z",
        **others,
    }


# --- a run that was


def test_a_failed_run_is_sent_as_a_timeline_with_its_cause(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a run that failed with exit code 3
    aws.jobs[ID] = batch_job()
    aws.records = [noted("submitted", job_id=ID)]
    # WHEN it is asked for by its time on the job's clock, in a pipe
    assert main(["why", "report@2026-11-26T09:00"]) == 0
    # THEN each line is what happened, on that clock, and the last ones are the cause and the command that helps
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        "examples-report, 2026-11-26 09:00 (Asia/Seoul): FAILED",
        f"job {ID}",
        "",
        "11-26 09:00:00  due: its schedule is 0 9 * * 1-5 (schedule)",
        f"11-26 09:00:02  submitted to queue {QUEUE} by the submit function (concurrency_policy: allow)",
        "11-26 09:00:09  started",
        "11-26 09:00:50  FAILED after 41 s: exit code 3",
        "",
        "cause: exit code 3",
        f"do:    batchtab logs {ID} --stage local",
    ]
    assert output.err == ""


@pytest.mark.parametrize("wanted", [ID, ID[:8], JOB, "examples/report", f"{JOB}@{DUE_TEXT}"])
def test_it_is_found_by_id_by_beginning_by_time_and_as_the_jobs_newest(
    wanted: str, aws: FakeAws, told: Callable[..., dict[str, Any]]
) -> None:
    aws.jobs[ID] = batch_job()
    found = told(wanted)
    assert (found["job_id"], found["status"], found["cause"]["kind"]) == (ID, "FAILED", "exit")
    assert found["scheduled_time"] == DUE_TEXT
    assert found["story"][0]["at"] == DUE_TEXT


def test_a_run_that_went_well_has_no_cause(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    aws.jobs[ID] = batch_job(status="SUCCEEDED")
    assert told(ID)["cause"] is None


def test_yaml_and_names(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.jobs[ID] = batch_job()
    assert main(["why", ID, "-o", "name"]) == 0
    assert capsys.readouterr().out == f"{ID}\n"
    assert main(["why", ID, "-o", "yaml"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["cause"]["do"] == f"batchtab logs {ID} --stage local"


def test_what_the_job_runner_says_of_giving_way_counts(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN a run that succeeded because its runner gave way with exit code 0
    aws.jobs[ID] = batch_job(status="SUCCEEDED")
    aws.log = ["hello", json.dumps({"batchtab": "end", "exit_code": 0, "skipped": True, "gave_way_to": OTHER})]
    assert told(ID)["cause"]["text"].startswith(f"it gave way to job {OTHER}")


def test_what_came_after_it_and_what_did_not(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN extract, after which transform comes, and a job of transform that its end started
    extract = batch_job(name="examples-extract", status="SUCCEEDED", variables={"BATCHTAB_SCHEDULED_TIME": ""})
    started = batch_job(
        OTHER,
        "examples-transform",
        status="RUNNING",
        createdAt=ms(52),
        startedAt=ms(55),
        attempts=[],
        variables={"BATCHTAB_UPSTREAM_JOB_ID": ID},
    )
    of_another = {"BATCHTAB_UPSTREAM_JOB_ID": THIRD}
    aws.jobs = {ID: extract, OTHER: started}
    aws.jobs[THIRD] = batch_job(THIRD, "examples-transform", createdAt=ms(53), variables=of_another)
    # THEN the story of the first ends with the second, and that of the second begins with the first
    assert told(ID)["story"][-1]["text"] == f"its end started examples-transform, job {OTHER}: RUNNING"
    second = told(OTHER)["story"]
    assert second[0]["text"] == f"examples-extract, job {ID}, ended: SUCCEEDED; its end started this run"
    # AND where the first failed, it says why the second was not started
    aws.jobs = {ID: {**extract, "status": "FAILED"}}
    assert told(ID)["story"][-1]["text"] == "examples-transform was not started: it comes after SUCCEEDED runs"


def test_failed_children_are_named(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    summary = {"SUCCEEDED": 1, "FAILED": 2, "RUNNING": 0}
    aws.jobs[ID] = batch_job(
        statusReason="Array Child Job failed", attempts=[], arrayProperties={"size": 3, "statusSummary": summary}
    )
    aws.jobs[ID]["container"].pop("exitCode")
    for index in (0, 2):
        aws.jobs[f"{ID}:{index}"] = batch_job(f"{ID}:{index}", jobQueue="x", arrayProperties={"index": index})
    cause = told(ID)["cause"]
    assert cause["text"] == "2 of 3 children failed (exit code 3: 0, 2)"
    assert cause["do"] == f"batchtab logs {ID} --failed --stage local"
    assert f"batchtab retry {ID} --stage local" in cause["fix"]


def test_the_run_that_it_waited_for_is_named(
    aws: FakeAws, told: Callable[..., dict[str, Any]], spoil: Callable[..., None]
) -> None:
    # GIVEN a job whose runs queue, and a run that began when the one before had ended
    spoil("jobs/examples/jobs.yaml", "    usual_duration_seconds: 60\n", "    concurrency_policy: queue\n")
    before = {"BATCHTAB_SCHEDULED_TIME": "2026-11-25T00:00:00Z"}
    aws.jobs[OTHER] = batch_job(OTHER, createdAt=ms(-86_000), stoppedAt=ms(899), variables=before)
    aws.jobs[ID] = batch_job(status="SUCCEEDED", createdAt=ms(900), startedAt=ms(905), stoppedAt=ms(950))
    aws.records = [noted("submitted", job_id=ID)]
    found = told(ID)
    # THEN its story names it, and the wait is no fault
    (waited,) = [line for line in found["story"] if line["text"].startswith("waited for")]
    assert waited["job_id"] == OTHER
    assert "the run of 2026-11-25 09:00, job" in waited["text"]
    assert found["cause"] is None


def test_the_run_that_came_in_its_place_is_named(
    aws: FakeAws, told: Callable[..., dict[str, Any]], spoil: Callable[..., None]
) -> None:
    # GIVEN a run that was ended for the next one
    spoil("jobs/examples/jobs.yaml", "    usual_duration_seconds: 60\n", "    concurrency_policy: replace\n")
    aws.jobs[ID] = batch_job(statusReason="Replaced by the run of 2026-11-26T00:00:45Z", isTerminated=True)
    later = {"BATCHTAB_SCHEDULED_TIME": "2026-11-26T00:00:45Z"}
    aws.jobs[OTHER] = batch_job(OTHER, status="RUNNING", createdAt=ms(46), variables=later)
    found = told(ID)
    # THEN its story names that one, and its cause is no failure of the job
    texts = [line["text"] for line in found["story"]]
    assert f"the run of 09:00:45, job {OTHER}, came in its place: RUNNING" in texts
    assert (found["cause"]["kind"], found["cause"]["do"]) == ("replaced", None)


def test_a_trigger_that_was_delivered_twice_is_named(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN a job that its rule submits itself, and two jobs of the same time
    for job_id, created in ((ID, 2), (OTHER, 3)):
        aws.jobs[job_id] = batch_job(job_id, "examples-tick", status="SUCCEEDED", createdAt=ms(created))
    assert told(ID)["cause"]["kind"] == "delivered_again"
    # AND a run that a person asked for at that time is no delivery
    marked = {"BATCHTAB_RUN_MODE": "manual"}
    aws.jobs[OTHER] = batch_job(OTHER, "examples-tick", status="SUCCEEDED", createdAt=ms(3), variables=marked)
    assert told(ID)["cause"] is None
    assert told(OTHER)["cause"] is None
    # AND where the submit function makes one of several deliveries, a second job is somebody's own
    for job_id, created in ((ID, 2), (OTHER, 3)):
        aws.jobs[job_id] = batch_job(job_id, status="SUCCEEDED", createdAt=ms(created))
    assert told(ID)["cause"] is None


def test_a_child_of_an_array_is_no_second_delivery(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    aws.jobs[ID] = batch_job(name="examples-tick", arrayProperties={"size": 2, "statusSummary": {"SUCCEEDED": 2}})
    child = f"{ID}:1"
    aws.jobs[child] = batch_job(child, "examples-tick", status="SUCCEEDED", arrayProperties={"index": 1})
    found = told(child)
    assert (found["job_id"], found["status"], found["cause"]) == (child, "SUCCEEDED", None)


# --- a run that waits


def test_a_runnable_job_that_is_too_big(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN a job that waits, and an environment with two vCPUs less than it asks for
    aws.jobs[ID] = batch_job(status="RUNNABLE", statusReason="", attempts=[], startedAt=None, stoppedAt=None)
    aws.jobs[ID]["container"]["resourceRequirements"][0]["value"] = "18"
    found = told(ID)
    assert (found["status"], found["cause"]["kind"]) == ("RUNNABLE", "too_big")
    assert "18 vCPUs, and max_vcpus of its compute environment is 16" in found["cause"]["text"]


def test_a_runnable_job_behind_one_that_blocks_the_queue(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN an older job of another name that can never start, and a Batch without snapshots
    waiting: dict[str, Any] = {
        "status": "RUNNABLE",
        "statusReason": "",
        "attempts": [],
        "startedAt": None,
        "stoppedAt": None,
    }
    aws.jobs[ID] = batch_job(**waiting)
    aws.jobs[OTHER] = batch_job(OTHER, "examples-hello", createdAt=ms(-60), **waiting)
    aws.jobs[OTHER]["container"]["resourceRequirements"][0]["value"] = "99"
    cause = told(ID)["cause"]
    assert (cause["kind"], cause["do"]) == ("queue_blocked", f"batchtab stop {OTHER} --stage local")


def test_the_queues_snapshot_says_who_comes_first(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN two jobs that wait, of which the younger one comes first by its share
    waiting: dict[str, Any] = {"status": "RUNNABLE", "attempts": [], "startedAt": None, "stoppedAt": None}
    aws.jobs[ID] = batch_job(statusReason="", **waiting)
    aws.jobs[OTHER] = batch_job(OTHER, "examples-hello", statusReason="", createdAt=ms(60), **waiting)
    aws.front = [OTHER, ID]
    cause = told(ID)["cause"]
    assert (cause["kind"], cause["do"]) == ("queue_order", f"batchtab why {OTHER} --stage local")
    # AND of the first one no other is in the way: nothing has come for it since it was the first
    assert told(OTHER)["cause"]["text"].startswith("no capacity for 10 h: default has 0 of 16 vCPUs")


def test_a_runnable_job_of_a_disabled_environment(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    aws.jobs[ID] = batch_job(status="RUNNABLE", statusReason="", attempts=[], startedAt=None, stoppedAt=None)
    aws.environment = {"state": "DISABLED"}
    assert told(ID)["cause"]["text"] == "compute environment default is DISABLED"


# --- a time without a run


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "botocore.exceptions.ClientError: An error occurred (ServiceUnavailableException) when calling the"
            " BatchGetItem operation (reached max retries: 2): dynamodb is away",
            "BatchGetItem: dynamodb is away (ServiceUnavailableException)",
        ),
        (
            "[ERROR] ClientError: An error occurred (ServerException) when calling the ListJobs operation: no\n"
            "Traceback",
            "ListJobs: no (ServerException)",
        ),
        ('[ERROR] ReadTimeoutError: Read timeout on endpoint URL: "x"', 'Read timeout on endpoint URL: "x"'),
        (
            'x.ReadTimeoutError: Read timeout on endpoint URL: "https://dynamodb.eu-west-1.amazonaws.com/"',
            "DynamoDB did not answer",
        ),
        (
            'ConnectTimeoutError: Connect timeout on endpoint URL: "https://batch.eu-west-1.amazonaws.com/v1/submitjob"',
            "SubmitJob: Batch did not answer",
        ),
        ("Traceback (most recent call last):\nsubmit_run.decision.UnsettledError: it is being submitted", ""),
        ('{"outcome": "submitted"}', ""),
    ],
)
def test_why_the_function_failed_is_named_where_a_run_came_late(
    line: str, shown: str, aws: FakeAws, told: Callable[..., dict[str, Any]]
) -> None:
    # GIVEN a run that was submitted five minutes late, an error of the function before that, and one long after
    aws.jobs[ID] = batch_job(status="SUCCEEDED", createdAt=ms(300), startedAt=ms(305), stoppedAt=ms(310))
    aws.function_log = [
        {"timestamp": ms(2), "message": line},
        {"timestamp": ms(900), "message": "[ERROR] ValueError: another day"},
    ]
    cause = told(ID)["cause"]
    assert cause["kind"] == "delayed"
    wanted = shown or "its trigger's delivery was tried again"
    assert cause["text"] == f"submitted 5 min after its time: {wanted}"


def own_error(run_id: str, reason: str) -> dict[str, Any]:
    """What the submit function writes itself when it fails."""
    return {"timestamp": ms(3), "message": json.dumps({"outcome": "ERROR", "run_id": run_id, "reason": reason})}


def test_an_error_at_another_run_is_not_named(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN a run that was submitted late, and errors of the function, which says of each at which run it was
    aws.jobs[ID] = batch_job(status="SUCCEEDED", createdAt=ms(300), startedAt=ms(305), stoppedAt=ms(310))
    aws.function_log = [
        {"timestamp": ms(2), "message": "[ERROR] ValueError: x\nTraceback"},
        own_error(f"{OTHER}@{DUE_TEXT}", "ValueError: x"),
    ]
    assert told(ID)["cause"]["text"] == "submitted 5 min after its time: its trigger's delivery was tried again"
    # WHEN one was at this run THEN it is the cause
    aws.function_log.append(own_error(f"{JOB}@{DUE_TEXT}", "ListJobs: RuntimeError: away"))
    aws.function_log.append(own_error(f"{JOB}@{DUE_TEXT}", "RuntimeError: away"))
    assert told(ID)["cause"]["text"] == "submitted 5 min after its time: away"


def test_a_job_whose_submission_was_not_answered_is_well_and_says_so(
    aws: FakeAws, told: Callable[..., dict[str, Any]]
) -> None:
    # GIVEN a run that was submitted in time, and noted a minute later
    aws.jobs[ID] = batch_job(status="SUCCEEDED")
    aws.records = [noted("submitted", job_id=ID, noted_at="2026-11-26T00:01:05Z")]
    url = "https://batch.eu-west-1.amazonaws.com/v1/submitjob"
    aws.function_log = [own_error(f"{JOB}@{DUE_TEXT}", f'ReadTimeoutError: Read timeout on endpoint URL: "{url}"')]
    cause = told(ID)["cause"]
    assert cause["kind"] == "answer_lost"
    assert cause["text"] == (
        "Batch's answer to its submission was lost, and found 1 min 3 s later: SubmitJob: Batch did not answer"
    )


@pytest.mark.parametrize(
    ("mode", "title", "line"),
    [
        ("backfill", ", backfilled: SUCCEEDED", "a person asked for it (backfill)"),
        ("retry", ", retried: SUCCEEDED", "a person asked for it again (retry)"),
        (
            "manual",
            ", a manual run: SUCCEEDED",
            "a person asked for it, as the run of 2026-11-26 09:00: no schedule started it",
        ),
    ],
)
def test_a_run_that_a_person_asked_for_says_so(
    mode: str, title: str, line: str, aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a run that was submitted five minutes late because somebody asked for it then
    aws.jobs[ID] = batch_job(status="SUCCEEDED", createdAt=ms(300), startedAt=ms(305), stoppedAt=ms(310))
    aws.records = [noted("submitted", job_id=ID, mode=mode)]
    assert main(["why", ID]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[0].endswith(title)
    assert line in output
    assert output.endswith("cause: none\n")


def test_a_job_that_its_own_failure_paused_is_resumed_first(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN a run that was skipped because an earlier one had failed, and a job that is paused still
    reason = f"job {OTHER} failed: exit code 3"
    aws.records = [noted("skipped", f"paused since 2026-11-25T00:01:00Z: {reason}")]
    aws.state = {"paused": {"since": "2026-11-25T00:01:00Z", "reason": reason, "job_id": OTHER}}
    cause = told("report")["cause"]
    assert (cause["kind"], cause["do"]) == ("paused", f"batchtab resume {JOB} --stage local")
    assert f"batchtab backfill {JOB} --from {DUE_TEXT}" in cause["fix"]
    # AND once it is resumed only that time is left to run
    aws.state = {}
    assert told("report")["cause"]["do"].startswith(f"batchtab backfill {JOB}")


def test_a_run_that_was_retried_keeps_its_story(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN a run that failed, its retry a day later, and the record, which knows only the retry
    aws.jobs[ID] = batch_job()
    later = {"createdAt": ms(86_400), "startedAt": ms(86_405), "stoppedAt": ms(86_410)}
    again = {"BATCHTAB_RETRY_OF": ID}
    aws.jobs[OTHER] = batch_job(OTHER, status="SUCCEEDED", variables=again, **later)
    aws.records = [noted("submitted", job_id=OTHER, mode="retry")]
    # THEN its story is as before, and goes on with the retry, which needs no other
    found = told(ID)
    assert [line["text"] for line in found["story"]] == [
        "due: its schedule is 0 9 * * 1-5 (schedule)",
        f"submitted to queue {QUEUE} by the submit function (concurrency_policy: allow)",
        "started",
        "FAILED after 41 s: exit code 3",
        f"retried by job {OTHER}: SUCCEEDED",
    ]
    assert found["cause"]["text"] == "exit code 3"
    aws.jobs[ID] = batch_job(statusReason="stopped: wrong day", isTerminated=True)
    assert told(ID)["cause"]["do"] is None
    aws.jobs[ID] = batch_job()
    # AND the retry's own names the run that it retries
    first = told(OTHER)["story"][1]
    assert (
        first["text"] == f"a person asked for it again (retry): job {ID}, which ran from 09:00:09 to 09:00:50: FAILED"
    )
    assert first["job_id"] == ID
    # AND where the retry failed, that is what to look at
    aws.jobs[OTHER]["status"] = "FAILED"
    assert told(ID)["cause"]["do"].startswith(f"batchtab why {OTHER}")


def test_what_the_alerts_took_out_of_the_dead_letter_queue_is_named(
    aws: FakeAws, told: Callable[..., dict[str, Any]]
) -> None:
    # GIVEN a time without a run, and the alert function's log with messages that it took, one of them of that run
    def taken(name: str, error: str) -> dict[str, Any]:
        record = {
            "body": json.dumps({"trigger": {"scheduled_time": DUE_TEXT}, "job": {"name": name}}),
            "attributes": {"SentTimestamp": str(ms(180))},
            "messageAttributes": {"ErrorCode": {"stringValue": "200"}, "ErrorMessage": {"stringValue": error}},
        }
        return {"timestamp": ms(185), "message": json.dumps({"event": {"Records": [record]}})}

    aws.function_log = [
        taken("examples-other", "not this"),
        taken(JOB, "DynamoDB is away"),
        {"timestamp": ms(186), "message": "[]"},
    ]
    found = told("report")
    assert found["cause"]["kind"] == "dead_letter"
    assert (
        found["cause"]["text"] == "the submit function could not submit it: DynamoDB is away (the alerts have sent it)"
    )
    # AND without that permission it says what it could not read
    aws.denied = {"filter_log_events"}
    found = told("report")
    assert found["cause"]["kind"] == "not_delivered"
    assert "the alert function's log: AccessDeniedException" in found["not_read"]


def test_a_skipped_run_names_the_one_it_gave_way_to(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    aws.jobs[OTHER] = batch_job(OTHER, createdAt=ms(-100), variables={"BATCHTAB_SCHEDULED_TIME": ""})
    aws.records = [noted("skipped", f"the run of 2026-11-25T23:59:00Z, job {OTHER}, has not ended")]
    found = told("report")
    assert found["status"] == "skipped"
    assert found["cause"]["text"].startswith(f"skipped: the run of 2026-11-26 08:59, job {OTHER}, had not ended")
    assert any(line["job_id"] == OTHER and "ran from" in line["text"] for line in found["story"])


@pytest.mark.parametrize(
    ("time", "kind"),
    [
        ("2026-11-26T09:05", "not_due"),
        ("2026-11-28T09:00", "not_due"),  # a Saturday
        ("2026-12-25T09:00", "excepted"),
        ("2026-11-27T09:00", "future"),
        ("2026-11-26T09:00", "not_delivered"),
        ("2026-06-01T09:00", "forgotten"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_a_time_without_a_run_says_why(time: str, kind: str, told: Callable[..., dict[str, Any]]) -> None:
    found = told(f"report@{time}")
    assert (found["cause"]["kind"], found["job_id"], found["status"]) == (kind, None, None)


def test_a_job_without_a_run_is_asked_for_its_last_scheduled_time(
    aws: FakeAws, told: Callable[..., dict[str, Any]]
) -> None:
    # GIVEN a job that ran on the day before, and whose rule somebody has disabled
    before = {"BATCHTAB_SCHEDULED_TIME": "2026-11-25T00:00:00Z"}
    aws.jobs[ID] = batch_job(status="SUCCEEDED", createdAt=ms(-86_398), variables=before)
    aws.rule = "DISABLED"
    found = told("report")
    # THEN it is about the time of today
    assert found["scheduled_time"] == DUE_TEXT
    assert (found["cause"]["kind"], found["cause"]["do"]) == ("paused", "batchtab resume examples-report --stage local")


@pytest.mark.parametrize("time", ["09:00", "09:00:00"])
def test_a_time_of_day_is_its_last_one(time: str, aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN a run of nine today; it is seven in the evening
    aws.jobs[ID] = batch_job()
    assert told(f"report@{time}")["job_id"] == ID
    # AND eight in the evening was yesterday
    assert told("report@20:00")["scheduled_time"] == "2026-11-25T11:00:00Z"


def test_a_job_that_was_deployed_after_its_last_time_is_its_newest_run(
    aws: FakeAws, told: Callable[..., dict[str, Any]]
) -> None:
    # GIVEN a job whose first run a person started an hour after its last scheduled time
    person = {"BATCHTAB_SCHEDULED_TIME": "", "BATCHTAB_RUN_ID": ""}
    aws.jobs[ID] = batch_job(createdAt=ms(3600), startedAt=ms(3605), stoppedAt=ms(3610), variables=person)
    # THEN that is what the job is asked for, and not the time before it was there
    assert told("report")["job_id"] == ID
    assert told("report@09:00")["cause"]["kind"] == "deployed_later"


def test_a_job_without_a_trigger_is_not_deployed(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    aws.rule = None
    assert told("report")["cause"]["kind"] == "no_trigger"


def test_the_dead_letter_queue_is_looked_into_and_left_as_it_is(
    aws: FakeAws, told: Callable[..., dict[str, Any]]
) -> None:
    # GIVEN three messages: of this run, of another time, and of another job
    def letter(number: int, name: str, time: str) -> dict[str, Any]:
        said = {"ERROR_CODE": "AccessDeniedException", "ERROR_MESSAGE": f"may not: {name}", "RETRY_ATTEMPTS": "24"}
        variables = [{"Name": "BATCHTAB_SCHEDULED_TIME", "Value": time}]
        return {
            "MessageId": str(number),
            "ReceiptHandle": f"r{number}",
            "Body": json.dumps({"JobName": name, "ContainerOverrides": {"Environment": variables}}),
            "Attributes": {"SentTimestamp": str(ms(600))},
            "MessageAttributes": {
                key: {"StringValue": value}
                for key, value in {**said, "SCHEDULE_ARN": f"arn:x/batchtab-local-{name}"}.items()
            },
        }

    aws.letters = [
        letter(1, "examples-hello", DUE_TEXT),
        letter(2, JOB, "2026-11-25T00:00:00Z"),
        letter(3, JOB, DUE_TEXT),
    ]
    cause = told(f"report@{DUE_TEXT}")["cause"]
    # THEN the one of this run is the cause, and all are there for others again
    assert cause["text"].startswith(
        "its schedule could not submit it after 24 retries: AccessDeniedException: may not: " + JOB
    )
    assert aws.released == 3
    # AND of a time without one it is not
    assert told("report@2026-11-24T09:00")["cause"]["kind"] == "not_delivered"


def test_what_is_denied_and_not_needed_is_said_on_stderr(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN somebody who may not read the queue of triggers
    aws.denied = {"get_queue_url"}
    assert main(["why", f"report@{DUE_TEXT}"]) == 0
    output = capsys.readouterr()
    assert "cause: it was due, and the submit function knows nothing of it" in output.out
    assert output.err == "Not read: the dead-letter queue: AccessDeniedException\n"


# --- what is not there, and how many calls


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ("no-such", 3, "'no-such' is not a job of stage local"),
        ("no-such@2026-11-26", 3, "'no-such' is not a job of stage local"),
        ("deadbeef", 3, "no job or run is called 'deadbeef'"),
        (f"{OTHER}", 3, f"Batch knows no job {OTHER}"),
        ("report@soon", 2, "'soon' of 'report@soon' is not allowed: a day"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_what_there_is_not_is_one_line(wanted: str, status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", wanted]) == status
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert said in line
    assert output.out == ""


def test_calls_are_few(aws: FakeAws, told: Callable[..., dict[str, Any]]) -> None:
    # GIVEN an ended run with its log
    aws.jobs[ID] = batch_job()
    told(ID)
    assert len(aws.called) <= 8, aws.called
    aws.called.clear()
    told("report@2026-11-24T09:00")
    assert len(aws.called) <= 13, aws.called


def test_a_secret_in_a_reason_is_not_shown(aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.jobs[ID] = batch_job(statusReason="stopped: password=hunter2hunter2", isTerminated=True)
    for form in ("table", "json"):
        assert main(["why", ID, "-o", form]) == 0
        assert "hunter2" not in capsys.readouterr().out
    # AND what ECS says of secrets is no secret
    reason = (
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: x"
    )
    aws.jobs[ID] = batch_job(statusReason=reason)
    assert main(["why", ID]) == 0
    assert reason in capsys.readouterr().out
