"""The pages in docs/reference are those of the tables of fields, and have every field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools import reference_pages

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
