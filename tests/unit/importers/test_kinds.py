"""Each kind of source has an importer, a page, and ten sources that others wrote."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from batchtab.importers.kinds import KINDS, Kind

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "importers"
SOURCES = 10


@pytest.mark.parametrize("kind", KINDS, ids=[each.name for each in KINDS])
def test_it_has_an_importer_and_a_page(kind: Kind) -> None:
    assert callable(importlib.import_module(f"batchtab.importers.kinds.{kind.module}").read)
    page = ROOT / "docs" / f"import-{kind.name}.md"
    assert f"batchtab import {kind.name}" in page.read_text(encoding="utf-8")
    assert f"(import-{kind.name}.md)" in (ROOT / "docs" / "import.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [each.name for each in KINDS if each.name != "aws"])
def test_it_is_tried_on_sources_that_others_wrote(kind: str) -> None:
    numbers = {found[0] for path in (FIXTURES / kind).iterdir() if (found := re.match("[0-9]{2}", path.name))}
    assert len(numbers) >= SOURCES
