"""What the pages say of the project is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.contract.test_imports import ALLOWED

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


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them; of equal ones the first."""
    text = re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_a_link_to_a_heading_leads_to_one(page: str) -> None:
    # GIVEN the links of a page to headings of Markdown files
    path = ROOT / page
    text = re.sub(r"^(`{3,}).*?^\1$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+#[^)\s]+|#[^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if not re.match(r"[a-z]+:", target) and (not file or file.endswith(".md")):
            # THEN each heading is there
            assert anchor in anchors(path.parent / file if file else path), target


def test_the_decisions_are_numbered_without_gaps_and_all_are_listed() -> None:
    # GIVEN the pages of decisions, in order
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    titles = {page.name: page.read_text(encoding="utf-8").partition("\n")[0] for page in pages}
    # THEN their numbers are 1, 2, 3 … in names and titles
    numbers = [f"{number:04}" for number in range(1, len(pages) + 1)]
    assert [page.name[:5] for page in pages] == [f"{number}-" for number in numbers]
    assert [title[:8] for title in titles.values()] == [f"# {number}: " for number in numbers]
    # AND the list names each by its title
    listed = re.findall(r"^- \[(\d{4})\]\((\S+)\): (.*)$", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted((name, f"# {number}: {title}") for number, name, title in listed) == sorted(titles.items())


def test_the_table_of_imports_is_the_one_that_is_checked() -> None:
    # GIVEN the parts in the table of CONTRIBUTING.md, and what each may import
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition("| may import |\n")[2].partition("\n\n")[0]
    said: dict[str, set[str]] = {}
    for names, _, imports in re.findall(r"^\| (.*?) \| (.*?) \| (.*) \|$", table, re.MULTILINE):
        for name in re.findall(r"`(\w+)(?:\.py|/)", names):
            if imports not in {"the same", "all"}:
                said[name] = set(re.findall(r"`(\w+)`", imports))
    # THEN they are those of the test
    assert said == ALLOWED


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_way_from_a_copy_of_the_first_version_ends_where_init_begins() -> None:
    # GIVEN how a new project runs the shared image without a container engine
    template = ROOT / "src" / "batchtab" / "project" / "templates" / "local.yaml.tmpl"
    (entrypoint,) = re.findall(r"entrypoint: (\[.*?\])", template.read_text(encoding="utf-8"))
    # THEN both pages that say how to move from 0.1 name it
    guide = (ROOT / "docs" / "platform-engineers.md").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert entrypoint in guide.partition("## From a copy of 0.1\n")[2].partition("\n## ")[0]
    assert entrypoint in changes.partition("## 0.2.0 ")[2].partition("\n## ")[0]
