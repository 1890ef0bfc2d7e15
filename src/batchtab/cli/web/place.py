"""The stage that the page is about, and how each of its views reaches AWS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.cli.connection import connect
from batchtab.terraform.session import Session

_FILES_SECONDS = 10.0
_ACCOUNT_SECONDS = 600.0


class Place:
    """A stage of a project: its files are read again after ten seconds, its account is asked for after ten minutes.

    Args:
        stage: The stage's name.
        root: The project's folder.
        clock: In seconds.
    """

    def __init__(self, stage: str, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._stage, self._root, self._clock = stage, root, clock
        self._lock = threading.Lock()
        self._session: tuple[float, Session] | None = None
        self._aws: tuple[float, str | None, Aws] | None = None

    def session(self) -> Session:
        """The stage as its files are.

        Raises:
            UsageError: the files have faults.
        """
        with self._lock:
            now = self._clock()
            if self._session is None or now - self._session[0] > _FILES_SECONDS:
                self._session = (now, Session.open(self._stage, self._root))
            return self._session[1]

    def aws(self) -> Aws:
        """AWS as a command reaches it.

        Raises:
            UsageError: the credentials are of another account, or another project's local AWS answers.
        """
        session = self.session()
        with self._lock:
            now, there = self._clock(), session.endpoint_url
            if self._aws is None or now - self._aws[0] > _ACCOUNT_SECONDS or self._aws[1] != there:
                self._aws = None
                self._aws = (now, there, connect(session))
            aws = self._aws[2]
        answers.at(session.catalog.stage, aws)  # for what is said of an error in this thread
        return aws
