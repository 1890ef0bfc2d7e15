"""What the function's environment says."""

from __future__ import annotations

import os
from typing import NamedTuple


class Settings(NamedTuple):
    """How messages look and who sends them on."""

    function_name: str
    function_region: str
    channel: str
    username: str
    icon_emoji: str
    color: str

    @classmethod
    def read(cls) -> Settings:
        """The settings of this function.

        Raises:
            KeyError: a variable is missing; its name.
        """
        return cls(
            function_name=os.environ["SLACK_FUNCTION_NAME"],
            function_region=os.environ["SLACK_FUNCTION_REGION"],
            channel=os.environ["SLACK_CHANNEL"],
            username=os.environ["SLACK_USERNAME"],
            icon_emoji=os.environ["SLACK_ICON_EMOJI"],
            color=os.environ["SLACK_COLOR"],
        )
