"""Values of ministack go into a snapshot's JSON and come back exactly."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchtab.local_aws.snapshot.values import UnknownValueError, Values


class Scoped:
    """As ministack's dicts by account."""

    def __init__(self) -> None:
        self._data: dict[Any, Any] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scoped) and self._data == other._data

    __hash__ = None


VALUES = Values({"account": Scoped})
KEYS = st.text() | st.integers() | st.tuples(st.text(), st.text()) | st.sampled_from(["$bytes", "$dict"])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
SETS = st.sets(st.text() | st.integers())
ANY = st.recursive(
    PLAIN
    | SETS
    | st.datetimes(timezones=st.just(UTC), allow_imaginary=False).map(lambda moment: moment.replace(fold=0)),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.lists(inner).map(tuple),
    max_leaves=20,
)


def there_and_back(value: Any) -> Any:
    return VALUES.decode(json.loads(json.dumps(VALUES.encode(value))))


@given(ANY)
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    assert there_and_back(value) == value


def test_dicts_by_account_come_back_with_their_keys() -> None:
    scoped = Scoped()
    scoped._data = {("123456789012", "eu-west-1", ("bucket", "key")): {"body": b"\0\xff", "at": datetime.now(UTC)}}
    back = there_and_back({"objects": scoped, 1: True})
    assert back == {"objects": scoped, 1: True}
    assert type(back["objects"]) is Scoped


def test_value_without_a_form_is_refused_by_its_type() -> None:
    with pytest.raises(UnknownValueError, match=r"builtins\.object"):
        VALUES.encode({"a": [object()]})
