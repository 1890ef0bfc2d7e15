"""Runs that could not be submitted, by whoever was to submit them, and how each is made up."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.lambda_.support import SETTINGS, World, event

from job_alerts import attachment, blocks, failed_trigger
from job_alerts.events import read
from job_alerts.failed_trigger import FailedTrigger
from job_alerts.message import Message
from job_alerts.redaction import redact
from submit_run import jobs

JOB = "my-service-do-something"
DUE = 1_772_409_600
MADE_UP = f"batchtab backfill {JOB} --from 2026-03-02T00:00:00Z --to 2026-03-02T00:00:00Z --stage prod"

REFUSAL: Any = {
    "Error": {"Code": "ClientException", "Message": "Job queue x is DISABLED"},
    "ResponseMetadata": {"HTTPStatusCode": 400},
}


def trigger(name: str, *, body: Any = None, **attributes: str) -> FailedTrigger:
    """The message of an event, with another body or some other attributes."""
    found = event(name)
    (record,) = found["Records"]
    if body is not None:
        record["body"] = body if isinstance(body, str) else json.dumps(body)
    for key, value in attributes.items():
        record["messageAttributes"][key] = {"stringValue": value, "dataType": "String"}
    triggers = read(found)
    assert isinstance(triggers, list)
    assert isinstance(triggers[0], FailedTrigger)
    return triggers[0]


def tell(name: str, **changes: Any) -> Message:
    return failed_trigger.message(trigger(name, **changes), SETTINGS)


def fields(message: Message) -> dict[str, Any]:
    return {field.label: field.value or field.at for field in message.fields}


@pytest.mark.parametrize(
    ("name", "title", "error"),
    [
        ("trigger_dead_letter", "its rule could not submit it", "NO_PERMISSIONS: User: arn:aws:sts::"),
        ("schedule_dead_letter", "its schedule could not submit it", "AccessDeniedException: User: arn:aws:sts::"),
        ("managed_schedule_dead_letter", "its schedule could not submit it", "ResourceNotFoundException: Function not"),
    ],
)
def test_a_run_that_could_not_be_submitted_is_told_with_the_command_that_makes_it_up(
    name: str, title: str, error: str
) -> None:
    told = tell(name)
    assert told.title == f"{JOB}: {title}"
    assert told.sentence.startswith(f"{JOB} not submitted by {error}")
    found = fields(told)
    assert found["What happened"] == "this run did not start and is not tried again"
    assert found["Scheduled for"] == DUE
    assert found["Stage"] == "prod"
    assert (told.command, told.command_label) == (MADE_UP, "Make it up")


def test_a_run_of_the_submit_function_may_have_started_unless_batch_refused_it() -> None:
    # GIVEN a function that failed, perhaps behind SubmitJob
    told = tell("submit_function_dead_letter")
    # THEN nothing is said that is not known
    assert told.title == f"{JOB}: the submit function failed"
    assert told.sentence.startswith(f"{JOB} may not have started: transact_write_items: Could not")
    assert fields(told)["What happened"] == "whether this run started is not known; it is not tried again"
    assert (told.command, told.command_label) == (MADE_UP, "Make it up")
    # AND of one that Batch refused, it is known
    with pytest.raises(jobs.RefusedError) as refused:
        jobs._made_no_job(ClientError(REFUSAL, "SubmitJob"))
    told = tell("submit_function_dead_letter", ErrorMessage=str(refused.value))
    assert fields(told)["What happened"] == "this run did not start and is not tried again"


def test_who_was_to_submit_it_is_named() -> None:
    name = "batchtab-prod-my-service-do-something"
    assert fields(tell("trigger_dead_letter"))["Rule"] == name
    assert fields(tell("schedule_dead_letter"))["Schedule"] == name
    assert not {"Rule", "Schedule"} & set(fields(tell("submit_function_dead_letter")))


def test_the_scheduled_time_is_schedulers_own_where_its_input_still_has_the_word_for_it() -> None:
    # GIVEN a message whose body is the input as it was written, not as it would have been sent
    body = {"trigger": {"scheduled_time": "<aws.scheduler.scheduled-time>"}, "job": {"name": JOB}}
    assert trigger("managed_schedule_dead_letter", body=body).scheduled_at == DUE
    # AND one that has nothing else
    body["trigger"]["scheduled_time"] = "2026-03-02T00:00:00Z"  # type: ignore[index]
    assert trigger("managed_schedule_dead_letter", body=body, SCHEDULED_TIME="").scheduled_at == DUE
    submitted = {
        "JobName": JOB,
        "ContainerOverrides": {"Environment": [{"Name": "BATCHTAB_SCHEDULED_TIME", "Value": "2026-03-02T00:00:00Z"}]},
    }
    assert trigger("schedule_dead_letter", body=submitted, SCHEDULED_TIME="").scheduled_at == DUE


@pytest.mark.parametrize(("schedule", "seconds"), [("cron(0 9 * * ? *)", "00"), ("rate(5 minutes)", "41"), ("", "41")])
def test_a_run_is_made_up_by_its_minute_unless_it_is_of_a_rate(schedule: str, seconds: str) -> None:
    body = {"job": {"name": JOB, "schedule": schedule}}
    told = tell("managed_schedule_dead_letter", body=body, SCHEDULED_TIME="2026-03-02T00:00:41.5Z")
    assert told.command == MADE_UP.replace("00:00:00Z", f"00:00:{seconds}Z")


def test_a_schedule_whose_name_was_shortened_tells_the_jobs_name_by_its_input() -> None:
    arn = f"arn:aws:scheduler:ap-northeast-2:123456789012:schedule/g/{'x' * 55}-0a1b2c3d"
    assert tell("schedule_dead_letter", SCHEDULE_ARN=arn).command == MADE_UP


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("schedule_dead_letter", {"SCHEDULED_TIME": "soon", "body": {"JobName": JOB}}),
        ("submit_function_dead_letter", {"body": {"trigger": {"scheduled_time": "2026-03-02T00:00:00Z"}, "job": {}}}),
        ("schedule_dead_letter", {"body": {"JobName": "x; rm -rf ~"}}),
        (
            "trigger_dead_letter",
            {"RULE_ARN": f"arn:aws:events:ap-northeast-2:123456789012:rule/batchtab-prod-{'x' * 41}-0a1b2c3d"},
        ),
    ],
    ids=["no time", "no job", "a name to paste", "a shortened name"],
)
def test_where_job_or_time_is_not_certain_there_is_no_command(name: str, changes: dict[str, Any]) -> None:
    assert tell(name, **changes).command == ""


def test_a_run_after_another_is_told_by_the_rule_of_its_own() -> None:
    told = tell("chain_dead_letter")
    assert told.title == "my-service-report: its rule could not submit it"
    assert fields(told)["After"] == JOB
    assert "Scheduled for" not in fields(told)
    # AND it is run by its name, since no time of a schedule is its own
    assert told.command == "batchtab run my-service-report --stage prod"


def test_a_run_after_another_that_the_submit_function_failed_on_is_told_as_such() -> None:
    body = {
        "trigger": {"scheduled_time": "2026-03-02T00:20:41Z", "upstream_job_id": "4c7599ae"},
        "job": {"name": "my-service-report"},
    }
    told = tell("submit_function_dead_letter", body=body)
    assert (fields(told)["After"], told.command) == ("4c7599ae", "batchtab run my-service-report --stage prod")


@pytest.mark.parametrize("name", ["run_end_dead_letter", "run_ended_rule_dead_letter"])
def test_an_end_that_was_not_noted_is_told_as_what_it_is(name: str) -> None:
    # GIVEN the end of a run, of which the submit function did not learn
    told = tell(name)
    # THEN nobody is told that a run did not start
    assert told.title == f"{JOB}: the end of a run was not noted"
    found = fields(told)
    waits = "this run has ended, but one that waits for it may wait until the next is due"
    assert found["What happened"] == f"{waits}; a job that pauses on failure was not paused"
    assert told.color == "warning"
    # AND what waits can be started
    assert (told.command, told.command_label) == (f"batchtab resume {JOB} --stage prod", "Let the next go on")
    # AND of a success nobody expects a pause
    succeeded = event("run_end_dead_letter")["Records"][0]["body"].replace('"FAILED"', '"SUCCEEDED"')
    assert fields(tell(name, body=succeeded))["What happened"] == waits


def test_the_stage_is_left_out_of_the_command_where_it_is_no_name() -> None:
    for stage in ("", "my stage; id"):
        told = failed_trigger.message(trigger("schedule_dead_letter"), SETTINGS._replace(stage=stage))
        assert told.command == MADE_UP.removesuffix(" --stage prod")


def test_the_command_is_shown_in_both_forms_and_can_be_pasted() -> None:
    told = tell("schedule_dead_letter")
    assert shlex.split(told.command)[2] == JOB
    fields = {field["title"]: field["value"] for field in attachment.render(told, SETTINGS)["attachments"][0]["fields"]}
    assert fields["Make it up"] == f"`{MADE_UP}`"
    assert f"*Make it up*\\n`{MADE_UP}`" in json.dumps(blocks.render(told, SETTINGS))


def test_a_message_without_anything_is_told_as_well() -> None:
    told = failed_trigger.message(failed_trigger.read({}), SETTINGS)
    assert told.title == "a job: the submit function failed"
    assert told.sentence == "a job may not have started: an unknown error"


@pytest.mark.parametrize("body", ["", "no JSON", "[" * 200_000, "null", '{"job": 1, "trigger": []}'])
def test_a_body_that_is_nothing_leaves_what_the_attributes_say(body: str) -> None:
    found = trigger("schedule_dead_letter", body=body)
    assert (found.job(SETTINGS), found.scheduled_at) == (JOB, DUE)
    redact({"body": body})


def test_each_message_is_told_once_and_to_whom_its_job_belongs() -> None:
    world = World()
    for name in ("schedule_dead_letter", "submit_function_dead_letter", "run_end_dead_letter"):
        assert world.handle(event(name)) == "sent"
        assert world.handle(event(name)) == "sent already"
    assert len(world.inbox) == 3


def test_the_log_says_which_run_a_message_is_about() -> None:
    found = event("schedule_dead_letter")
    assert (
        "2026-03-02T00:00:00Z"
        in json.loads(redact(found)["Records"][0]["body"])["ContainerOverrides"]["Environment"][0].values()
    )


@pytest.mark.parametrize("name", ["run_end_dead_letter", "schedule_dead_letter"])
def test_a_message_is_logged_without_what_the_job_was_given(name: str) -> None:
    found = event(name)
    (record,) = found["Records"]
    if name == "schedule_dead_letter":
        record["body"] = record["body"].replace("2026-03-02T00:00:00Z", "correct-horse")
    assert "correct-horse" in json.dumps(found)
    assert "correct-horse" not in json.dumps(redact(found))
    assert JOB in json.dumps(redact(found))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop-ec2-orders-settle", "orders-settle"),
        ("shop-fargate-reports-mail", "reports-mail"),
        ("shop-orders-settle", "orders-settle"),
        ("other-orders-settle", "other-orders-settle"),
        ("shop-ec2", "ec2"),
    ],
)
def test_a_name_is_without_the_longest_namespace_that_it_begins_with(name: str, expected: str) -> None:
    settings = SETTINGS._replace(namespace="shop", further_namespaces=("shop-ec2", "shop-fargate"))
    assert settings.without_namespace(name) == expected
    rule = trigger("trigger_dead_letter")._replace(sender="rule", sender_name=name, job_name="", ended="")
    assert rule.job(settings) == ("" if expected == name else expected)


def test_the_namespaces_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CHANNEL", "USERNAME", "ICON_EMOJI", "COLOR"):
        monkeypatch.setenv(f"SLACK_{variable}", "x")
    monkeypatch.setenv("ALERT_NAMESPACE", "shop")
    monkeypatch.setenv("ALERT_FURTHER_NAMESPACES", "shop-ec2,shop-fargate")
    assert type(SETTINGS).read().further_namespaces == ("shop-ec2", "shop-fargate")
