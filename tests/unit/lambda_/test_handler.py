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
from job_alerts import clients, function, gathering, handler, logs
from job_alerts.job_event import UnreadableEvent
from job_alerts.settings import Settings

from tests.unit.lambda_.support import event, job

LAMBDA = Path(__file__).parents[3] / "lambda"
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

    monkeypatch.setattr(function, "send", send)
    monkeypatch.setattr(logs, "tail", lambda *_: (["the end"], ""))
    monkeypatch.setattr(gathering, "_sent", {})
    return messages


def test_a_failed_job_becomes_the_originals_message(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_DETAILS", "false")
    assert handler.lambda_handler(event("exit_code"), None) == {"outcome": "told"}
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
    assert lines[-1] == {"outcome": "told"}
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


def test_the_handler_is_loaded_without_boto3_and_without_anything_of_ours() -> None:
    # GIVEN a process that has only the function's folder
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import job_alerts.handler;"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('boto3', 'botocore', 'jobs', 'modules', 'cdktf')))"
    )
    # WHEN the handler is imported THEN boto3 is not yet there
    done = subprocess.run([sys.executable, "-c", code, str(LAMBDA)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the log's end


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    made = boto3.client("logs", region_name="ap-northeast-2", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(clients, "_clients", {("logs", "ap-northeast-2"): made})
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
