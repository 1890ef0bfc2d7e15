"""The pages of `batchtab web` beside local AWS: started by `up`, and gone with local AWS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from batchtab.cli.jobs import web
from batchtab.cli.machine.daemon import ends
from batchtab.terraform.local_record import LocalRecord, PagesRecord
from batchtab.terraform.session import Session

_WHAT = "Jobs, logs and what reached Slack, in a browser:"
_START_SECONDS = 120.0  # a busy machine may need it; who fails ends before
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.1


class LocalPages:
    """The pages of one local stage."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._file = session.pages_record
        self._process: subprocess.Popen[bytes] | None = None
        self.log = self._file.with_suffix(".log")

    def start(self) -> None:
        """Starts them, where their packages are, unless they run beside the local AWS that runs now. Waits for none."""
        if self._record() is not None or not web.is_installed():
            return
        self.stop()  # those of a local AWS that is gone
        with self.log.open("wb") as log:
            # A session of its own, as local AWS has. Of modules in the project's folder it is to import none (-P).
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "batchtab.cli.web.beside", self._session.catalog.stage.name],
                cwd=self._session.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def said(self) -> str:
        """Where they are, once they answer; what is missing where they can't."""
        stage = self._session.catalog.stage.name
        if not web.is_installed():
            return f"{_WHAT}\n  {web.INSTALL} && batchtab web --stage {stage}"
        deadline = time.monotonic() + _START_SECONDS
        while (record := self._record()) is None:
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                return f"The pages did not start: see {self.log}; batchtab web --stage {stage} serves them, too"
            time.sleep(_POLL_SECONDS)
        return f"{_WHAT}\n  {record.url}"

    def stop(self) -> None:
        """Ends them."""
        record = PagesRecord.read(self._file)
        if record is not None and not ends(record, _STOP_SECONDS):
            os.kill(record.pid, signal.SIGKILL)  # they keep nothing
        self._file.unlink(missing_ok=True)

    def _record(self) -> PagesRecord | None:
        """The pages beside the local AWS that runs now."""
        record, local = PagesRecord.read(self._file), LocalRecord.read(self._session.local_record)
        return record if record and local and record.local_aws == local.pid else None
