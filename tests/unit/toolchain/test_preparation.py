"""The whole of set-up: what is looked at first, what is skipped, and what two at a time do."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.toolchain import ToolchainError, checks, preparation, prepare
from batchtab.toolchain.lock import locked

SOURCES = Path(preparation.__file__).parents[2]


def test_all_that_is_missing_is_reported_at_once_and_nothing_is_made(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an old Python without venv, a full disk, no Terraform, no network, and a mirror without the provider
    monkeypatch.setattr(checks.sys, "version_info", (3, 10, 4))
    monkeypatch.setattr(checks, "can_make_environments", lambda: False)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _path: namedtuple("usage", "free")(10_000_000))
    monkeypatch.setenv("BATCHTAB_TERRAFORM_URL", "nothing")
    monkeypatch.setenv("TERRAFORM_PROVIDER_MIRROR", str(project))

    # WHEN the project is prepared
    said: list[str] = []
    with pytest.raises(ToolchainError) as caught:
        prepare(project, say=said.append)

    # THEN there is a line for each, with what helps, and nothing else happened
    lines = str(caught.value).splitlines()
    expected = ("Python 3.11 or newer", "python3-venv", "10 MB are free", "BATCHTAB_TERRAFORM_URL", "has no")
    assert len(lines) == len(expected)
    assert all(word in line for word, line in zip(expected, lines, strict=True))
    assert said == []
    assert not list((project / ".batchtab/bin").iterdir())


def test_an_unknown_part_is_refused(project: Path) -> None:
    # GIVEN a misspelt part WHEN it is asked for THEN the line lists those that exist, and nothing was made
    with pytest.raises(ToolchainError, match=r"no part 'nod'; there are terraform, .*cdktf"):
        prepare(project, ["node", "nod"])
    assert not (project / ".batchtab").exists()


def test_a_project_that_does_not_exist_is_one_line(project: Path) -> None:
    # GIVEN no such folder WHEN it is prepared THEN the line names it
    with pytest.raises(ToolchainError, match="absent' is not a folder"):
        prepare(project / "absent", ["python"])


def test_a_file_in_place_of_the_folder_is_one_line(project: Path) -> None:
    # GIVEN a file with the folder's name WHEN the project is prepared THEN the line names it
    (project / ".batchtab").write_text("")
    with pytest.raises(ToolchainError, match=r"cannot be written to: '.*\.batchtab") as caught:
        prepare(project, ["python"])
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("code", "hint"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "can be written to"), (errno.EIO, "Input/output error")],
)
def test_faults_of_the_disk_are_one_line(project: Path, monkeypatch: pytest.MonkeyPatch, code: int, hint: str) -> None:
    # GIVEN a disk that fails during the work
    def fail(_folder: object) -> None:
        raise OSError(code, {errno.ENOSPC: "No space left on device"}.get(code, "Input/output error"), "/a/file")

    monkeypatch.setitem(preparation._MAKERS, "python", fail)

    # WHEN the project is prepared THEN one line names the file and what helps
    with pytest.raises(ToolchainError, match="'/a/file'") as caught:
        prepare(project, ["python"])
    assert hint in str(caught.value)


def test_the_folder_is_closed_to_git(prepared: Callable[..., list[str]], project: Path) -> None:
    # GIVEN a project WHEN it is prepared THEN its folder ignores itself
    prepared("python")
    assert (project / ".batchtab/.gitignore").read_text() == "*\n"


def test_python_is_the_one_that_runs_batchtab(prepared: Callable[..., list[str]], project: Path) -> None:
    # GIVEN a project
    prepared("python")

    # WHEN `python` of its folder runs THEN it finds this environment, and takes arguments as they are
    command = [project / ".batchtab/bin/python", "-c", "import sys; print(sys.prefix, sys.argv[1:])", "a b", "$c"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == f"{sys.prefix} ['a b', '$c']\n"


def test_the_second_of_two_waits_and_says_so_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a preparation that is at work in another process
    (project / ".batchtab").mkdir()
    script = (
        "import sys, pathlib\nfrom batchtab.toolchain.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), print): print('in', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", script, project / ".batchtab/setup.lock"],
        env={"PYTHONPATH": str(SOURCES)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout
    assert first.stdout.readline() == "in\n"
    began: list[str] = []
    monkeypatch.setitem(preparation._MAKERS, "python", lambda _folder: began.append("second"))

    # WHEN a second one comes
    said: list[str] = []
    second = threading.Thread(target=prepare, args=(project, ["python"]), kwargs={"say": said.append})
    second.start()
    deadline = time.monotonic() + 120
    while not said and time.monotonic() < deadline:
        time.sleep(0.01)

    # THEN it says so, and works once the first has ended
    assert began == []
    first.communicate("")
    second.join(120)
    assert began == ["second"]
    assert len(said) == 1
    assert "waiting" in said[0]


def test_the_lock_is_free_after_a_fault(tmp_path: Path) -> None:
    # GIVEN a preparation that failed
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock", pytest.fail):
        raise ZeroDivisionError

    # WHEN another one comes THEN it does not wait
    with locked(tmp_path / "lock", pytest.fail):
        pass


def test_nothing_heavy_is_imported() -> None:
    # GIVEN a fresh Python WHEN the package is imported THEN only the standard library is loaded
    script = "import sys; import batchtab.toolchain; print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-S", "-c", script]
    printed = subprocess.run(command, env={"PYTHONPATH": str(SOURCES)}, capture_output=True, text=True, check=True)
    assert set(printed.stdout.split()) - set(sys.stdlib_module_names) - {"__main__"} == {"batchtab"}
