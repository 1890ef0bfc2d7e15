"""Local AWS starts from a snapshot of its own kind only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchtab.local_aws.config import Config
from batchtab.local_aws.errors import UserError
from batchtab.local_aws.snapshot import file

CONFIG = Config(account_id="123456789012", region="eu-west-1")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batchtab_snapshot": 0}, "its batchtab_snapshot is 0, and this local AWS needs 1"),
        ({"ministack": "1.0.0"}, "its ministack is '1.0.0'"),
        ({"account_id": "999999999999"}, "its account_id is '999999999999'"),
        ({"region": "us-east-1"}, "its region is 'us-east-1'"),
    ],
)
def test_snapshot_of_another_kind_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(file.kind(CONFIG) | change))
    with pytest.raises(UserError) as caught:
        file.read(path, CONFIG)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_snapshot_of_the_same_kind_is_read(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps({**file.kind(CONFIG), "port": 4566}))
    assert file.read(path, CONFIG)["port"] == 4566


@pytest.mark.parametrize("content", ["{}", "[]", "text"])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(content)
    with pytest.raises(UserError, match="is no snapshot of local AWS"):
        file.read(path, CONFIG)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        file.read(tmp_path / "none.json", CONFIG)
