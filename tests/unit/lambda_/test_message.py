"""What a person reads, case by case, in both forms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.lambda_.support import SETTINGS, job

from job_alerts import attachment, blocks, message
from job_alerts.message import Repeats, Route


def fields(payload: dict[str, Any]) -> dict[str, str]:
    return {field["title"]: field["value"] for field in payload["attachments"][0].get("fields", [])}


def texts(value: Any) -> list[str]:
    """Every text of a message."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


# --- the original


def test_without_details_the_message_is_the_originals_to_the_letter() -> None:
    # GIVEN a failed job and settings without details
    told = message.failed(job("exit_code"), SETTINGS)
    # WHEN it is rendered for SendToSlack THEN nothing else is in it
    assert attachment.render(told, SETTINGS._replace(details=False)) == {
        "channel": "#cron-error",
        "username": "AWS Batch Job Failed Alert",
        "icon_emoji": ":cloud:",
        "attachments": [
            {"color": "danger", "text": "my-service-do-something failed by Essential container in task exited"}
        ],
    }


def test_with_details_the_originals_keys_stay_as_they_are() -> None:
    payload = attachment.render(message.failed(job("exit_code"), SETTINGS), SETTINGS)
    plain = attachment.render(message.failed(job("exit_code"), SETTINGS), SETTINGS._replace(details=False))
    assert {key: payload[key] for key in ("channel", "username", "icon_emoji")} == {
        key: plain[key] for key in ("channel", "username", "icon_emoji")
    }
    assert plain["attachments"][0].items() <= payload["attachments"][0].items()


def test_a_job_without_a_reason_is_told_as_well() -> None:
    told = message.failed(job("exit_code", statusReason=None, attempts=[]), SETTINGS)
    assert told.sentence == "my-service-do-something failed by an unknown reason"


# --- one test per case


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exit_code", "exit code 3"),
        ("killed", "exit code 137: killed (SIGKILL): often by running out of memory"),
        ("out_of_memory", "killed: out of memory (limit 1024 MiB)"),
        ("timed_out", "timed out after 30 min"),
        ("image_not_pulled", "its image could not be pulled"),
        ("secret_not_read", "its container could not be started"),
        ("host_reclaimed", "its host was taken away or ended"),
        ("dependency_failed", "a job that it depends on failed"),
        ("cancelled", "cancelled before it started"),
        ("terminated", "terminated by a person or another program"),
        (
            "stuck_in_runnable",
            "it could not be placed: no instance type of the environment has the vCPUs or memory",
        ),
        ("array_parent", "3 of 10 children failed"),
        ("several_containers", "exit code 3"),
        ("local_aws", "exit code 2: wrong usage, or a shell could not read its command"),
    ],
)
def test_what_happened_is_said_in_a_persons_words(name: str, words: str) -> None:
    told = message.failed(job(name), SETTINGS)
    assert fields(attachment.render(told, SETTINGS))["What happened"] == words
    header = blocks.render(told, SETTINGS)["blocks"][0]["text"]["text"]
    assert header == f":red_circle: {told.title}"
    assert words in header


@pytest.mark.parametrize(
    ("name", "tries"),
    [
        ("exit_code", "1 of 1"),
        ("last_attempt", "3 of 3: the last"),
        ("timed_out", "1 of 3; Batch does not try again, by the retry strategy or the time-out"),
    ],
)
def test_the_attempt_is_told_and_that_there_is_no_other(name: str, tries: str) -> None:
    assert fields(attachment.render(message.failed(job(name), SETTINGS), SETTINGS))["Attempt"] == tries


def test_a_failed_job_is_told_with_all_that_helps() -> None:
    # GIVEN a failed job of a service that has a route, and its log
    route = Route("my-service", channel="#my-service", mention="here")
    told = message.failed(job("out_of_memory"), SETTINGS, route=route, log=["loading", "chunk 7"])
    # WHEN it is rendered for SendToSlack
    payload = attachment.render(told, SETTINGS)
    # THEN it goes where the service wants it, and says where, when, how long, how often, and what the job said
    assert (payload["channel"], payload["text"]) == ("#my-service", "<!here>")
    found = fields(payload)
    assert found["Service"] == "my-service"
    assert found["Queue"] == "default"
    assert found["Stage"] == "prod"
    assert found["Started"] == "<!date^1772409605^{date_short_pretty} {time_secs}|2026-03-02 00:00 UTC>"
    assert found["Ran for"] == "20 min 36 s"
    assert found["Container"] == "OutOfMemoryError: Container killed due to memory usage"
    assert found["Run it again"] == "`batchtab retry 4c7599ae-0a82-49aa-ba5a-4727fcce14a8 --stage prod`"
    assert payload["attachments"][0]["footer"] == "123456789012 · ap-northeast-2"
    assert payload["attachments"][0]["ts"] == 1_772_410_841
    urls = {action["text"]: action["url"] for action in payload["attachments"][0]["actions"]}
    assert urls == {
        "Job": "https://ap-northeast-2.console.aws.amazon.com/batch/home?region=ap-northeast-2"
        "#jobs/detail/4c7599ae-0a82-49aa-ba5a-4727fcce14a8",
        "Log": "https://ap-northeast-2.console.aws.amazon.com/cloudwatch/home?region=ap-northeast-2"
        "#logsV2:log-groups/log-group/$252Faws$252Fbatch$252Fbatchtab-prod/log-events/"
        "my-service-do-something$252Fdefault$252F0f1e2d3c4b5a",
    }
    assert payload["attachments"][1]["text"] == "```\nloading\nchunk 7\n```"


def test_both_forms_carry_the_same_facts() -> None:
    route = Route("my-service")
    told = message.failed(
        job("out_of_memory"), SETTINGS, route=route, log=["loading"], repeats=Repeats(5, 3, 1_772_000_000)
    )
    in_blocks = "\n".join(texts(blocks.render(told, SETTINGS)))
    for title, value in fields(attachment.render(told, SETTINGS)).items():
        assert f"*{title}*\n{value}" in in_blocks or value in told.title, title
    assert told.sentence in in_blocks
    assert "loading" in in_blocks
    assert told.footer in in_blocks


def test_repeats_are_counted_in_the_message() -> None:
    told = message.failed(job("exit_code"), SETTINGS, repeats=Repeats(5, 3, 1_772_000_000))
    found = fields(attachment.render(told, SETTINGS))
    assert found["Again"] == "5 failures since its last success, 3 of them not sent"
    assert found["First failed"].startswith("<!date^1772000000^")
    first = message.failed(job("exit_code"), SETTINGS, repeats=Repeats(1, 0, 1_772_000_000))
    assert "Again" not in fields(attachment.render(first, SETTINGS))


def test_dependents_are_listed() -> None:
    told = message.failed(job("exit_code"), SETTINGS, dependents=[job("dependency_failed")])
    payload = attachment.render(told, SETTINGS)
    assert payload["attachments"][-1]["title"] == "Failed because of it"
    assert payload["attachments"][-1]["text"] == "• my-service-report"
    assert "*Failed because of it*\n• `my-service-report`" in texts(blocks.render(told, SETTINGS))


def test_a_recovery_is_good_news() -> None:
    told = message.recovered(job("succeeded"), SETTINGS, 12, 1_772_000_000)
    payload = attachment.render(told, SETTINGS)
    assert payload["attachments"][0]["text"] == "my-service-do-something recovered after 12 failures"
    assert payload["attachments"][0]["color"] == "good"
    assert message.recovered(job("succeeded"), SETTINGS, 1, 0).sentence.endswith("after 1 failure")


def test_a_blocked_queue_is_told_with_its_reason() -> None:
    told = message.blocked(job("queue_blocked"), SETTINGS)
    found = fields(attachment.render(told, SETTINGS))
    assert found["What happened"] == "it could not be placed: the compute environment is too small for it"
    assert "cannot meet the CPU requirement of the job" in told.sentence
    assert told.title == "Queue batchtab-prod-default is blocked by my-service-do-something"
    assert told.color == "warning"


def test_the_time_for_which_a_run_was_submitted_is_told() -> None:
    found = fields(attachment.render(message.failed(job("scheduled_run"), SETTINGS), SETTINGS))
    assert found["Scheduled for"].startswith("<!date^1772409600^")
    assert "Scheduled for" not in fields(attachment.render(message.failed(job("exit_code"), SETTINGS), SETTINGS))


@pytest.mark.parametrize("time", ["", "yesterday", "<!channel>", "2026-13-01T00:00:00Z", "2026-03-02", 7, None])
def test_a_time_that_is_none_is_not_told(time: object) -> None:
    environment = [{"name": "BATCHTAB_SCHEDULED_TIME", "value": time}]
    found = job("exit_code", container={"environment": environment})
    assert found.scheduled_at is None


def test_many_jobs_are_told_in_one_message_that_names_them_all() -> None:
    jobs = [job("exit_code", jobName=f"job-{n}", jobId=str(n)) for n in range(200)]
    told = message.many(jobs, SETTINGS)
    for payload in (attachment.render(told, SETTINGS), blocks.render(told, SETTINGS)):
        lines = "\n".join(texts(payload)).split("\n")
        named = [line.strip("•` ").split(":")[0] for line in lines if line.startswith("• ")]
        assert sorted(named) == sorted(one.name for one in jobs)


def test_many_jobs_are_run_again_by_one_command_where_a_stage_is_known() -> None:
    told = message.many([job("exit_code")], SETTINGS._replace(stage="prod"))
    assert told.command == "batchtab retry --failed --since 6h --stage prod"
    assert message.many([job("exit_code")], SETTINGS._replace(stage="")).commands == []
    assert message.many([job("exit_code")], SETTINGS._replace(stage="$(id)")).commands == []


def test_a_rerun_command_of_ones_own_is_filled_in() -> None:
    settings = SETTINGS._replace(rerun_command="batchtab run {job} --stage prod")
    told = message.failed(job("exit_code"), settings)
    assert told.command == "batchtab run my-service-do-something --stage prod"


@pytest.mark.parametrize("name", ["x; rm -rf ~", "{queue}", "-rf", "a\u202eb", "$(id)"])
def test_a_name_that_batch_would_refuse_makes_no_command_to_paste(name: str) -> None:
    told = message.failed(job("exit_code", jobName=name), SETTINGS._replace(stage=""))
    assert told.command == ""
    assert "Run it again" not in fields(attachment.render(told, SETTINGS))


@pytest.mark.parametrize(
    ("partition", "host"), [("aws-cn", "console.amazonaws.cn"), ("aws-us-gov", "console.amazonaws-us-gov.com")]
)
def test_links_lead_to_the_partitions_console(partition: str, host: str) -> None:
    queue = f"arn:{partition}:batch:cn-north-1:123456789012:job-queue/default"
    told = message.failed(job("exit_code", jobQueue=queue), SETTINGS)
    assert all(f".{host}/" in url for _, url in told.buttons)


def test_no_value_of_the_jobs_environment_is_in_a_message() -> None:
    told = message.failed(job("exit_code"), SETTINGS)
    for payload in (attachment.render(told, SETTINGS), blocks.render(told, SETTINGS)):
        assert "correct-horse" not in json.dumps(payload)
