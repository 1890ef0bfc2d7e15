"""What stages of one account must not share: the beginnings of names, and the repositories that they make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from batchtab.declarations.diagnostics import Diagnostic
from batchtab.declarations.stage import StageConfig, read_stage
from batchtab.declarations.yaml_file import Document


def problems(root: Path, known: Sequence[str], asked: set[str]) -> Iterator[Diagnostic]:
    """What two stages of one account cannot both have.

    Args:
        root: The project.
        known: All stages of the project.
        asked: Those that are looked at: a pair without one of them is left out.
    """
    read = [read_stage(root / "config" / f"{name}.yaml") for name in known]
    stages = [
        (stage, document, invalid_fields)
        for stage, document, _, invalid_fields in read
        if stage is not None and not stage.is_local and "account_id" not in invalid_fields
    ]
    for number, (one, document, invalid) in enumerate(stages):
        for place, (other, _, others_invalid) in enumerate(stages):
            if place == number or one.account_id != other.account_id or not {one.name, other.name} & asked:
                continue
            faulty = invalid | others_invalid
            if "namespace" not in faulty:
                yield from _alike_problems(one, document, other)
            if place < number and not faulty & {"repositories", "region"}:
                yield from _repository_problems(one, document, other)


def _alike_problems(longer: StageConfig, document: Document, shorter: StageConfig) -> Iterator[Diagnostic]:
    """Names that continue another stage's name: its roles recognize their resources by such names."""
    if f"{longer.prefix}-".startswith(f"{shorter.prefix}-"):
        text = (
            f"is the account of stage {shorter.name} too, and names of this stage begin like that one's:"
            f" {longer.prefix} and {shorter.prefix}"
        )
        hint = "another account, another namespace, or a name that does not continue after a '-'"
        yield document.problem(("account_id",), text, value=longer.account_id, hint=hint)


def _repository_problems(stage: StageConfig, document: Document, other: StageConfig) -> Iterator[Diagnostic]:
    """Repositories of one name, and a region has only one: the deployment of either stage would change the other's."""
    for index, name in enumerate(stage.repositories):
        if stage.region == other.region and name in other.repositories:
            text = f"is made by stage {other.name} in this account and region too"
            hint = "leave it out here and only pull from it, or rename it"
            yield document.problem(("repositories", index), text, value=name, hint=hint)
