"""Tags that AWS takes."""

from __future__ import annotations

import pytest

from batchtab.local_aws.tag_rules import fault


@pytest.mark.parametrize(
    "tags",
    [{}, {"a": ""}, {"team:name/x": "a.b_c=d+e-f@g h"}, {"팀": "데이터 1"}, {"x" * 128: "y" * 256}, {"my aws:": "x"}],
)
def test_tags_are_taken(tags: dict[str, str]) -> None:
    assert fault(tags) is None


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"aws:x": "a"}, "must not start with aws:"),
        ({"AWS:x": "a"}, "must not start with aws:"),
        ({"": "a"}, "1 to 128"),
        ({"x" * 129: "a"}, "1 to 128"),
        ({"x": "y" * 257}, "at most 256"),
        *(({"owner": f"Doe{letter} Jane"}, "regular expression") for letter in ",#()[]*!🚀"),
        ({"a,b": "x"}, "regular expression"),
    ],
)
def test_tags_are_not_taken(tags: dict[str, str], message: str) -> None:
    found = fault(tags)
    assert found is not None
    assert (found[0], message in found[1]) == (next(iter(tags)), True)
