"""Local AWS in the background: started by `up`, stopped by `down`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from typing import Any

from batchtab.errors import UsageError
from batchtab.terraform.session import Session

_START_SECONDS = 30.0
_STOP_SECONDS = 40.0
_POLL_SECONDS = 0.1


class Daemon:
    """Local AWS of one checkout."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._record = session.state / "local.json"
        self.log = session.state / "local.log"
        self.port = session.catalog.stage.local_aws.port

    def health(self) -> dict[str, Any] | None:
        """What local AWS says of itself; None if nothing like it answers on the port."""
        found: dict[str, Any] | None = self.get("health")
        return found

    def get(self, page: str) -> Any:
        """A page below `/_local/`, read as JSON; None if nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_local/{page}", timeout=5) as answer:
                found: Any = json.load(answer)
                return found
        except (OSError, urllib.error.URLError, ValueError):
            return None

    def is_ours(self) -> bool:
        """Whether the local AWS that answers was started by this checkout."""
        health = self.health()
        return bool(health) and self._recorded_pid() == (health or {}).get("pid")

    def start(self) -> bool:
        """Starts it unless it runs; returns whether it had to.

        Raises:
            UsageError: the port is taken, or it did not start.
        """
        if self.is_ours():
            return False
        if self.health():
            raise UsageError(
                f"port {self.port}: a local AWS of another checkout answers there",
                "stop it there with make down, or give local.port another number",
            )
        python = self._session.state / "local-venv" / "bin" / "python"
        if not python.exists():
            raise UsageError("local AWS is not installed in this checkout", "make setup")
        config = f"config/{self._session.catalog.stage.name}.yaml"
        with self.log.open("wb") as log:
            # A session of its own, so that Ctrl-C here does not reach it: schedules keep firing until `down`.
            process = subprocess.Popen(
                [python, "-m", "batchtab.local_aws", "--config", config],
                cwd=self._session.root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._record.write_text(json.dumps({"pid": process.pid}))
        deadline = time.monotonic() + _START_SECONDS
        while not self.health():
            if process.poll() is not None or time.monotonic() > deadline:
                self._record.unlink(missing_ok=True)
                if process.poll() is None:
                    process.terminate()
                said = self.log.read_text(errors="replace").strip().splitlines()
                raise UsageError(
                    f"local AWS did not start: {said[-1] if said else 'it said nothing'}", f"see {self.log}"
                )
            time.sleep(_POLL_SECONDS)
        return True

    def stop(self) -> bool:
        """Stops it with all its jobs; returns whether it ran.

        Raises:
            UsageError: it does not end.
        """
        pid = self._recorded_pid()
        health = self.health()
        if pid is None or not health or health.get("pid") != pid:  # a pid alone may be another program's by now
            self._record.unlink(missing_ok=True)
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while self._alive(pid):
            if time.monotonic() > deadline:
                raise UsageError(f"local AWS (pid {pid}) does not end", f"kill -9 {pid}")
            time.sleep(_POLL_SECONDS)
        self._record.unlink(missing_ok=True)
        return True

    def _environment(self) -> dict[str, str]:
        """Little: what jobs run with must not depend on who starts local AWS."""
        kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR", "USER") if key in os.environ}
        bin_ = self._session.state / "bin"
        return {**kept, "PATH": f"{bin_}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}

    def _recorded_pid(self) -> int | None:
        try:
            return int(json.loads(self._record.read_text())["pid"])
        except (OSError, ValueError, KeyError):
            return None

    @staticmethod
    def _alive(pid: int) -> bool:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:  # a child of this very process
                return False
        except ChildProcessError:
            pass
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
