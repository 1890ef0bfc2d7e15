"""The pages in docs/reference are those of the tables of fields, and have every field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools import reference_pages

import batchtab
from batchtab.cli.commands import CI, COMMANDS
from batchtab.declarations.service import ServiceFile
from batchtab.declarations.stage import StageFile

PAGES = {path.stem: path for path in reference_pages.FILES}


@pytest.mark.parametrize("path", reference_pages.FILES, ids=lambda path: str(path.stem))
def test_a_page_is_what_the_tables_say(path: Path) -> None:
    # GIVEN a committed page
    written = path.read_text(encoding="utf-8")
    # WHEN it is made anew THEN it is the same
    assert written == reference_pages.FILES[path](), "run `make modules`"


def properties(schema: dict[str, Any]) -> Iterator[str]:
    """All names of fields in a JSON Schema."""
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {})


@pytest.mark.parametrize(("page", "model"), [("jobs", ServiceFile), ("stages", StageFile)])
def test_a_page_has_every_field_of_its_file(page: str, model: Any) -> None:
    # GIVEN the fields that an editor offers
    fields = set(properties(model.model_json_schema()))
    # THEN each has a line
    lines = re.findall(r"^\| `(\w+)` \|", PAGES[page].read_text(encoding="utf-8"), re.MULTILINE)
    assert set(lines) == fields


@pytest.mark.parametrize("page", PAGES)
def test_a_link_within_a_page_leads_to_a_heading(page: str) -> None:
    text = PAGES[page].read_text(encoding="utf-8")
    headings = {
        re.sub(r"[`,.]", "", name).lower().replace(" ", "-") for name in re.findall(r"^## (.*)$", text, re.MULTILINE)
    }
    # GIVEN links from one table to another THEN each heading is there
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def test_a_line_says_all_that_a_field_declares() -> None:
    text = PAGES["jobs"].read_text(encoding="utf-8")
    (line,) = re.findall(r"^\| `ephemeral_storage_gib` .*$", text, re.MULTILINE)
    # GIVEN a field with a unit, a limit, a default in words, a place and a page at AWS THEN all are said
    for words in ("whole number, GiB", "21 to 200", "on Fargate", "Default: 20.", "API_EphemeralStorage.html"):
        assert words in line
    (line,) = re.findall(r"^\| `start` .*$", text, re.MULTILINE)
    assert "one job, with `schedule`" in line


def test_every_command_and_every_public_name_has_its_heading() -> None:
    # GIVEN the commands, and what `from batchtab import …` finds
    commands = {each.name for each in COMMANDS} | {f"ci {each.name}" for each in CI} | {"alerts list", "alerts redrive"}
    # THEN each has a heading, and there are no others
    found = re.findall(r"^### `([^`]+)`$", PAGES["cli"].read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(found) == sorted(f"batchtab {name}" for name in commands)
    found = re.findall(r"^### `([^`]+)`$", PAGES["python"].read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(found) == sorted(batchtab.__all__)


def test_a_command_is_shown_with_all_that_its_help_says() -> None:
    # GIVEN a command with an argument, a choice, a default and a variable
    text = PAGES["cli"].read_text(encoding="utf-8").partition("### `batchtab ps`\n")[2].partition("\n### ")[0]
    # THEN its page has them
    assert "```text\nbatchtab ps [OPTIONS] [job]\n```" in text
    assert "| `job <str>` | A job, as JOB or SERVICE-JOB. Default: all. |" in text
    assert "| `-o, --output <table\\|wide\\|json\\|yaml\\|name>` | " in text
    assert "[env var: BATCHTAB_STAGE; default: local]" in text


def test_a_name_is_shown_with_how_it_is_called_and_what_it_raises() -> None:
    text = PAGES["python"].read_text(encoding="utf-8").partition("#### `Schedule.cron`\n")[2].partition("\n#### ")[0]
    # GIVEN a method THEN its arguments, their types, defaults and meanings, and its errors are said
    assert "    hour: int | str = '*',\n" in text
    assert "- `day_of_month`: 1 to 31, `L` or `15W`; not together with `day_of_week`." in text
    assert "**Raises**\n\n- `ValueError`: Both days are given." in text
