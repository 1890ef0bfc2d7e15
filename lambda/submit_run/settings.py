"""The function's settings, from its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Where the runs are kept, and for how long."""

    table: str
    namespace: str
    history_days: int

    @classmethod
    def from_environment(cls) -> Settings:
        """Reads `RUNS_TABLE`, `RUNS_NAMESPACE` and `RUNS_HISTORY_DAYS`.

        Raises:
            KeyError: the table's name is missing.
        """
        return cls(
            os.environ["RUNS_TABLE"],
            os.environ.get("RUNS_NAMESPACE", ""),
            int(os.environ.get("RUNS_HISTORY_DAYS", "90")),
        )
