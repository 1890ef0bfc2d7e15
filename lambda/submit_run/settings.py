"""What the function's environment says."""

from __future__ import annotations

import os
from typing import NamedTuple


class Settings(NamedTuple):
    """Where runs are remembered, under which namespace they are counted, and for how long they are kept."""

    table: str
    namespace: str
    history_days: int

    @classmethod
    def read(cls) -> Settings:
        """The settings of this function.

        Raises:
            KeyError: a variable is missing; its name.
        """
        return cls(os.environ["RUNS_TABLE"], os.environ["RUNS_NAMESPACE"], int(os.environ["RUNS_HISTORY_DAYS"]))
