"""Which local AWS a command reaches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchtab.cli.connection import refuse_foreign
from batchtab.cli.machine import daemon
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.main import main
from batchtab.errors import UsageError
from batchtab.terraform.local_record import LocalRecord
from batchtab.terraform.session import Session


@pytest.fixture
def alive() -> Iterator[int]:
    """A process that looks like local AWS and answers nothing."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "batchtab.local_aws"])
    while b"batchtab.local_aws" not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    yield process.pid
    process.kill()
    process.wait()


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"pid": null, "port": 1}', '{"pid": 1}', "{"])
def test_a_damaged_record_counts_as_none(project: Path, text: str) -> None:
    session = Session.open("local", project)
    session.state.joinpath("aws-local.json").write_text(text)
    assert session.port == session.catalog.stage.local_aws.port
    assert not Daemon(session).stop()


def test_the_record_of_a_process_that_is_gone_counts_as_none(project: Path) -> None:
    # GIVEN a record of before the machine was restarted: its number is another program's now, or nobody's
    session = Session.open("local", project)
    for pid in (os.getpid(), 2**22 + 1):
        LocalRecord(pid, 4570).write(session.local_record)
        # THEN commands use the stage's own port, and nothing is ended
        assert session.endpoint_url == f"http://127.0.0.1:{session.catalog.stage.local_aws.port}"
        assert not Daemon(session).stop()


def test_a_local_aws_that_does_not_answer_is_not_forgotten(project: Path, alive: int) -> None:
    # GIVEN one that is too busy to answer
    session = Session.open("local", project)
    LocalRecord(alive, 1).write(session.local_record)
    # WHEN it is to be started THEN it is named, and the record stays
    with pytest.raises(UsageError, match=rf"\(pid {alive}\) does not answer"):
        Daemon(session).start()
    assert LocalRecord.read(session.local_record) is not None
    # AND it can be stopped
    assert Daemon(session).stop()
    assert LocalRecord.read(session.local_record) is None


def test_two_local_stages_have_an_aws_each(project: Path, alive: int) -> None:
    # GIVEN two local stages, the first of which runs on another port than its own
    other = (project / "config" / "local.yaml").read_text()
    (project / "config" / "dev.yaml").write_text(other.replace("port: 4588", "port: 4599"))
    first, second = Session.open("local", project), Session.open("dev", project)
    LocalRecord(alive, 4567).write(first.local_record)
    # THEN the second one has its own port, record and log
    assert (first.port, second.port) == (4567, 4599)
    assert Daemon(first).log != Daemon(second).log
    assert not Daemon(second).stop()
    assert first.port == 4567


def test_where_no_port_is_free_it_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a port near the last one
    path = project / "config" / "local.yaml"
    path.write_text(path.read_text().replace("port: 4588", "port: 65530"))
    session = Session.open("local", project)
    python = session.state / "local-venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    shutil.copy(sys.executable, python)
    monkeypatch.setattr(daemon, "_is_free", lambda _port: False)
    with pytest.raises(UsageError, match="ports 65530 to 65535 are taken"):
        Daemon(session).start()


def test_a_record_is_read_as_it_was_written(tmp_path: Path, alive: int) -> None:
    LocalRecord(alive, 4566).write(tmp_path / "record")
    assert json.loads((tmp_path / "record").read_text()) == {"pid": alive, "port": 4566}
    assert LocalRecord.read(tmp_path / "record") == LocalRecord(alive, 4566)


@pytest.mark.parametrize("command", [["plan"], ["status"], ["history"], ["pause", "sync"], ["unlock", "environment"]])
def test_no_command_works_on_what_another_project_deployed(
    project: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the local AWS of another project on the stage's port
    monkeypatch.setattr(Daemon, "health", lambda *_: {"pid": 1, "folder": "/srv/other"})
    # WHEN a command is called THEN it says whose it is
    assert main(command) == 2
    assert capsys.readouterr().err.startswith(
        "batchtab: the local AWS on port 4588 belongs to another project: /srv/other"
    )
    # AND this project's own is none
    monkeypatch.setattr(Daemon, "health", lambda *_: {"pid": 1, "folder": str(project)})
    refuse_foreign(Session.open("local", project))
