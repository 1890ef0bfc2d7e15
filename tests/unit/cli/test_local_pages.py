"""The pages that `up` starts beside local AWS."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchtab.cli.jobs import web
from batchtab.cli.machine.pages import LocalPages
from batchtab.terraform.local_record import LocalRecord, PagesRecord
from batchtab.terraform.session import Session


def local_aws(session: Session) -> subprocess.Popen[bytes]:
    """A process that looks like local AWS, written down as `up` does."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)", "batchtab.local_aws"])
    while b"batchtab.local_aws" not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    LocalRecord(process.pid, 9).write(session.local_record)
    return process


@pytest.fixture
def session(project: Path) -> Session:
    return Session.open("local", project)


@pytest.fixture
def local(session: Session) -> Iterator[subprocess.Popen[bytes]]:
    process = local_aws(session)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def pages(session: Session, local: subprocess.Popen[bytes]) -> Iterator[LocalPages]:  # noqa: ARG001
    made = LocalPages(session)
    yield made
    end(made)


def end(pages: LocalPages) -> None:
    pages.stop()
    if pages._process is not None:
        pages._process.poll()  # elsewhere the command has ended before them


def record(session: Session) -> PagesRecord:
    found = PagesRecord.read(session.pages_record)
    assert found is not None
    return found


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_their_address_is_said_and_opens_them(session: Session, pages: LocalPages) -> None:
    pages.start()
    said = pages.said()
    there = record(session)
    assert said == f"Jobs, logs and what reached Slack, in a browser:\n  {there.url}"
    assert max(map(len, said.splitlines())) <= 80
    assert status(there.url) == 200
    assert status(f"http://127.0.0.1:{there.port}/") == 403
    # AND nobody else can read the token
    assert session.pages_record.stat().st_mode & 0o077 == 0
    # AND a second `up` leaves them as they are
    again = LocalPages(session)
    again.start()
    assert again.said() == said
    # WHEN `down` ends them THEN they are gone, and nothing of them is left
    again.stop()
    assert not there.exists()
    assert not session.pages_record.exists()


def test_they_end_with_local_aws_however_that_ends(
    session: Session, pages: LocalPages, local: subprocess.Popen[bytes]
) -> None:
    pages.start()
    pages.said()
    there = record(session)
    # WHEN local AWS is killed
    local.kill()
    local.wait()
    # THEN they end by themselves
    deadline = time.monotonic() + 120
    while there.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_those_of_another_local_aws_make_way(session: Session, pages: LocalPages) -> None:
    pages.start()
    pages.said()
    before = record(session)
    # GIVEN a local AWS that was started anew
    other, again = local_aws(session), LocalPages(session)
    try:
        again.start()
        said = again.said()
        assert record(session).url in said
        assert record(session).local_aws == other.pid
        assert not before.exists()
    finally:
        end(again)
        other.kill()
        other.wait()


def test_without_their_packages_the_command_is_said(
    session: Session, pages: LocalPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_NEEDED", ("no_such_package",))
    pages.start()
    assert pages.said().endswith('browser:\n  pip install "batchtab[web]" && batchtab web --stage local')
    assert not session.pages_record.exists()


def test_pages_that_do_not_start_do_not_end_up(
    session: Session, pages: LocalPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a Python that cannot run them
    monkeypatch.setattr(sys, "executable", "/bin/false")
    pages.start()
    assert pages.said().startswith(f"The pages did not start: see {pages.log}")
    assert not session.pages_record.exists()
