"""What starts a job, by the Python door: a rule, a schedule, the submit function."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.constructs.a_job import DEAD_LETTERS, ENVIRONMENTS, FUNCTION, ROLE, container, job
from tests.constructs.template import QUEUE_ARN

NEEDING: tuple[dict[str, Any], ...] = (
    {"concurrency_policy": "replace"},
    {"concurrency_policy": "queue"},
    {"except_": ["2026-12-25"]},
    {"pause_on_failure": True},
)


def schedule(**arguments: Any) -> dict[str, Any]:
    """The schedule of a job that has one in place of a rule."""
    made = job(**arguments)
    assert made.count("aws_cloudwatch_event_rule") == made.count("aws_cloudwatch_event_target") == 0
    return made.one("aws_scheduler_schedule")


@pytest.mark.parametrize(
    "special",
    [
        {"timezone": "Asia/Seoul"},
        {"start": "2026-12-01T00:00:00Z"},
        {"end": "2026-12-01T00:00:00Z"},
        {"flexible_window_minutes": 5},
        {"except_": ["2026-12-25"], "submit_function_arn": FUNCTION},
        {"schedule": "at(2026-12-01T09:00:00)"},
        {"trigger": "schedule"},
    ],
    ids=lambda special: next(iter(special)),
)
def test_what_a_rule_cannot_say_makes_a_schedule(special: dict[str, Any]) -> None:
    made = job(**special, **ENVIRONMENTS)
    resources = {address for address in made.addresses() if not address.startswith("data.")}
    # One resource less than with a rule: a schedule has its target in it.
    assert resources == {
        "aws_batch_job_definition.job_definition",
        "aws_iam_role.job_role",
        "aws_scheduler_schedule.schedule",
    }


@pytest.mark.parametrize("usual", [{}, {"trigger": "rule"}, {"suspend": True}, {"schedule": "0 0 * * *"}], ids=str)
def test_all_else_makes_a_rule_as_in_the_original(usual: dict[str, Any]) -> None:
    made = job(**usual)
    assert made.one("aws_cloudwatch_event_rule")["schedule_expression"] == "cron(0 0 * * ? *)"
    assert made.count("aws_scheduler_schedule") == 0


def test_a_suspended_job_keeps_its_schedule() -> None:
    assert schedule(timezone="Asia/Seoul", suspend=True)["state"] == "DISABLED"


def test_a_schedule_submits_by_itself() -> None:
    # GIVEN a job in a time zone
    made = schedule(
        timezone="Asia/Seoul",
        schedule="0 9 * * 1-5",
        end="2027-12-01T00:00:00Z",
        flexible_window_minutes=5,
        description="Working days",
        schedule_group_name="batchtab-test-my-service",
        array_size=3,
        maximum_event_age_seconds=900,
        **ENVIRONMENTS,
    )
    # THEN its schedule says when
    assert made["name"] == "batchtab-test-my-service-do-something"
    assert made["group_name"] == "batchtab-test-my-service"
    assert made["description"] == "Working days"
    assert made["schedule_expression"] == "cron(0 9 ? * MON,TUE,WED,THU,FRI *)"
    assert made["schedule_expression_timezone"] == "Asia/Seoul"
    assert made["end_date"] == "2027-12-01T00:00:00Z"
    assert made["flexible_time_window"] == {"mode": "FLEXIBLE", "maximum_window_in_minutes": 5}
    # AND calls SubmitJob by the trigger role, with the newest revision, as its API writes the members
    target = made["target"]
    assert target["arn"] == "arn:${data.aws_partition.current.partition}:scheduler:::aws-sdk:batch:submitJob"
    assert target["role_arn"] == ROLE
    assert json.loads(target["input"]) == {
        "JobName": "my-service-do-something",
        "JobQueue": QUEUE_ARN,
        "JobDefinition": "${aws_batch_job_definition.job_definition.name}",
        "ArrayProperties": {"Size": 3},
        "ContainerOverrides": {
            "Environment": [
                {"Name": "BATCHTAB_RUN_ID", "Value": "my-service-do-something@<aws.scheduler.scheduled-time>"},
                {"Name": "BATCHTAB_SCHEDULED_TIME", "Value": "<aws.scheduler.scheduled-time>"},
            ]
        },
    }
    # AND what it can't submit in time is kept
    assert target["retry_policy"] == {"maximum_event_age_in_seconds": 900, "maximum_retry_attempts": 185}
    assert target["dead_letter_config"] == [{"arn": DEAD_LETTERS}]


def test_without_more_a_schedule_has_no_more() -> None:
    made = schedule(timezone="Asia/Seoul")
    assert made.keys() == {
        *("name", "schedule_expression", "schedule_expression_timezone", "state", "flexible_time_window", "target")
    }
    assert made["flexible_time_window"] == {"mode": "OFF"}


def test_a_start_is_told_while_it_lies_ahead() -> None:
    # Scheduler refuses a start that has passed, whenever a schedule is made or changed.
    start = "2026-12-01T00:00:00Z"
    told = schedule(start=start)["start_date"]
    assert told == f'${{timecmp("{start}", plantimestamp()) > 0 ? "{start}" : null}}'


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        ({"schedule": "at(2026-12-01T09:00:00)"}, ["2026-12-01T09:00:00Z"]),
        ({"schedule": "at(2026-12-01T09:00:00)", "timezone": "Asia/Seoul"}, ["2026-12-01T00:00:00Z"]),
        ({"schedule": "at(2026-07-01T09:00:00)", "timezone": "America/New_York"}, ["2026-07-01T13:00:00Z"]),
        ({"end": "2026-12-01T00:00:00Z"}, ["2026-12-01T00:00:00Z"]),
        (
            {"schedule": "at(2026-12-01T09:00:00)", "end": "2026-12-02T00:00:00Z"},
            ["2026-12-01T09:00:00Z", "2026-12-02T00:00:00Z"],
        ),
        ({"timezone": "Asia/Seoul"}, []),
    ],
)
def test_there_is_a_schedule_only_while_its_last_time_lies_ahead(arguments: dict[str, Any], ends: list[str]) -> None:
    # Scheduler refuses to make or change one whose time or end has passed.
    count = schedule(**arguments).get("count", "")
    assert re.findall(r'timecmp\("([^"]*)", plantimestamp\(\)\) > 0', count) == ends


def test_the_trigger_role_is_for_the_schedules_of_this_group() -> None:
    where = "${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
    part = "arn:${data.aws_partition.current.partition}"
    for group, name in ((None, "default"), ("mine", "mine")):
        made = job(timezone="Asia/Seoul", schedule_group_name=group, dead_letter_queue_arn=DEAD_LETTERS)
        (trust,) = made.statements("aws_iam_role", "trigger_role", "assume_role_policy")
        assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
        assert trust["Condition"]["ArnLike"] == {
            "aws:SourceArn": [
                f"{part}:scheduler:{where}:{kind}" for kind in (f"schedule-group/{name}", f"schedule/{name}/*")
            ]
        }
        submits, sends = made.statements("aws_iam_role_policy", "trigger_role_policy")
        assert submits["Action"] == ["batch:SubmitJob"]
        # A rule's events go to the queue by the queue's own policy; Scheduler sends them by the role.
        assert sends == {"Action": ["sqs:SendMessage"], "Effect": "Allow", "Resource": [DEAD_LETTERS]}


def test_a_run_by_a_rule_knows_itself() -> None:
    transformer = job().one("aws_cloudwatch_event_target")["input_transformer"]
    assert transformer["input_paths"] == {"time": "$.time"}
    assert json.loads(transformer["input_template"]) == {
        "ContainerOverrides": {
            "Environment": [
                {"Name": "BATCHTAB_RUN_ID", "Value": "my-service-do-something@<time>"},
                {"Name": "BATCHTAB_SCHEDULED_TIME", "Value": "<time>"},
            ]
        }
    }


@pytest.mark.parametrize(("deadline", "tried"), [(None, 300), (90, 90), (600, 300)])
def test_a_run_that_batch_gets_at_once_is_not_tried_beyond_its_deadline(deadline: int | None, tried: int) -> None:
    arguments: dict[str, Any] = {"starting_deadline_seconds": deadline, "maximum_event_age_seconds": 300}
    by_rule = job(**arguments).one("aws_cloudwatch_event_target")
    assert by_rule["retry_policy"]["maximum_event_age_in_seconds"] == tried
    target = schedule(timezone="Asia/Seoul", **arguments)["target"]
    assert target["retry_policy"]["maximum_event_age_in_seconds"] == tried


# --- through the submit function


def test_a_rule_asks_the_function_and_needs_no_role() -> None:
    # GIVEN a job whose runs wait for each other
    made = job(
        concurrency_policy="queue",
        queue_limit=3,
        starting_deadline_seconds=90,
        maximum_event_age_seconds=300,
        array_size=2,
        submit_function_arn=FUNCTION,
    )
    target = made.one("aws_cloudwatch_event_target")
    assert target["arn"] == FUNCTION
    assert not {"role_arn", "batch_target"} & target.keys()
    assert target["retry_policy"]["maximum_event_age_in_seconds"] == 300  # the function notes what is late
    # THEN the function learns which run it is, and all that it must know of the job
    assert json.loads(target["input_transformer"]["input_template"]) == {
        "trigger": {"scheduled_time": "<time>"},
        "job": {
            "name": "my-service-do-something",
            "job_queue": QUEUE_ARN,
            "job_definition": "${aws_batch_job_definition.job_definition.name}",
            "schedule": "cron(0 0 * * ? *)",
            "concurrency_policy": "queue",
            "queue_limit": 3,
            "starting_deadline_seconds": 90,
            "array_size": 2,
        },
    }
    # AND the function's own policy lets the rule
    assert "trigger_role" not in made.all("aws_iam_role")


def test_a_schedule_asks_the_function_by_its_role() -> None:
    made = job(
        timezone="Asia/Seoul",
        except_=["2026-12-25", "cron(0 0 ? * FRI#1 *)"],
        pause_on_failure=True,
        submit_function_arn=FUNCTION,
    )
    target = made.one("aws_scheduler_schedule")["target"]
    assert target["arn"] == FUNCTION
    assert json.loads(target["input"]) == {
        "trigger": {"scheduled_time": "<aws.scheduler.scheduled-time>"},
        "job": {
            "name": "my-service-do-something",
            "job_queue": QUEUE_ARN,
            "job_definition": "${aws_batch_job_definition.job_definition.name}",
            "schedule": "cron(0 0 * * ? *)",
            "timezone": "Asia/Seoul",
            "except": ["2026-12-25", "cron(0 0 ? * FRI#1 *)"],
            "pause_on_failure": True,
        },
    }
    (statement,) = made.statements("aws_iam_role_policy", "trigger_role_policy")
    assert statement == {"Action": ["lambda:InvokeFunction"], "Effect": "Allow", "Resource": [FUNCTION]}


def test_the_end_of_another_job_asks_the_function() -> None:
    made = job(after=["other"], concurrency_policy="replace", except_=["2026-12-25"], submit_function_arn=FUNCTION)
    target = made.one("aws_cloudwatch_event_target")
    assert target["arn"] == FUNCTION
    event = json.loads(target["input_transformer"]["input_template"])
    # THEN the run is known by the job before, and what only a schedule has is left out
    assert event["trigger"] == {"scheduled_time": "<time>", "upstream_job_id": "<upstream>"}
    assert event["job"].keys() == {"name", "job_queue", "job_definition", "concurrency_policy"}


@pytest.mark.parametrize("policy", ["allow", "forbid", "replace", "queue"])
@pytest.mark.parametrize("pauses", [True, False])
def test_jobs_whose_ends_matter_are_told_apart(policy: str, pauses: bool) -> None:
    made = job(concurrency_policy=policy, pause_on_failure=pauses, submit_function_arn=FUNCTION)
    matters = pauses or policy in {"replace", "queue"}
    expected = [{"name": "BATCHTAB_RUN_POLICY", "value": policy}] if matters else None
    assert container(made).get("environment") == expected


def test_forbid_by_the_function_leaves_the_container_alone() -> None:
    made = job(concurrency_policy="forbid", submit_function_arn=FUNCTION)
    assert made.one("aws_cloudwatch_event_target")["arn"] == FUNCTION
    assert "environment" not in container(made)
    assert "job_role_policy" not in made.all("aws_iam_role_policy")


def test_allow_has_no_code_in_between() -> None:
    with_function, without = job(submit_function_arn=FUNCTION), job()
    assert with_function.content["resource"] == without.content["resource"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": "@reboot"}, "schedule: '@reboot' has no meaning here: no machine boots"),
        (
            {"schedule": "0 9 1 * MON"},
            "schedule: '0 9 1 * MON' sets day-of-month and day-of-week: crontab runs on either, which AWS cannot"
            " express [hint: write two jobs: '0 9 1 * *' and '0 9 * * MON'",
        ),
        ({"schedule": "cron(99 0 * * ? *)"}, "schedule: 'cron(99 0 * * ? *)' has '99' as minutes: 0 to 59"),
        ({"schedule": "cron(0 0 * * * *)"}, "schedule: 'cron(0 0 * * * *)' has no '?'"),
        ({"schedule": "rate(5 minute)"}, "says '5 minute', which AWS refuses [hint: rate(5 minutes)]"),
        ({"schedule": "at(2026-02-30T00:00:00)"}, "schedule: 'at(2026-02-30T00:00:00)' is not a date and time"),
        ({"timezone": "+09:00"}, "timezone: '+09:00' is not a time zone, such as Asia/Seoul"),
        (
            {"timezone": "Asia/Soul"},
            "timezone: 'Asia/Soul' is not a time zone, such as Asia/Seoul [hint: did you mean 'Asia/S",
        ),
        (
            {"start": "2026-13-45T99:00:00Z"},
            "start: '2026-13-45T99:00:00Z' is not allowed: a moment of the calendar",
        ),
        (
            {"end": "2026-02-30T00:00:00Z"},
            "end: '2026-02-30T00:00:00Z' is not allowed: a moment of the calendar",
        ),
        ({"start": "2026-12-01"}, "start: '2026-12-01' is not allowed: a moment of the calendar in UTC before 2200"),
        ({"end": "2300-01-01T00:00:00Z"}, "end: '2300-01-01T00:00:00Z' is not allowed"),
        (
            {"start": "2026-12-02T00:00:00Z", "end": "2026-12-01T00:00:00Z"},
            "end: '2026-12-01T00:00:00Z' is not after start, 2026-12-02T00:00:00Z",
        ),
        ({"flexible_window_minutes": 0}, "flexible_window_minutes: 0 is too small: 1 to 1440 (minutes)"),
        ({"except_": ["Christmas"]}, "except_[0]: 'Christmas' is not allowed: a date (2026-12-25), two dates"),
        ({"except_": ["cron(* * 25 12 * *)"]}, "except_[0]: 'cron(* * 25 12 * *)' has no '?'"),
        ({"except_": ["cron(foo)"]}, "except_[0]: 'cron(foo)' has 1 field"),
        ({"except_": ["2026-13-45"]}, "except_[0]: '2026-13-45' has 2026-13-45, which is not a date"),
        ({"except_": ["2026-12-25", "2027-01-02/2026-12-24"]}, "runs backwards [hint: write 2026-12-24/2027-01-02]"),
        ({"except_": ["2026-12-25"] * 31}, "has 31 entries: at most 30"),
        ({"trigger": "cron"}, "trigger: 'cron' is not allowed: rule or schedule"),
        *(
            (
                {"schedule": "rate(6 hours)", **special},
                "schedule: 'rate(6 hours)' does not go with ",
            )
            for special in (
                {"trigger": "schedule"},
                {"timezone": "Asia/Seoul"},
                {"start": "2026-12-02T00:00:00Z"},
                {"end": "2026-12-02T00:00:00Z"},
                {"flexible_window_minutes": 5},
                {"except_": ["2026-12-25"], "submit_function_arn": FUNCTION},
            )
        ),
        (
            {"schedule": "rate(15 minutes)", "timezone": "Asia/Seoul"},
            "EventBridge Scheduler runs a rate at once when it is deployed, and counts again from then [hint: write"
            " '*/15 * * * *']",
        ),
        (
            {"schedule": "rate(7 hours)", "timezone": "Asia/Seoul"},
            "and counts again from then [hint: leave timezone out]",
        ),
        ({"trigger": "rule", "timezone": "Asia/Seoul"}, "trigger: 'rule' cannot express timezone: only a schedule can"),
        ({"trigger": "rule", "schedule": "at(2026-12-01T00:00:00)"}, "trigger: 'rule' cannot express at(…)"),
        ({"schedule": None, "timezone": "Asia/Seoul"}, "timezone: 'Asia/Seoul' has no effect: the job has no schedule"),
        (
            {"schedule": None, "starting_deadline_seconds": 60},
            "has no effect: the job has no schedule and comes",
        ),
        (
            {"flexible_window_minutes": 15, "starting_deadline_seconds": 600},
            "starting_deadline_seconds: 600 is shorter than flexible_window_minutes, and the last runs",
        ),
        ({"queue_limit": 0}, "queue_limit: 0 is too small: 1 to 100 (runs)"),
        ({"after_status": "any"}, "after_status: 'any' has no effect: the job comes after no other"),
        (
            {"schedule": None, "maximum_event_age_seconds": 300},
            "maximum_event_age_seconds: 300 has no effect: the job has no schedule and comes after no other",
        ),
        (
            {"log_group_name": "/jobs", "log_retention_days": 7},
            "log_retention_days: 7 cannot be used together with log_group_name, a log group that is managed elsewhere",
        ),
        (
            {"dead_letter_queue_arn": "arn:aws:sqs:us-east-1:123456789012:q"},
            "dead_letter_queue_arn belongs to another account or region than job_queue_arn",
        ),
        (
            {"dead_letter_queue_arn": "arn:aws:sqs:ap-northeast-2:123456789012:q.fifo"},
            "is not allowed: the ARN of a standard SQS queue",
        ),
        ({"queue_limit": 3}, "queue_limit: 3 has no effect without concurrency_policy: queue"),
        ({"starting_deadline_seconds": 59}, "starting_deadline_seconds: 59 is too short: 60 to 86400 (seconds)"),
        ({"schedule_group_name": "my jobs"}, "schedule_group_name: 'my jobs' is not allowed: letters, digits"),
        *(
            (
                needing,
                "share, containers, grace_seconds and nodes need submit_function_arn.",
            )
            for needing in NEEDING
        ),
        (
            {"namespace": None, "concurrency_policy": "forbid", "submit_function_arn": FUNCTION},
            "submit_function_arn needs a namespace: the function is for names that begin with it.",
        ),
    ],
)
def test_what_no_trigger_can_do_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        job(**arguments)
