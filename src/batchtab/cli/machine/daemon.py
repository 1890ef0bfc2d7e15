"""Local AWS in the background: started by `up`, stopped by `down`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any

import typer

from batchtab.errors import UsageError
from batchtab.terraform.local_record import LocalRecord
from batchtab.terraform.session import Session

_START_SECONDS = 120.0  # a busy machine may need it; who fails ends before
_STOP_SECONDS = 40.0
_BUSY_SECONDS = 30.0  # before it counts as not answering: a busy machine may pause it
_POLL_SECONDS = 0.1
_PORTS_TRIED = 50
_PORTS = 65_536
_KEPT = ("HOME", "LANG", "TMPDIR", "USER", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
_OF_ENGINES = ("DOCKER_", "CONTAINER_", "CONTAINERS_", "CONTAINERD_", "NERDCTL_", "FINCH_")


class Daemon:
    """Local AWS of one project."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._file = session.local_record
        self.log = session.state / f"aws-{session.catalog.stage.name}.log"

    @property
    def port(self) -> int:
        """Where it listens, or would."""
        return self._session.port

    def health(self, seconds: float = _BUSY_SECONDS) -> dict[str, Any] | None:
        """What local AWS says of itself; None if nothing like it answers on the port."""
        found: dict[str, Any] | None = self.get("health", seconds)
        return found

    def get(self, page: str, seconds: float = 5) -> Any:
        """A page below `/_local/`, read as JSON; None if nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_local/{page}", timeout=seconds) as answer:
                found: Any = json.load(answer)
                return found
        except (OSError, urllib.error.URLError, ValueError):
            return None

    def is_ours(self) -> bool:
        """Whether the local AWS that answers was started for this stage of this project."""
        record = LocalRecord.read(self._file)
        return record is not None and (self.health() or {}).get("pid") == record.pid

    def start(self) -> bool:
        """Starts it unless it runs; returns whether it had to.

        Where another program listens on the stage's port, the next free one is taken, written down for all commands,
        and said.

        Raises:
            UsageError: it runs and does not answer, it did not start, or no port is free.
        """
        if self.is_ours():
            return False
        if record := LocalRecord.read(self._file):
            raise UsageError(
                f"local AWS (pid {record.pid}) does not answer on port {record.port}", "batchtab down ends it"
            )
        self._file.unlink(missing_ok=True)
        python = self._session.state / "local-venv" / "bin" / "python"
        if not python.exists():
            raise UsageError("local AWS is not installed in this project", "batchtab setup")
        wanted = self.port
        ports = range(wanted, min(wanted + _PORTS_TRIED, _PORTS))
        port = next(filter(_is_free, ports), None)
        if port is None:
            raise UsageError(f"ports {ports[0]} to {ports[-1]} are taken", "give local.port another number")
        if port != wanted:
            typer.echo(f"Port {wanted} is taken by another program: local AWS uses {port}", err=True)
        config = f"config/{self._session.catalog.stage.name}.yaml"
        with self.log.open("wb") as log:
            # A session of its own, so that Ctrl-C here does not reach it: schedules keep firing until `down`.
            process = subprocess.Popen(
                [python, "-m", "batchtab.local_aws", "--config", config, "--port", str(port)],
                cwd=self._session.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        LocalRecord(process.pid, port).write(self._file)
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ours():
            if process.poll() is not None or time.monotonic() > deadline:
                self._file.unlink(missing_ok=True)
                if process.poll() is None:
                    process.terminate()
                said = self.log.read_text(errors="replace").strip().splitlines()
                reason = said[-1] if said else "it printed nothing"
                raise UsageError(f"local AWS did not start: {reason}", f"see {self.log}")
            time.sleep(_POLL_SECONDS)
        return True

    def stop(self) -> bool:
        """Stops it with all its jobs, also if it does not answer; returns whether it ran.

        Raises:
            UsageError: it does not end.
        """
        record = LocalRecord.read(self._file)
        if record is None:
            self._file.unlink(missing_ok=True)
            return False
        if not ends(record, _STOP_SECONDS):
            raise UsageError(f"local AWS (pid {record.pid}) does not end", f"kill -9 {record.pid}")
        self._file.unlink(missing_ok=True)
        return True

    def _environment(self) -> dict[str, str]:
        """Little, so that jobs run alike whoever starts local AWS; what leads to a container engine is kept."""
        kept = {key: value for key, value in os.environ.items() if key in _KEPT or key.startswith(_OF_ENGINES)}
        bin_ = self._session.state / "bin"
        return {**kept, "PATH": f"{bin_}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def ends(record: LocalRecord, seconds: float) -> bool:
    """Asks a process to end; returns whether it did."""
    with suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while record.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _is_free(port: int) -> bool:
    """Whether nothing listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left counts as free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
