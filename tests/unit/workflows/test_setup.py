"""`make setup-cli` installs by hash, and nothing that has to be built first."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def installations(lock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that install requirements, where uv does not reach the index and pip is asked too."""
    spec = importlib.util.spec_from_file_location("checkout_setup", ROOT / "tools" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    setup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(setup)
    commands: list[tuple[str, ...]] = []

    def run(what: str, *command: str | Path) -> None:
        commands.append(tuple(map(str, command)))
        if what == "Python packages":
            raise setup.SetupError(what)

    monkeypatch.setattr(setup, "run", run)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "STATE", tmp_path / "state")
    setup.project(lock)
    return [command for command in commands if "-r" in command]


def test_where_credentials_are_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the packages of jobs that have rights THEN what installs, and they, come by hash and built
    found = installations("cli.txt", tmp_path, monkeypatch)
    assert [Path(command[-1]).name for command in found] == ["uv.txt", "cli.txt", "cli.txt"]
    for command in found:
        assert "--require-hashes" in command
        assert command[command.index("--only-binary") + 1] == ":all:"
    # AND where nothing can be lost, packages may be built
    assert not any("--only-binary" in command for command in installations("dev.txt", tmp_path, monkeypatch))
