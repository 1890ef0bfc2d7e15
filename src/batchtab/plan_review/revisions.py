"""The revisions of job definitions that jobs run with, where Terraform deployed others."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchtab.errors import UsageError

_FILE = "revisions.json"
_NAMED = 5


@dataclass(frozen=True)
class Mismatch:
    """A job that runs with another revision than Terraform deployed.

    Jobs are submitted by the definition's name, so the newest ACTIVE revision runs; Terraform looks at its own only.

    Attributes:
        definition: The job definition's name.
        deployed: The revision in Terraform's state.
        runs: The newest ACTIVE revision; None if no revision is ACTIVE.
        newer: All ACTIVE revisions above the deployed one, newest first; none where that one is not ACTIVE itself,
            as it would not run without them either.
    """

    job: str
    definition: str
    region: str
    deployed: int
    runs: int | None
    newer: tuple[int, ...]

    @property
    def what(self) -> str:
        """What runs and what was deployed."""
        if not self.runs:
            return f"cannot run, as no revision is ACTIVE; Terraform deployed revision {self.deployed}"
        if self.newer:
            return f"runs revision {self.runs}; Terraform deployed revision {self.deployed}"
        return f"runs revision {self.runs}; revision {self.deployed}, which Terraform deployed, is not ACTIVE"

    @property
    def command(self) -> str:
        """The first step to run the deployed revision; empty if that one is not ACTIVE, and so would not run."""
        if not self.newer:
            return ""
        return (
            "aws batch deregister-job-definition"
            f" --job-definition {self.definition}:{self.newer[0]} --region {self.region}"
        )

    @property
    def otherwise(self) -> str:
        """What helps beside the command, or in its place."""
        if not self.newer:
            return "batchtab plan --all shows how batchtab deploy registers it again"
        more = [str(revision) for revision in self.newer[1:_NAMED]]
        more += [f"{len(self.newer) - _NAMED} more"] if len(self.newer) > _NAMED else []
        return (f"likewise {', '.join(more)}; " if more else "") + "or deploy a change of the job"

    def __str__(self) -> str:
        helps = ", ".join(filter(None, (self.command, self.otherwise)))
        return f"{self.job} {self.what} [hint: {helps}]"


@dataclass(frozen=True)
class Revisions:
    """What a look at the jobs' revisions found; `batchtab plan --out` writes it beside the plans.

    Attributes:
        mismatches: The jobs that run with another revision than Terraform deployed.
        unknown: Why that could not be looked at; empty if it could.
    """

    mismatches: tuple[Mismatch, ...] = ()
    unknown: str = ""

    @classmethod
    def compare(
        cls, deployed: Mapping[str, int], active: Mapping[str, Sequence[int]], *, prefix: str, region: str
    ) -> Revisions:
        """Compares what Terraform deployed with what is ACTIVE.

        Args:
            deployed: The revision of each job definition in Terraform's states.
            active: The ACTIVE revisions of each.
            prefix: What the names of the stage begin with.
            region: Of the stage.
        """
        found = []
        for name, revision in deployed.items():
            there = sorted(active.get(name, ()), reverse=True)
            runs = there[0] if there else None
            if runs != revision:
                newer = tuple(each for each in there if each > revision) if revision in there else ()
                found.append(Mismatch(name.removeprefix(f"{prefix}-"), name, region, revision, runs, newer))
        return cls(tuple(found))

    @classmethod
    def load(cls, folder: Path) -> Revisions:
        """Reads a folder's file; nothing was found where it has none.

        Raises:
            UsageError: it is something else.
        """
        path = folder / _FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            mismatches = tuple(Mismatch(**{**each, "newer": tuple(each["newer"])}) for each in content["mismatches"])
            return cls(mismatches, str(content["unknown"]))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError):
            raise UsageError(f"{path}: is not what batchtab plan --out writes", "plan again") from None

    def write(self, folder: Path) -> None:
        """Writes the file."""
        (folder / _FILE).write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    def lines(self) -> list[str]:
        """A line for each job, and one on what could not be looked at."""
        unknown = [f"It could not be looked at which revisions the jobs run with: {self.unknown}"]
        return [*map(str, self.mismatches), *(unknown if self.unknown else ())]
