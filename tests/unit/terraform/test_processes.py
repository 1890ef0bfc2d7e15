"""Several commands at once: one failure begins no other, and who is asked to stop leaves none running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from batchtab.terraform.processes import Stopped, capture, in_parallel, stoppable


def test_results_come_in_the_order_of_what_was_asked() -> None:
    assert in_parallel(2, lambda number: number * 2, [3, 1, 2]) == [6, 2, 4]


def test_after_a_failure_nothing_more_is_begun_and_what_runs_comes_to_its_end() -> None:
    # GIVEN three things for two at a time, the first of which fails while the second goes on
    ended: list[int] = []
    second_runs = threading.Event()

    def do(number: int) -> None:
        if number == 0:
            assert second_runs.wait(60)
            raise ValueError("no")
        second_runs.set()
        time.sleep(0.3)
        ended.append(number)

    # WHEN they are done THEN the failure is raised, after the end of what ran
    with pytest.raises(ValueError, match="no"):
        in_parallel(2, do, list(range(200)))
    assert 1 in ended
    assert len(ended) < 199


def test_who_is_asked_to_stop_ends_all_and_begins_none(tmp_path: Path) -> None:
    # GIVEN commands that run for a minute, more of them than at a time
    pids: list[int] = []

    def do(number: int) -> None:
        program = f"import os, time; open({str(tmp_path / str(number))!r}, 'w').write(str(os.getpid())); time.sleep(60)"
        capture([sys.executable, "-c", program], cwd=tmp_path, env=dict(os.environ))

    # WHEN the signal comes
    def ask() -> None:
        while len([path for path in tmp_path.iterdir() if path.read_text()]) < 2:
            time.sleep(0.05)
        time.sleep(0.3)  # a third would begin now
        pids.extend(int(path.read_text()) for path in tmp_path.iterdir())
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask).start()
    with stoppable(), pytest.raises(Stopped):
        in_parallel(2, do, list(range(6)))
    # THEN those that ran have ended, and no other began
    assert len(pids) == len(list(tmp_path.iterdir())) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    # AND later commands run as ever
    assert capture(["true"], cwd=tmp_path, env={"PATH": os.environ["PATH"]})[0] == 0
    assert subprocess.run(["true"], check=False).returncode == 0
