"""The function as Lambda calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from tests.unit.lambda_.support import event, job

from job_alerts import batching, handler, logs
from job_alerts.job_event import UnreadableEvent
from job_alerts.notifiers import function
from job_alerts.settings import Settings
from shared import clients

ROOT = Path(__file__).parents[3]
VARIABLES = {
    "SLACK_CHANNEL": "#cron-error",
    "SLACK_USERNAME": "AWS Batch Job Failed Alert",
    "SLACK_ICON_EMOJI": ":cloud:",
    "SLACK_COLOR": "danger",
    "SLACK_FUNCTION_NAME": "SendToSlack",
    "SLACK_FUNCTION_REGION": "ap-northeast-2",
}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    messages: list[dict[str, Any]] = []

    def send(message: dict[str, Any], *, function_name: str, region: str) -> None:
        assert (function_name, region) == ("SendToSlack", "ap-northeast-2")
        messages.append(message)

    monkeypatch.setattr(function, "invoke", send)
    monkeypatch.setattr(logs, "tail", lambda *_: (["the end"], ""))
    monkeypatch.setattr(batching, "_sent", {})
    return messages


def test_a_failed_job_becomes_the_originals_message(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_DETAILS", "false")
    assert handler.lambda_handler(event("exit_code"), None) == {"outcome": "sent"}
    assert sent == [
        {
            "channel": "#cron-error",
            "username": "AWS Batch Job Failed Alert",
            "icon_emoji": ":cloud:",
            "attachments": [
                {"color": "danger", "text": "my-service-do-something failed by Essential container in task exited"}
            ],
        }
    ]


def test_the_event_is_logged_without_what_the_job_was_given(
    sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    handler.lambda_handler(event("exit_code"), SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["event"]["detail"]["jobName"] == "my-service-do-something"
    assert "correct-horse" not in json.dumps(lines)
    assert lines[-1] == {"outcome": "sent"}
    assert len(sent) == 1


def test_a_sweep_for_nothing_says_nothing(sent: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    handler.lambda_handler(event("sweep"), None)
    assert capsys.readouterr().out == ""
    assert sent == []


@pytest.mark.usefixtures("sent")
def test_a_malformed_event_is_an_error_of_the_function() -> None:
    with pytest.raises(UnreadableEvent):
        handler.lambda_handler({"source": "aws.batch", "detail-type": "Batch Job State Change"}, None)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_CHANNEL", raising=False)
    with pytest.raises(KeyError, match="SLACK_CHANNEL"):
        Settings.read()


@pytest.mark.parametrize("function", ["job_alerts", "submit_run"])
def test_a_handler_loads_nothing_that_only_some_events_need(function: str) -> None:
    # GIVEN a process that has the function's code
    program = f"import sys; sys.path[:0] = sys.argv[1:]; import {function}.handler; print(*sys.modules)"
    # WHEN its handler is imported
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, str(ROOT / "lambda"), str(ROOT / "src")],
        capture_output=True,
        text=True,
        check=True,
    )
    # THEN neither AWS's library nor what reads schedules is there yet
    slow = {"boto3", "botocore", "dateutil", "zoneinfo", "calendar", "urllib.request"}
    words_of_messages = {"batchtab.schedules", "batchtab.schedules.durations"}
    loaded = set(done.stdout.split()) - words_of_messages
    assert {name for name in loaded if name in slow or name.startswith("batchtab.schedules")} == set()


# --- the log's end


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    made = boto3.client("logs", region_name="ap-northeast-2", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(clients, "_clients", {("logs", "ap-northeast-2", 2): made})
    return Stubber(made)


def test_the_logs_last_lines_are_read_and_masked(stub: Stubber) -> None:
    stub.add_response(
        "get_log_events",
        {
            "events": [
                {"message": '{"batchtab": "start", "job_name": "x"}'},
                {"message": "start"},
                {"message": "password=hunter2"},
                {"message": "a\nb"},
                {"message": '{"batchtab": "end", "exit_code": 3}'},
            ]
        },
        {
            "logGroupName": "/aws/batch/batchtab-prod",
            "logStreamName": "my-service-do-something/default/0f1e2d3c4b5a",
            "limit": 5,  # two of which may be the job runner's own
            "startFromHead": False,
        },
    )
    with stub:
        assert logs.tail(job("exit_code"), 3) == (["password=***", "a", "b"], "")


def test_a_log_that_cannot_be_read_costs_no_alert(stub: Stubber) -> None:
    stub.add_client_error("get_log_events", "ResourceNotFoundException")
    with stub:
        assert logs.tail(job("exit_code"), 3) == ([], "Its log could not be read (ResourceNotFoundException).")


def test_an_empty_log_is_said(stub: Stubber) -> None:
    stub.add_response("get_log_events", {"events": []})
    with stub:
        assert logs.tail(job("exit_code"), 3) == ([], "It logged nothing.")


def test_a_job_that_never_ran_has_no_log() -> None:
    assert logs.tail(job("cancelled"), 20) == ([], "")
    assert logs.tail(job("exit_code"), 0) == ([], "")


@pytest.mark.parametrize(("skipped", "gave_way"), [("true", True), ("false", False)])
def test_the_runners_last_line_tells_that_a_run_gave_way(stub: Stubber, skipped: str, gave_way: bool) -> None:
    line = f'{{"batchtab": "end", "time": "{"x" * 300}", "exit_code": 0, "skipped": {skipped}}}'
    stub.add_response("get_log_events", {"events": [{"message": line}]})
    with stub:
        assert logs.gave_way(job("succeeded")) is gave_way
