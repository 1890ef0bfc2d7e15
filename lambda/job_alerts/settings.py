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
    topic_arn: str = ""
    details: bool = True
    namespace: str = ""
    further_namespaces: tuple[str, ...] = ()
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
            topic_arn=given("ALERT_TOPIC_ARN", ""),
            details=given("ALERT_DETAILS", "true") == "true",
            namespace=given("ALERT_NAMESPACE", ""),
            further_namespaces=tuple(filter(None, given("ALERT_FURTHER_NAMESPACES", "").split(","))),
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

    def namespace_of(self, name: str) -> str:
        """The namespace that a name begins with: the longest of several; empty if none."""
        known = filter(None, (self.namespace, *self.further_namespaces))
        return max((each for each in known if name.startswith(f"{each}-")), key=len, default="")

    def without_namespace(self, name: str) -> str:
        """What a job or queue is called within its namespace."""
        namespace = self.namespace_of(name)
        return name.removeprefix(f"{namespace}-") if namespace else name
