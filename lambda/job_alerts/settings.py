"""What the function's environment says."""

from __future__ import annotations

import os
from typing import NamedTuple


class Settings(NamedTuple):
    """How messages look, who sends them on, and how quiet it is."""

    channel: str
    username: str
    icon_emoji: str
    color: str
    function_name: str = ""
    function_region: str = ""
    webhook_secret_arn: str = ""
    details: bool = True
    namespace: str = ""
    stage: str = ""
    rerun_command: str = ""
    log_lines: int = 20
    table_name: str = ""
    runs_table_arn: str = ""
    repeat_seconds: int = 3600
    gather_seconds: int = 5
    give_up_seconds: int = 900
    dead_letter_queue_url: str = ""

    @classmethod
    def read(cls) -> Settings:
        """The settings of this function.

        Raises:
            KeyError: a variable is missing; its name.
        """
        given = os.environ.get
        return cls(
            channel=os.environ["SLACK_CHANNEL"],
            username=os.environ["SLACK_USERNAME"],
            icon_emoji=os.environ["SLACK_ICON_EMOJI"],
            color=os.environ["SLACK_COLOR"],
            function_name=given("SLACK_FUNCTION_NAME", ""),
            function_region=given("SLACK_FUNCTION_REGION", ""),
            webhook_secret_arn=given("SLACK_WEBHOOK_SECRET_ARN", ""),
            details=given("ALERT_DETAILS", "true") == "true",
            namespace=given("ALERT_NAMESPACE", ""),
            stage=given("ALERT_STAGE", ""),
            rerun_command=given("ALERT_RERUN_COMMAND", ""),
            log_lines=int(given("ALERT_LOG_LINES", "20")),
            table_name=given("ALERT_TABLE_NAME", ""),
            runs_table_arn=given("ALERT_RUNS_TABLE_ARN", ""),
            repeat_seconds=int(given("ALERT_REPEAT_SECONDS", "3600")),
            gather_seconds=int(given("ALERT_GATHER_SECONDS", "5")),
            give_up_seconds=int(given("ALERT_GIVE_UP_SECONDS", "900")),
            dead_letter_queue_url=given("ALERT_DEAD_LETTER_QUEUE_URL", ""),
        )
