"""The stand-in for Slack on local AWS."""

from __future__ import annotations

import urllib.error
from typing import Any

import pytest
from tests.unit.lambda_.test_delivery import Slack, slack

from batchtab.local_aws.send_to_slack import handler
from batchtab.local_aws.send_to_slack.handler import lambda_handler

__all__ = ["slack"]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of a busy machine may take its time to answer."""
    monkeypatch.setattr(handler, "_TIMEOUT_SECONDS", 60)


def test_what_it_gets_is_posted_to_local_aws(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{slack.server_port}/")
    message: dict[str, Any] = {"channel": "#cron-error", "attachments": [{"text": "é"}]}
    assert lambda_handler(message, None) == {"status": 200}
    assert slack.got == [message]


@pytest.mark.parametrize("endpoint", ["", "https://lambda.us-east-1.amazonaws.com"])
def test_elsewhere_than_on_local_aws_it_raises(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(RuntimeError, match="replaces Slack on local AWS only"):
        lambda_handler({}, None)


def test_a_refusal_is_an_error(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{slack.server_port}")
    slack.answers = [(400, {})]
    with pytest.raises(urllib.error.HTTPError) as raised:
        lambda_handler({}, None)
    raised.value.close()
