"""Writes the requirements of jobs with credentials: `requirements/dev.txt` without packages for checks and synth only.

`python tools/cli_requirements.py` writes the two files; a test compares them.
"""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "dev.txt"
#: The file, and its packages besides the dependencies: a checkout builds the package, a project does not.
FILES = {
    "requirements/cli.txt": ("hatchling", "editables"),
    "src/batchtab/project/templates/requirements.txt.tmpl": (),
}
HEADS = (
    "# Written by tools/cli_requirements.py from dev.txt: what plans and deploys, and nothing else.\n",
    "# What Batchtab needs to plan and to deploy. The workflows install just this, by hash, where credentials are.\n"
    "# `batchtab upgrade` keeps it up to date.\n",
)


def closure(names: tuple[str, ...]) -> set[str]:
    """Packages with their dependencies, by normalized name."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = normalized(waiting.pop())
        if name in found:
            continue
        found.add(name)
        for text in requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return found


def normalized(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def contents() -> dict[str, str]:
    """The files by their paths."""
    blocks = {normalized(block.partition("==")[0]): block for block in re.split(r"\n(?=\S)", LOCK.read_text().strip())}
    made = {}
    for head, (path, more) in zip(HEADS, FILES.items(), strict=True):
        names = closure(("batchtab", *more)) - {"batchtab"}
        if missing := names - blocks.keys():
            raise KeyError(f"{LOCK.name} has no {', '.join(sorted(missing))}")
        made[path] = head + "\n".join(blocks[name] for name in sorted(names)) + "\n"
    return made


if __name__ == "__main__":
    for path, text in contents().items():
        (ROOT / path).write_text(text)
