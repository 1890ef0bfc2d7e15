"""Text for readers is in plain words: docs/glossary.md has the words we use, this file those we do not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: What is checked. An area is added when it is clean, and then stays clean.
CHECKED = (
    "*.md",
    "docs/*.md",
    "docs/decisions/*.md",
    "benchmarks/*",
    "tools/*.py",
    "Makefile",
    ".github/**/*.md",
    ".github/**/*.yml",
    ".github/CODEOWNERS",
    "lambda/**/*.py",
    "src/batchtab/aws/**/*.py",
    "src/batchtab/cli/**/*.py",
    "src/batchtab/cli/web/static/*",
    "src/batchtab/cli/web/templates/*",
    "src/batchtab/local_aws/**/*.py",
    "src/batchtab/local_aws/README.md",
    "src/batchtab/project/**/*.py",
    "src/batchtab/project/templates/**/*.tmpl",
    "src/batchtab/run_story/*.py",
)
#: Files of these areas that are not clean yet.
NOT_YET: tuple[str, ...] = ()

#: What is not written, and what is written in its place.
PLAIN = {
    r"tells?|told|telling": "print, show, name, report, send",
    r"stands?|standing|stood": "is, is written, appears, means; placeholder",
    r"lies?|lying": "is in, remains in",
    r"by hand": "manually, manual",
    r"mends?|mended|mending": "fix",
    r"holds?|held|holding": "has, contains, applies, is true, keeps",
    r"so many": "a number",
    r"lest": "so that … not",
    r"anew": "again",
    r"excepted": "excluded",
    r"in words(?!\.)": "what it prints",
    r"becomes? of|became of": "the result, the status",
    r"(?:makes?|made|making) up for": "backfill",
    r"lets? go(?: on)?": "release, continue, start",
    r"not to be": "must not",
    r"tak(?:e|es|ing) note": "record",
    r"no longer there": "does not exist, is missing",
    r"brok(?:e|en) off": "interrupted, stopped",
    r"rather twice": "at least once",
}
#: Where such a word is right, with the words around it.
ALLOWED = (
    r"\b(?:holds?|held|holding) (?:a|the|its|no) locks?\b",  # the usual verb of a lock
    r"\bhold, release\b",
    r'"told"|\| told \|',  # a key of the table of alerts
    r'"excepted:?"',  # how records and `why -o json` have an excluded time
    r'["`]held["`]',  # a member of local AWS's faults
    r'(?:\bword|") in words\b',  # Python's
)


def files() -> list[str]:
    """The checked files."""
    found = {path.relative_to(ROOT).as_posix() for glob in CHECKED for path in ROOT.glob(glob) if path.is_file()}
    return sorted(found - set(NOT_YET))


def found(text: str) -> list[str]:
    """What is not plain in a text: its line, the word, and what to write."""
    text = re.sub("|".join(ALLOWED), lambda match: " " * len(match[0]), text, flags=re.IGNORECASE)
    words = []
    for pattern, instead in PLAIN.items():
        spaced = pattern.replace(" ", r"\s+")  # a line may end between two words
        for match in re.finditer(rf"\b(?:{spaced})\b", text, re.IGNORECASE):
            words.append(f"{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}: write {instead}")
    return words


def without_words_of_others(text: str) -> str:
    """The glossary without the last cell of its rows, where it has the words that we do not use."""
    return re.sub(r"\|[^|\n]*\|$", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", files())
def test_a_text_is_in_plain_words(name: str) -> None:
    # GIVEN a text that people read
    text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
    if name == "docs/glossary.md":
        text = without_words_of_others(text)
    # THEN no word in it is one that we do not use
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    ["It tells what changed.", "What\nstands there", "run by\n  hand", "so many runs", "a hold on it", "Told twice"],
)
def test_a_word_that_we_do_not_use_is_found(text: str) -> None:
    assert len(found(text)) == 1


@pytest.mark.parametrize("text", ["told_at", "untold", "a standalone binary", "S3 holds the lock", "standard"])
def test_other_words_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_each_area_has_files() -> None:
    # THEN no area is checked that was moved away, and no exception is for a file that was
    assert [glob for glob in CHECKED if not any(path.is_file() for path in ROOT.glob(glob))] == []
    assert [name for name in NOT_YET if not (ROOT / name).is_file()] == []
