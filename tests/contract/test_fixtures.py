"""The tests read no project but their own: they run where the top level of the repository has none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_USERS = {"config", "jobs", "main.py", "cdktf.json"}
# Of each kind of test that reads a project, what is quick: declarations, commands, steps of workflows, stacks.
QUICK = ("test_stage.py", "test_check.py", "test_steps.py", "test_stacks.py")


def _left_out(folder: str, names: list[str]) -> set[str]:
    made = {name for name in names if (name.startswith(".") and name != ".github") or ".pyc." in name}
    of_users = OF_USERS if Path(folder) == ROOT else set()
    return made | of_users | {"node_modules", "cdktf.out"}  # what Python compiled is copied: that takes longer than all


@pytest.mark.slow
def test_without_a_project_at_the_top_level_all_tests_are_collected_and_the_quick_ones_pass(tmp_path: Path) -> None:
    # GIVEN a copy of the repository without what its users change
    copy = shutil.copytree(ROOT, tmp_path / "copy", ignore=_left_out)
    (copy / ".batchtab").symlink_to(ROOT / ".batchtab")
    assert not OF_USERS & {path.name for path in copy.iterdir()}
    # WHEN all its tests are collected and those that read a project are run
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", " or ".join(QUICK)],
        cwd=copy,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    # THEN they pass, and there is no project that they have made
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert not OF_USERS & {path.name for path in copy.iterdir()}


def test_no_test_and_no_benchmark_names_a_path_of_it() -> None:
    # GIVEN all tests, also those that are not quick, and the benchmarks
    of_users = re.compile(rf'ROOT / "({"|".join(map(re.escape, OF_USERS))})\b')
    files = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py")]
    # WHEN those are looked for that name what belongs to users
    naming = {path.name for path in files if of_users.search(path.read_text(encoding="utf-8"))}
    # THEN there is none: `make check` looks at the project itself
    assert naming == set()
