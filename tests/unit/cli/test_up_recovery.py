"""What `up` does after a deployment that failed, and after one that was killed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from batchtab.cli.machine import up
from batchtab.errors import UsageError
from batchtab.terraform.session import Session


class _Aws:
    def __init__(self, locks: dict[str, Any]) -> None:
        self.locks = locks

    def state(self, _bucket: str, _stage: str, _stack: str) -> None:
        return None

    def lock(self, _bucket: str, _stage: str, stack: str) -> Any:
        return self.locks.get(stack)

    def clear_lock(self, _bucket: str, _stage: str, stack: str) -> None:
        del self.locks[stack]


class _Daemon:
    port = 4566

    def __init__(self) -> None:
        self.stops = 0

    def start(self) -> bool:
        return True

    def stop(self) -> bool:
        self.stops += 1
        return True

    def health(self, *_: float) -> dict[str, int]:
        return {"pid": self.stops}


class _Stacks:
    log = Path("terraform.log")
    providers = SimpleNamespace(close=lambda: None)

    def __init__(self, said: str) -> None:
        self._said = said

    def synthesize(self) -> None: ...

    def failure_text(self) -> str:
        return self._said


@pytest.fixture
def session(project: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr("batchtab.cli.machine.up.make_bucket", lambda *_: [])
    monkeypatch.setattr("batchtab.cli.machine.up.Aws", lambda *_: _Aws({}))
    return Session.open("local", project)


def deploy(monkeypatch: pytest.MonkeyPatch, *failures: str) -> list[int]:
    """Lets the next deployments fail so; returns a list that grows with each."""
    calls: list[int] = []

    def run(*_: object) -> None:
        calls.append(1)
        if len(calls) <= len(failures):
            raise UsageError(failures[len(calls) - 1])

    monkeypatch.setattr("batchtab.cli.machine.up.Applying.run", run)
    monkeypatch.setattr("batchtab.cli.machine.up.Planning", lambda *_: None)
    monkeypatch.setattr("batchtab.cli.machine.up.States", lambda *_: None)
    return calls


def start(session: Session, daemon: _Daemon, stacks: _Stacks, aws: _Aws) -> bool:
    return up._bring_up(session, daemon, stacks, aws)  # type: ignore[arg-type]


def test_a_name_that_is_taken_is_sent_and_nothing_is_wiped(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a deployment that fails by itself, with words that a killed one would leave too
    deploy(monkeypatch, "Role already exists")
    daemon = _Daemon()
    # WHEN `up` deploys
    with pytest.raises(UsageError, match="already exists"):
        start(session, daemon, _Stacks("EntityAlreadyExists"), _Aws({}))
    # THEN local AWS goes on, and the next run does not take it for a killed one
    assert daemon.stops == 0
    assert not up._was_cut(session)


def test_after_a_kill_what_no_state_knows_makes_local_aws_start_anew(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a run that was killed, and left a resource that no state knows
    (session.state / "deploying-local").write_text("1")
    calls = deploy(monkeypatch, "Role already exists")
    daemon = _Daemon()
    # WHEN `up` runs again
    assert start(session, daemon, _Stacks("EntityAlreadyExists"), _Aws({}))
    # THEN it says so, starts local AWS anew and deploys once more
    assert "local AWS starts again, empty" in capsys.readouterr().err
    assert (daemon.stops, len(calls)) == (1, 2)


def test_after_a_kill_another_failure_is_sent_as_it_is(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    (session.state / "deploying-local").write_text("1")
    deploy(monkeypatch, "AccessDenied")
    daemon = _Daemon()
    with pytest.raises(UsageError, match="AccessDenied"):
        start(session, daemon, _Stacks("AccessDenied"), _Aws({}))
    assert daemon.stops == 0
