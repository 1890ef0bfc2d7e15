"""The report of an upgrade: what happened to each file, what changed for users, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from batchtab.project.changelog import changes_between, wrapped
from batchtab.project.upgrade import Action, Upgrade

WIDTH = 80
_DID = {
    Action.WRITE: ("written", "would be written"),
    Action.LEAVE: ("left", "would be left"),
    Action.SKIP: ("left out", "would be left out"),
    Action.RETIRE: ("unused", "unused"),
}


def report(upgrade: Upgrade, *, dry_run: bool = False) -> str:
    """The report for a terminal; one line if the upgrade changes nothing.

    Args:
        upgrade: The upgrade, applied or not.
        dry_run: Whether it was not applied.
    """
    if not upgrade.is_needed:
        return f"batchtab: nothing to do: this project is of version {upgrade.before.version}"
    return "\n".join((*_files(upgrade, dry_run), *_changes(upgrade), *_next(upgrade, dry_run)))


def _files(upgrade: Upgrade, dry_run: bool) -> Iterator[str]:
    old, new = upgrade.before.version, upgrade.after.version
    yield f"This project {'would go' if dry_run else 'went'} from version {old} to {new}."
    yield ""
    for step in upgrade.steps:
        yield f"{step.path}: {_DID[step.action][dry_run]} ({step.reason})"
    if not upgrade.steps:
        yield "No file but batchtab-project.json changes."
    for step in upgrade.steps:
        if step.diff:
            yield ""
            yield f"{step.path} is yours. Apply by yourself what you want of this:"
            yield ""
            yield step.diff


def _changes(upgrade: Upgrade) -> Iterator[str]:
    changes = changes_between(upgrade.before.version, upgrade.after.version)
    if changes:
        yield ""
        yield "What changed for users:"
        yield ""
        yield wrapped(changes, WIDTH)


def _next(upgrade: Upgrade, dry_run: bool) -> Iterator[str]:
    yield ""
    if dry_run:
        yield "Nothing was written. Without --dry-run, it is."
        return
    yield "What comes next:"
    yield ""
    yield "  git diff"
    yield "  pip install . && batchtab setup      # or: uv sync && batchtab setup"
    yield "  batchtab check"
    for stage in upgrade.before.answers.stages:
        yield f"  batchtab plan --stage {stage}"
