from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.github import fake_github
from tests.unit.github.fake_gh import FakeGh
from tests.unit.github.fake_github import REPOSITORY, TOKEN, FakeGitHub


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGh:
    """A `gh` that knows the repository my-company/jobs, and nothing else yet."""
    folder = tmp_path / "gh"
    folder.mkdir()
    made = FakeGh(folder)
    made.install()
    made.answer(
        **{"GET repos/my-company/jobs": {"full_name": "my-company/jobs", "id": 456789, "owner": {"id": 123456}}}
    )
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return made


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
