from __future__ import annotations

from pathlib import Path

import pytest

from batchtab.project import changelog
from batchtab.project.changelog import changes_between, wrapped

TEXT = """# Changelog

Intro.

## Unreleased

- Nothing yet.

## [0.10.0] - 2027-01-02

- Ten.

## 0.3.0 (2026-12-24)

- Three.
- **Changed:** more.

## 0.2.0

- Two.

## Notes

Not a version.
"""


def test_only_the_versions_after_the_old_one_up_to_the_new_one() -> None:
    assert changes_between("0.2.0", "0.3.0", TEXT) == "## 0.3.0 (2026-12-24)\n\n- Three.\n- **Changed:** more."
    assert [line for line in changes_between("0.1.0", "1.0.0", TEXT).splitlines() if line.startswith("##")] == [
        "## [0.10.0] - 2027-01-02",
        "## 0.3.0 (2026-12-24)",
        "## 0.2.0",
    ]
    assert changes_between("0.3.0", "0.3.0", TEXT) == ""
    assert changes_between("0.3.0", "0.2.0", TEXT) == ""


def test_a_candidate_comes_before_its_release() -> None:
    assert "Three" in changes_between("0.3.0rc1", "0.3.0", TEXT)


def test_the_changelog_of_this_checkout_is_found() -> None:
    root = Path(__file__).resolve().parents[3]
    assert changelog.read() == (root / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_copy_in_the_package_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "CHANGELOG.md").write_text("## 9.0\n\n- Nine.\n")
    monkeypatch.setattr(changelog, "files", lambda _: tmp_path)
    assert changes_between("8", "9") == "## 9.0\n\n- Nine."


def test_lines_are_wrapped_for_a_terminal() -> None:
    text = f"## 0.3.0\n\n- {'word ' * 30}\n  goes on\n  - below\n- short\n\nA paragraph\nof two lines.\n\n{'x' * 90}"
    lines = wrapped(text, 80).splitlines()
    assert max(map(len, lines)) == 90  # a word that is longer stays whole
    assert lines[:2] == ["## 0.3.0", ""]
    assert [line for line in lines if line.startswith("- ")] == [lines[2], "- short"]
    assert lines[3].startswith("  word")
    assert "  - below" in lines
    assert "A paragraph of two lines." in lines
