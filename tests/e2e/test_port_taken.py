"""Another program listens on the stage's port: local AWS takes the next free one, and every command knows it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.e2e.checkout import ROOT, Checkout

from batchtab.cli.machine import daemon

pytestmark = pytest.mark.e2e

START = "Daemon(Session.open('local')).start()"
STOP = "Daemon(Session.open('local')).stop()"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A copy of the project whose local AWS ends with the test."""
    made = Checkout.make(tmp_path)
    yield made
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(made.local_pid(), signal.SIGTERM)


def run(checkout: Checkout, program: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of Python in the project; in a process of its own, which local AWS survives."""
    imports = (
        "from batchtab.cli.machine.daemon import Daemon; from batchtab.cli.main import main; "
        "from batchtab.terraform.session import Session; "
    )
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "python", "-c", imports + program],
        cwd=checkout.root,
        env={**checkout.environment, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def pid_on(port: int) -> int:
    """The pid of the local AWS that answers on a port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_local/health", timeout=60) as answer:
        return int(json.load(answer)["pid"])


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", *(["::"] if socket.has_dualstack_ipv6() else [])])  # noqa: S104
def test_a_port_is_taken_whatever_address_another_program_listens_on(address: str) -> None:
    both = {"family": socket.AF_INET6, "dualstack_ipv6": True} if address == "::" else {}
    with socket.create_server((address, 0), **both) as other:
        port = other.getsockname()[1]
        assert not daemon._is_free(port)
    assert daemon._is_free(port)


def test_the_next_free_port_is_taken_written_down_and_said(checkout: Checkout) -> None:
    # GIVEN another program on the stage's port
    record = checkout.root / ".batchtab" / "aws-local.json"
    own = f"export AWS_ENDPOINT_URL=http://127.0.0.1:{checkout.port}\n"
    with socket.create_server(("127.0.0.1", checkout.port)):
        # WHEN local AWS starts
        said = run(checkout, START).stderr
        # THEN it listens on a port above, which is written down and said
        written = json.loads(record.read_text())
        assert checkout.port < written["port"] < checkout.port + 50
        assert pid_on(written["port"]) == written["pid"]
        assert said == f"Port {checkout.port} is taken by another program: local AWS uses {written['port']}\n"
        # AND other commands use it, a second start included
        again = run(checkout, f"main(['env']); print({START})")
        assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{written['port']}\n" in again.stdout
        assert again.stdout.endswith("\nFalse\n")
        assert again.stderr == ""
        # AND once it is stopped, nothing is left of it
        stopped = run(checkout, f"print({STOP}); main(['env'])")
        assert stopped.stdout.startswith("True\n")
        assert own in stopped.stdout
        assert not record.exists()
        with pytest.raises(ProcessLookupError):
            os.kill(written["pid"], 0)
    # WHEN the port is free THEN the next start takes it, without a word
    assert run(checkout, START).stderr == ""
    assert json.loads(record.read_text())["port"] == checkout.port
    run(checkout, STOP)
    assert not record.exists()
