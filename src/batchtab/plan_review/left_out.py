"""The stacks that a plan leaves out, because their files and inputs are those applied last."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batchtab.errors import UsageError

_FILE = "left-out.json"


def by_reason(stacks: Mapping[str, str]) -> dict[str, list[str]]:
    """The stacks that were not planned, by the reason."""
    found: dict[str, list[str]] = {}
    for stack, reason in stacks.items():
        found.setdefault(reason, []).append(stack)
    return found


@dataclass(frozen=True)
class LeftOut:
    """What `batchtab plan --out` writes beside the plans.

    Attributes:
        namespace: Of the stage, for the title where no stack is planned at all.
        stacks: Why each stack was not planned.
    """

    namespace: str = ""
    region: str = ""
    account_id: str = ""
    stacks: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> LeftOut | None:
        """Reads a folder's file; None if it has none.

        Raises:
            UsageError: it is something else.
        """
        path = folder / _FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(content["namespace"], content["region"], content["account_id"], dict(content["stacks"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise UsageError(f"{path}: is not what batchtab plan --out writes", "plan again") from None

    def write(self, folder: Path) -> None:
        """Writes the file."""
        text = json.dumps(dataclasses.asdict(self), indent=1) + "\n"
        (folder / _FILE).write_text(text, encoding="utf-8")
