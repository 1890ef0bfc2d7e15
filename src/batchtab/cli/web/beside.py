"""The pages beside local AWS, in the background: `up` starts them, and they end when that local AWS does."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from batchtab.cli.jobs.web import listening
from batchtab.cli.web.place import Place
from batchtab.cli.web.server import Server
from batchtab.terraform.local_record import LocalRecord, PagesRecord

_POLL_SECONDS = 1.0


def serve(stage: str, root: Path) -> None:
    """Serves a local stage's pages until its local AWS ends, or SIGTERM; writes down where they are."""
    place = Place(stage, root)
    session = place.session()
    local = LocalRecord.read(session.local_record)
    if local is None:
        return
    with listening() as listener:
        server = Server(place, listener, lambda text: print(text, file=sys.stderr, flush=True))
        PagesRecord(os.getpid(), server.keys.port, local.pid, server.keys.url).write(session.pages_record)
        threading.Thread(target=_end_with, args=(local, session.local_record, server), daemon=True).start()
        server.run()


def _end_with(local: LocalRecord, record: Path, server: Server) -> None:
    while LocalRecord.read(record) == local:
        time.sleep(_POLL_SECONDS)
    server.stop()


if __name__ == "__main__":
    serve(sys.argv[1], Path.cwd())
