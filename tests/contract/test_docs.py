"""What the pages say of the project is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_TRACKED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
PAGES = sorted(_TRACKED.split()) or sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_a_link_leads_to_a_file(page: str) -> None:
    # GIVEN a page, without what stands in code
    path = ROOT / page
    text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    # THEN each relative link in it leads to a file or folder of the project
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_a_make_target_that_a_page_names_is_there() -> None:
    # GIVEN the targets
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        # THEN every `make …` in a page is one
        for name in re.findall(r"`make ([a-z][a-z-]+)", (ROOT / page).read_text(encoding="utf-8")):
            assert name in targets, (page, name)


def test_a_command_that_a_page_names_is_there() -> None:
    # GIVEN the commands
    from batchtab.cli.commands import CI, COMMANDS  # noqa: PLC0415

    known = {command.name for command in COMMANDS} | {f"ci {command.name}" for command in CI}
    for page in PAGES:
        # THEN every `batchtab …` in a page is one
        text = (ROOT / page).read_text(encoding="utf-8")
        for name in re.findall(r"`(?:\.venv/bin/)?batchtab ((?:ci )?[a-z][a-z-]+)", text):
            assert name in known, (page, name)


def test_the_way_from_a_copy_of_the_first_version_ends_where_init_begins() -> None:
    # GIVEN how a new project runs the shared image without a container engine
    template = ROOT / "src" / "batchtab" / "project" / "templates" / "local.yaml.tmpl"
    (entrypoint,) = re.findall(r"entrypoint: (\[.*?\])", template.read_text(encoding="utf-8"))
    # THEN both pages that say how to move from 0.1 name it
    guide = (ROOT / "docs" / "platform-engineers.md").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert entrypoint in guide.partition("## From a copy of 0.1\n")[2].partition("\n## ")[0]
    assert entrypoint in changes.partition("## 0.2.0\n")[2].partition("\n## ")[0]
