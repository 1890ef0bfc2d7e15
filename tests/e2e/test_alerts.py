"""What Slack is told, on a deployment made by Terraform: one failure, many, and a Slack that is away."""

from __future__ import annotations

import contextlib
import json
import math
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.e2e.checkout import Checkout
from tests.e2e.deployed import Deployed

from batchtab.limits import ALERT_DEFAULTS

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(3600), pytest.mark.xdist_group("alerts")]

PREFIX = "batchtab-local"
FUNCTION = f"{PREFIX}-job-alerts"
DEAD_LETTERS = f"{PREFIX}-job-alerts-dead-letter"
PARAMETER = "/slack/webhook"
JOBS = """
service: alarms
image: {repository: plain, tag: local}
defaults: {vcpus: 1, memory_mib: 512, timeout_seconds: 60}
jobs:
  any: {command: [sh, -c, "exit 0"]}
  minutely: {command: [sh, -c, "exit 0"], schedule: rate(1 minute), alerts: {late_after_seconds: 60}}
  # Its first run goes on while the others are skipped, as long as the stage is there. A test turns the clock by half an
  # hour, so the timeout is longer.
  patient:
    command: [sh, -c, "sleep 900"]
    timeout_seconds: 7200
    schedule: "* * * * *"
    concurrency_policy: forbid
    alerts: {late_after_seconds: 60}
  zoned: {command: [sh, -c, "exit 0"], schedule: "*/5 * * * *", timezone: Asia/Seoul}
"""
STORMS = (200, 400)
DEPENDENTS = 1000
SLACK_CHARACTERS_MAX = 12_000
STORM_MESSAGES_MAX = 10
SWEEP_SECONDS = 65  # it comes each minute, and takes a moment
PATIENCE_SECONDS = 4 * SWEEP_SECONDS  # what a sweep finds too young is for the next, and machines are busy
GIVEN_UP_SECONDS = 1000  # more than the 15 minutes after which an alert is given up


class Webhook(ThreadingHTTPServer):
    """Slack's end; while it is away it answers 503."""

    daemon_threads = True

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.refused = 0
        self.away = False
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.away or self._is_given_up():
            self.server.refused += 1
        else:
            self.server.messages.append(json.loads(body))
        self.send_response(503 if self.server.away else 200)
        self.end_headers()
        self.wfile.write(b"ok")

    def _is_given_up(self) -> bool:
        """Whether who sent it is gone, as this process may have paused for longer than an answer is waited for."""
        with contextlib.suppress(BlockingIOError):
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        return False

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@dataclass
class Stage:
    """A deployed stage whose alerts are quiet, and the webhook that they go to."""

    checkout: Checkout
    webhook: Webhook
    since: float = field(default_factory=time.time)

    def submit(self, name: str, script: str, *after: str) -> str:
        """Submits a job that runs a shell's script; returns its id."""
        submitted = self.checkout.client("batch").submit_job(
            jobName=name,
            jobQueue=f"{PREFIX}-default",
            jobDefinition=f"{PREFIX}-alarms-any",
            containerOverrides={"command": ["sh", "-c", script]},
            dependsOn=[{"jobId": job_id} for job_id in after],
        )
        return str(submitted["jobId"])

    def messages(self, name: str) -> list[str]:
        """The messages that name a job, as JSON."""
        texts = [json.dumps(message, ensure_ascii=False) for message in self.webhook.messages]
        return [text for text in texts if name in text]

    def pending(self) -> list[dict[str, Any]]:
        """What the table still has to tell."""
        found = self.checkout.client("dynamodb").query(
            TableName=FUNCTION,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "pending"}},
            ConsistentRead=True,
        )
        return list(found["Items"])

    def let_time_pass(self, seconds: int) -> None:
        """Makes what waits in the table so much older, and has the sweep's rule fire."""
        for item in self.pending():
            since = int(item["since"]["N"]) - seconds
            self.checkout.client("dynamodb").update_item(
                TableName=FUNCTION,
                Key={key: item[key] for key in ("pk", "sk")},
                UpdateExpression="SET since = :since",
                ExpressionAttributeValues={":since": {"N": str(since)}},
            )
        self.clock(advance_seconds=61)

    def clock(self, **asked: int | str) -> None:
        """Drives the clock of local AWS."""
        self.checkout.ask("clock", **asked)

    def was_skipped(self, name: str, seconds: int) -> bool:
        """Whether the submit function skipped a run that was due so long ago, since the stage is there."""
        found = self.checkout.client("dynamodb").query(
            TableName=f"{PREFIX}-job-runs",
            KeyConditionExpression="#job = :job AND begins_with(#item, :run)",
            ExpressionAttributeNames={"#job": "job", "#item": "item"},
            ExpressionAttributeValues={":job": {"S": name}, ":run": {"S": "run#"}},
        )["Items"]
        skipped = [item["item"]["S"].removeprefix("run#") for item in found if item["status"]["S"] == "skipped"]
        times = [datetime.fromisoformat(time).timestamp() for time in skipped]
        return any(self.since < moment < time.time() - seconds for moment in times)

    def gather_for(self, seconds: int) -> None:
        """How long the function waits for what belongs to a failure, at first."""
        functions = self.checkout.client("lambda")
        variables = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
        if variables["ALERT_GATHER_SECONDS"] != str(seconds):
            variables["ALERT_GATHER_SECONDS"] = str(seconds)
            functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": variables})

    def nobody_sends(self, seconds: int = 6) -> bool:
        """Whether no invocation of the function has been sending for longer than Lambda waits before it tries again."""
        dynamodb = self.checkout.client("dynamodb")
        until_ = time.monotonic() + seconds
        while time.monotonic() < until_:
            claim = {"pk": {"S": "claim"}, "sk": {"S": "gather"}}
            if "Item" in dynamodb.get_item(TableName=FUNCTION, Key=claim, ConsistentRead=True):
                return False
            time.sleep(0.2)
        return True

    def until(self, condition: Callable[[], Any], seconds: float, what: str) -> None:
        """Waits for something.

        Raises:
            AssertionError: it did not come; with what the function has before it, and what it logged last.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.report()}")
            time.sleep(0.3)

    def report(self) -> str:
        """The rows of the table that pass, the number of dead letters, and the last lines of the function's log."""
        rows = self.checkout.client("dynamodb").scan(TableName=FUNCTION)["Items"]
        kept = [json.dumps(row)[:300] for row in rows if row["pk"]["S"] in ("pending", "claim", "sent")]
        logged = self.checkout.client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{FUNCTION}", startTime=int((time.time() - 300) * 1000)
        )["events"]
        lines = [f"{event['timestamp'] / 1000:.1f} {event['message'].strip()[:200]}" for event in logged[-80:]]
        return "\n".join([*kept, f"{self.dead_letters()} dead letters, {time.time():.1f}", *lines])

    def dead_letters(self) -> int:
        """How many events the dead-letter queue holds, those that somebody reads included."""
        sqs = self.checkout.client("sqs")
        url = sqs.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))

    def alarm(self) -> str:
        """The state of that queue's alarm."""
        alarms = self.checkout.client("cloudwatch").describe_alarms(AlarmNames=[DEAD_LETTERS])["MetricAlarms"]
        return str(alarms[0]["StateValue"])


@pytest.fixture(scope="module")
def stage(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One job definition, quiet alerts by a webhook whose address is a parameter."""
    root = tmp_path_factory.mktemp("alerts")
    secret = f"arn:aws:ssm:ap-northeast-2:000000000000:parameter{PARAMETER}"
    settings: dict[str, Any] = {
        "alerts": {"webhook_secret_arn": secret, "quiet": True},
        "jobs": ["alarms"],
        "local": {"images": {"plain": "."}},
    }
    with deployed.restored(root, **settings) as checkout:
        checkout.replace_jobs("alarms", JOBS)
        stop_other_services(checkout)
        webhook = Webhook()
        done = checkout.run("up")
        assert done.returncode == 0, done.stderr + done.stdout
        address = f"http://127.0.0.1:{webhook.server_port}/services/T0/B0/secret"
        checkout.client("ssm").put_parameter(Name=PARAMETER, Value=address, Type="SecureString")
        checkout.client("events").disable_rule(Name=f"{PREFIX}-alarms-minutely")
        stage = Stage(checkout, webhook)
        stage.clock(lambda_retry_seconds=1)
        yield stage
        webhook.shutdown()
        webhook.server_close()


def stop_other_services(checkout: Checkout) -> None:
    """Ends the triggers of the services that were deployed before, whose images are not there."""
    events, scheduler = checkout.client("events"), checkout.client("scheduler")
    others = (f"{PREFIX}-examples-", f"{PREFIX}-my-service-")
    for rule in events.list_rules()["Rules"]:
        if rule["Name"].startswith(others):
            events.disable_rule(Name=rule["Name"])
    for schedule in scheduler.list_schedules()["Schedules"]:
        if schedule["Name"].startswith(others):
            scheduler.delete_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])


@pytest.fixture(autouse=True)
def back(stage: Stage) -> Iterator[None]:
    """Slack is there, before and after each test, and what is to be told waits for less than it usually does."""
    stage.webhook.away = False
    stage.gather_for(1)
    yield
    stage.webhook.away = False


def test_a_failed_job_is_one_message_with_the_end_of_its_log(stage: Stage) -> None:
    # GIVEN a job that says why it fails
    stage.submit("alarms-orders", "echo reading orders; echo order 1042 has no customer; exit 3")
    # WHEN it was told
    stage.until(lambda: stage.messages("alarms-orders"), PATIENCE_SECONDS, "a message")
    time.sleep(3)
    # THEN one message says it, with exit code, stage, service and log
    (message,) = stage.messages("alarms-orders")
    for part in ("exit", "3", "order 1042 has no customer", "reading orders", "local", "alarms", "batchtab retry "):
        assert part in message, part
    # AND the webhook's address stands in no setting of the function
    function = stage.checkout.client("lambda").get_function_configuration(FunctionName=FUNCTION)
    assert str(stage.webhook.server_port) not in json.dumps(function["Environment"])


def test_an_array_names_its_children_that_failed(stage: Stage) -> None:
    # GIVEN an array of three, of which one fails
    stage.checkout.client("batch").submit_job(
        jobName="alarms-thumbnails",
        jobQueue=f"{PREFIX}-default",
        jobDefinition=f"{PREFIX}-alarms-any",
        arrayProperties={"size": 3},
        containerOverrides={
            "command": ["sh", "-c", "echo picture $AWS_BATCH_JOB_ARRAY_INDEX; test $AWS_BATCH_JOB_ARRAY_INDEX != 1"]
        },
    )
    # WHEN it was told
    stage.until(lambda: stage.messages("alarms-thumbnails"), PATIENCE_SECONDS, "a message")
    # THEN it names that one, shows its log, and has the command that runs it again
    (message,) = stage.messages("alarms-thumbnails")
    for part in ("1 of 3 children failed", "child 1: exit code 1", "picture 1", "batchtab retry "):
        assert part in message, part


def test_repeats_are_folded_and_a_recovery_is_told(stage: Stage) -> None:
    # GIVEN a job that was told, and that fails twice more
    stage.submit("alarms-flaky", "exit 1")
    stage.until(lambda: stage.messages("alarms-flaky"), PATIENCE_SECONDS, "a message")
    for _ in range(2):
        stage.submit("alarms-flaky", "exit 1")
    stage.until(
        lambda: not stage.pending() and _failures(stage, "alarms-flaky") == 3, PATIENCE_SECONDS, "three failures"
    )
    # WHEN it succeeds
    stage.submit("alarms-flaky", "exit 0")
    stage.until(lambda: len(stage.messages("alarms-flaky")) > 1, PATIENCE_SECONDS, "its recovery")
    # THEN there are two messages: the first failure, and the recovery with the number of all
    assert len(stage.messages("alarms-flaky")) == 2
    assert "recovered after 3 failures" in stage.messages("alarms-flaky")[1]


def _failures(stage: Stage, name: str) -> int:
    found = stage.checkout.client("dynamodb").get_item(
        TableName=FUNCTION, Key={"pk": {"S": "job"}, "sk": {"S": name}}, ConsistentRead=True
    )
    return int(found.get("Item", {}).get("failures", {}).get("N", 0))


def test_dependents_are_told_with_their_root(stage: Stage) -> None:
    # GIVEN two jobs that wait for a third, and time to gather what belongs together on a busy machine
    stage.gather_for(40)
    root = stage.submit("alarms-extract", "sleep 20; exit 1")
    middle = stage.submit("alarms-transform", "exit 0", root)
    stage.submit("alarms-load", "exit 0", middle)
    # WHEN the third fails
    stage.until(lambda: stage.messages("alarms-load"), PATIENCE_SECONDS, "a message")
    time.sleep(3)
    # THEN one message names all three
    messages = {text for name in ("extract", "transform", "load") for text in stage.messages(f"alarms-{name}")}
    (message,) = messages
    for name in ("extract", "transform", "load"):
        assert f"alarms-{name}" in message


@pytest.mark.parametrize("number", STORMS)
def test_a_storm_is_few_messages_that_name_every_job(stage: Stage, number: int) -> None:
    # GIVEN many jobs that fail at once, and alerts that wait as they do by default
    stage.gather_for(ALERT_DEFAULTS["gather_seconds"])
    before = len(stage.webhook.messages)
    names = [f"storm{number}-{at:04}" for at in range(number)]
    for name in names:
        stage.submit(name, "exit 1")
    # WHEN all is told
    messages = _all_told(stage, before, "storm", number)
    # THEN few messages name all of them, each once
    assert len(messages) <= STORM_MESSAGES_MAX * number // STORMS[0]
    assert sorted(name for message in messages for name in _names(message, "storm")) == names
    # AND nothing was given up
    assert stage.dead_letters() == 0
    # AND a failure after it is told when the function has gone through all of the storm's events
    stage.submit(f"alarms-calm-{number}", "exit 1")
    stage.until(lambda: stage.messages(f"alarms-calm-{number}"), PATIENCE_SECONDS, "a message")


def test_a_failure_with_a_thousand_dependents_names_or_counts_them(stage: Stage) -> None:
    # GIVEN a job on which a thousand others wait, and time to gather what belongs together
    stage.gather_for(ALERT_DEFAULTS["gather_seconds"])
    before = len(stage.webhook.messages)
    root = stage.submit("alarms-root", "sleep 20; exit 1")
    for at in range(DEPENDENTS):
        stage.submit(f"behind-{at:04}", "exit 0", root)
    # WHEN it fails, and they with it
    messages = _all_told(stage, before, "behind", DEPENDENTS)
    # THEN few messages name or count each of them, and nothing was given up
    assert len(messages) <= 2 * STORM_MESSAGES_MAX
    assert stage.dead_letters() == 0


def _all_told(stage: Stage, before: int, kind: str, number: int) -> list[dict[str, Any]]:
    """The messages since one, when as many jobs of a kind are named or counted; each is within Slack's limit."""

    def named() -> int:
        texts = [json.dumps(message) for message in stage.webhook.messages[before:] if _names(message, kind)]
        more = sum(int(found.replace(",", "")) for text in texts for found in re.findall(r"and ([\d,]+) more", text))
        return more + sum(len(_names(message, kind)) for message in stage.webhook.messages[before:])

    stage.until(lambda: named() >= number, 400, f"{number} names")
    stage.until(lambda: not stage.pending(), 60, "an end")
    messages = stage.webhook.messages[before:]
    print(f"\n{number} failures: {len(messages)} messages, {[len(_names(each, kind)) for each in messages]} names")
    assert named() == number
    assert all(_characters(message) <= SLACK_CHARACTERS_MAX for message in messages)
    return messages


def _names(message: dict[str, Any], kind: str) -> set[str]:
    return set(re.findall(rf"{kind}\d*-\d{{4}}", json.dumps(message)))


def _characters(found: Any) -> int:
    """How many characters the texts of all blocks of a message have together."""
    if isinstance(found, dict):
        own = len(found["text"]) if isinstance(found.get("text"), str) and "type" in found else 0
        return own + sum(map(_characters, found.values()))
    return sum(map(_characters, found)) if isinstance(found, list) else 0


@pytest.mark.last
def test_a_run_that_never_came_is_told(stage: Stage) -> None:
    # GIVEN a job that is due each minute, and whose rule somebody disabled; and one whose runs are skipped
    # WHEN a minute and what it may be late have passed, after the two in which its schedule is too new
    stage.until(lambda: stage.messages("alarms-minutely"), 480, "a message")
    stage.until(lambda: stage.was_skipped("alarms-patient", 60 + SWEEP_SECONDS), 300, "a run that is skipped")
    # THEN the first is told, although the job is nowhere
    assert "alarms-minutely did not start" in stage.messages("alarms-minutely")[0]
    # AND not each minute anew
    assert len(stage.messages("alarms-minutely")) == 1
    # AND the other is not told: it was decided so
    assert stage.messages("alarms-patient") == []


def test_a_run_that_is_replaced_is_no_failure(stage: Stage) -> None:
    # GIVEN a run that is ended for the sake of the next one, as the submit function does it
    batch = stage.checkout.client("batch")
    job_id = stage.submit("alarms-replaced", "sleep 60")
    stage.until(
        lambda: batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] == "RUNNING", PATIENCE_SECONDS, "its start"
    )
    batch.terminate_job(jobId=job_id, reason="Replaced by the run of 2026-11-24T00:10:00Z")
    stage.until(
        lambda: batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] == "FAILED", PATIENCE_SECONDS, "its end"
    )
    # WHEN a failure after it is told
    stage.submit("alarms-afterwards", "exit 1")
    stage.until(lambda: stage.messages("alarms-afterwards"), PATIENCE_SECONDS, "a message")
    # THEN it was not
    assert stage.messages("alarms-replaced") == []


def test_a_run_that_could_not_be_submitted_is_made_up_by_the_command_in_its_message(stage: Stage) -> None:
    # GIVEN triggers that may not submit any more
    iam = stage.checkout.client("iam")
    (policy,) = iam.list_role_policies(RoleName=f"{PREFIX}-trigger")["PolicyNames"]
    document = iam.get_role_policy(RoleName=f"{PREFIX}-trigger", PolicyName=policy)["PolicyDocument"]
    kept = [one for one in document["Statement"] if "batch:SubmitJob" not in one["Action"]]
    # WHEN a schedule is due (some time ago: a run that its trigger may still start is not made up)
    left, began = stage.checkout.ask("clock", "GET")["now"], time.monotonic()
    stage.clock(time=f"{datetime.now(UTC) - timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}")
    try:
        may(iam, policy, {**document, "Statement": kept})
        stage.clock(advance_seconds=300)
        may(iam, policy, document)
        stage.clock(time=left)  # and on from there: no minute of other jobs is lost
        stage.clock(advance_seconds=math.ceil(time.monotonic() - began))
        stage.until(lambda: stage.messages("alarms-zoned"), PATIENCE_SECONDS, "a message")
    finally:
        may(iam, policy, document)
    found = stage.checkout.ask("iam", "GET")["denied"]
    stage.checkout.ask("iam", "DELETE")
    (denied,) = {(each["action"], each["principal"].split("/")[1]) for each in found}
    assert denied == ("batch:SubmitJob", f"{PREFIX}-trigger")
    # THEN it is told for when it was, and what makes it up
    message = stage.messages("alarms-zoned")[0]
    assert "alarms-zoned: its schedule could not submit it" in message
    found = re.search(r"`batchtab (backfill alarms-zoned --from (\S+) --to (\S+) --stage local)`", message)
    assert found is not None, message
    assert found[2] == found[3]
    # AND that does so
    done = stage.checkout.run(*found[1].split())
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = stage.checkout.client("batch").list_jobs(
        jobQueue=f"{PREFIX}-default", filters=[{"name": "JOB_NAME", "values": ["alarms-zoned"]}]
    )["jobSummaryList"]
    described = stage.checkout.client("batch").describe_jobs(jobs=[job["jobId"] for job in jobs])["jobs"]
    times = [
        variable["value"]
        for job in described
        for variable in job["container"]["environment"]
        if variable["name"] == "BATCHTAB_SCHEDULED_TIME"
    ]
    assert times.count(found[2]) == 1


def may(iam: Any, policy: str, document: dict[str, Any]) -> None:
    """Lets the triggers do this."""
    iam.put_role_policy(RoleName=f"{PREFIX}-trigger", PolicyName=policy, PolicyDocument=json.dumps(document))


def test_what_failed_while_slack_was_away_arrives_when_it_is_back(stage: Stage) -> None:
    # GIVEN a Slack that is away while jobs fail
    stage.webhook.away = True
    names = [f"alarms-away-{number}" for number in range(3)]
    for name in names:
        stage.submit(name, "exit 1")
    stage.until(
        lambda: len(stage.pending()) == len(names) and stage.dead_letters(), PATIENCE_SECONDS, "what Lambda gave up on"
    )
    # WHEN it is back, and two minutes later
    stage.webhook.away = False
    stage.let_time_pass(130)
    # THEN all arrive by themselves
    stage.until(lambda: not stage.pending(), PATIENCE_SECONDS, "all are sent")
    assert [len(stage.messages(name)) for name in names] == [1, 1, 1]
    # AND what lies in the dead-letter queue is known to be told
    stage.until(stage.nobody_sends, PATIENCE_SECONDS, "the end of Lambda's attempts")
    done = stage.checkout.run("alerts", "redrive")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sent already" in done.stdout
    assert stage.dead_letters() == 0
    assert [len(stage.messages(name)) for name in names] == [1, 1, 1]


def test_what_slack_never_took_lies_in_the_queue_until_it_is_redriven(stage: Stage) -> None:
    # GIVEN a Slack that stays away, and jobs that fail
    stage.webhook.away = True
    names = [f"alarms-lost-{number}" for number in range(3)]
    for name in names:
        stage.submit(name, "exit 1")
    stage.until(
        lambda: len(stage.pending()) == len(names) and stage.dead_letters(), PATIENCE_SECONDS, "what Lambda gave up on"
    )
    # WHEN a quarter of an hour has passed
    stage.let_time_pass(GIVEN_UP_SECONDS)
    stage.until(lambda: not stage.pending(), PATIENCE_SECONDS, "given up")
    # THEN the alarm says so, and a list names every job
    stage.until(lambda: stage.alarm() == "ALARM", 30, "the alarm")
    stage.until(stage.nobody_sends, PATIENCE_SECONDS, "the end of Lambda's attempts")
    listed = stage.checkout.run("alerts", "list")
    assert listed.returncode == 0, listed.stderr
    for name in names:
        assert f"{name} FAILED" in listed.stdout
    # AND a redrive to a Slack that is still away leaves all in the queue
    held = stage.dead_letters()
    refused = stage.checkout.run("alerts", "redrive")
    assert refused.returncode == 1, refused.stdout
    assert "refused and kept" in refused.stdout
    assert [stage.messages(name) for name in names] == [[], [], []]
    # WHEN it is back
    stage.webhook.away = False
    done = stage.checkout.run("alerts", "redrive")
    # THEN a redrive tells each once, and the queue and the alarm are quiet
    assert done.returncode == 0, done.stdout + done.stderr
    assert stage.dead_letters() == 0, (held, refused.stdout, done.stdout)
    stage.until(lambda: not stage.pending(), 30, "all are told")
    assert [len(stage.messages(name)) for name in names] == [1, 1, 1]
    stage.let_time_pass(0)
    stage.until(lambda: stage.alarm() == "OK", 90, "the alarm's end")
