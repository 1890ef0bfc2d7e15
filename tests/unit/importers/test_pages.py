"""The pages on imports: the command makes of a page's source what the page shows.

A block behind `<!-- source: NAME -->` is a file; one behind `<!-- result: NAME -->` is a file that the page's command
writes, and one behind `<!-- result: output -->` is what it prints.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.doc_blocks import Clock, is_shown

from batchtab.cli.main import main
from batchtab.cli.setup import import_jobs

DOCS = Path(__file__).resolve().parents[3] / "docs"
#: The page on `aws` needs an account: test_aws_account.py has one.
PAGES = sorted(page for page in DOCS.glob("import-*.md") if page.name != "import-aws.md")
_MARKED = re.compile(r"<!-- (source|result): (\S+) -->\n+(`{3,})\w*\n(.*?)^\3$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^(?:\$ )?(batchtab import .*)$", re.MULTILINE)
_SKIPPED = 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_what_its_command_makes(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the files of the page
    text = page.read_text(encoding="utf-8")
    marked = _MARKED.findall(text)
    for kind, name, _, content in marked:
        if kind == "source":
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(import_jobs, "datetime", Clock)
    # WHEN its first command runs
    command = _COMMAND.search(text)
    assert command is not None
    status = main(shlex.split(command[1])[1:])
    printed = capsys.readouterr()
    assert status in {0, _SKIPPED}, printed.err
    # THEN it makes what the page shows
    shown = [(name, content) for kind, name, _, content in marked if kind == "result"]
    assert "jobs.yaml" in dict(shown)
    for name, content in shown:
        if name == "output":
            assert is_shown(content, printed.out + printed.err), printed.out + printed.err
        else:
            (found,) = (tmp_path / "jobs").glob(f"*/{name}")
            assert content == found.read_text(encoding="utf-8"), found.read_text(encoding="utf-8")
