from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.github import fake_github
from tests.unit.github.fake_github import REPOSITORY, TOKEN, FakeGitHub


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeGitHub]:
    with fake_github.running() as running:
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 7}}))
        for name, value in {
            "GITHUB_API_URL": running.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_SHA": "abc123",
        }.items():
            monkeypatch.setenv(name, value)
        yield running
