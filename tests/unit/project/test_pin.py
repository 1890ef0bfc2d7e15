from __future__ import annotations

import pytest

from batchtab.project.pin import pinned, repin


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"batchtab[synth]==0.2.0"', '"batchtab[synth]==0.3.0"'),
        ("'batchtab==0.2.0'", "'batchtab==0.3.0'"),
        ('"batchtab[synth, cdktn] == 0.2.0rc1"', '"batchtab[synth, cdktn] == 0.3.0"'),
        ("\"batchtab==0.2.0; python_version > '3.11'\"", "\"batchtab==0.3.0; python_version > '3.11'\""),
        ('["boto3==1.40", "batchtab==0.2.0"]', '["boto3==1.40", "batchtab==0.3.0"]'),
    ],
)
def test_only_the_version_of_a_pin_changes(old: str, new: str) -> None:
    text = f"[project]\r\n# pins \"batchtab==0.1.0\"\nname = 'x'\ndependencies = [{old}]  # keep\n"
    assert repin(text, "0.3.0") == text.replace(old, new)
    assert pinned(text) in (["0.2.0"], ["0.2.0rc1"])


@pytest.mark.parametrize("other", ['"batchtab>=0.2"', '"my-batchtab==0.2.0"', '"batchtab==0.2.*"', '"batchtab"', ""])
def test_what_is_no_pin_stays(other: str) -> None:
    assert repin(f"dependencies = [{other}]", "0.3.0") == f"dependencies = [{other}]"
    assert pinned(f"dependencies = [{other}]") == []
