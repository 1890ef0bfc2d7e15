"""Whose keys a local stage's commands use."""

from __future__ import annotations

import pytest

from batchtab.local_keys import local_keys

OWN = {"AWS_ACCESS_KEY_ID": "ASIA1", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OWN.items():
        monkeypatch.setenv(name, value)


def test_the_keys_of_a_shell_are_not_for_local_aws() -> None:
    # GIVEN a shell with keys of an account on AWS
    # THEN they stay there
    assert local_keys() == {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def test_a_role_can_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN keys of a role in local AWS, and the word that they are meant for it
    monkeypatch.setenv("BATCHTAB_LOCAL_CREDENTIALS", "environment")
    # THEN they are used, with their session's token
    assert local_keys() == OWN
