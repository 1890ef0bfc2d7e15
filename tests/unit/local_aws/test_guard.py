from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchtab.local_aws import guard


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_guard_ends_groups_that_are_still_listed_and_removes_the_folder(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    (folder / "deep").mkdir(parents=True)
    guard.main(str(folder), [f"group {sleeper.pid}\n"])
    assert sleeper.wait(timeout=60) == -signal.SIGKILL
    assert not folder.exists()


def test_guard_leaves_groups_that_have_ended_before(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    guard.main(str(tmp_path / "own"), [f"group {sleeper.pid}\n", f"done {sleeper.pid}\n"])
    assert sleeper.poll() is None


def test_guard_finds_what_lives_in_the_folder(tmp_path: Path) -> None:
    # GIVEN a process that has left its group, with its HOME in the folder
    folder = tmp_path / "own"
    process = subprocess.Popen(["sleep", "60"], env={**os.environ, "HOME": f"{folder}/home"}, start_new_session=True)
    other = subprocess.Popen(["sleep", "60"], env={**os.environ, "HOME": str(tmp_path)}, start_new_session=True)
    try:
        deadline = time.monotonic() + 50
        while guard.marked(str(folder)) != [process.pid]:
            assert time.monotonic() < deadline
        # WHEN the guard cleans up
        guard.main(str(folder), [])
        # THEN it has ended that one only
        assert process.wait(timeout=60) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        for each in (process, other):
            each.kill()
            each.wait()


def test_guard_removes_containers_before_it_ends_what_lives_in_the_folder(tmp_path: Path) -> None:
    # GIVEN a process with its HOME in the folder, and an engine that says whether it runs
    folder = tmp_path / "own"
    process = subprocess.Popen(["sleep", "60"], env={**os.environ, "HOME": f"{folder}/home"}, start_new_session=True)
    engine = tmp_path / "docker"
    engine.write_text(
        f"#!/bin/sh\nkill -0 {process.pid} && echo alive >>{tmp_path}/said || echo gone >>{tmp_path}/said\n"
    )
    engine.chmod(0o755)
    try:
        # WHEN the guard cleans up
        guard.main(str(folder), [f"engine {engine}\n"])
        # THEN the engine could count on it
        assert set((tmp_path / "said").read_text().split()) == {"alive"}
        assert process.wait(timeout=60) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
