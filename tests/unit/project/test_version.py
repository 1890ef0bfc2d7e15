from __future__ import annotations

from itertools import pairwise

import pytest

from batchtab.project.version import Version, installed


def test_versions_have_an_order() -> None:
    ordered = ["0.2.0.dev1", "0.2.0a1", "0.2.0b1", "0.2.0rc1", "0.2.0rc2", "0.2.0", "0.2.0.post1", "0.9", "0.10", "1"]
    versions = [Version.parse(text) for text in ordered]
    assert all(earlier < later for earlier, later in pairwise(versions))


def test_zeros_at_the_end_and_the_build_make_no_difference() -> None:
    assert Version.parse("1.0") == Version.parse("v1") == Version.parse("1.0.0+g1a2b3c")


@pytest.mark.parametrize("text", ["", "x", "1.x", "1..2", "1.0 beta"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        Version.parse(text)


def test_the_installed_version_is_one() -> None:
    assert Version.parse(installed()) > Version.parse("0")
