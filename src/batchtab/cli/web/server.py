"""The pages behind a socket, until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from batchtab.cli.web.app import Pages
from batchtab.cli.web.guard import Keys
from batchtab.cli.web.place import Place


class Server:
    """Serves the pages of a stage.

    Args:
        place: The stage.
        listener: A socket that listens.
        report: Called with what is wrong with Batchtab itself.

    Attributes:
        keys: Who may see them.
    """

    def __init__(self, place: Place, listener: socket.socket, report: Callable[[str], None]) -> None:
        self.keys = Keys(listener.getsockname()[1])
        self._listener = listener
        self._server = uvicorn.Server(
            uvicorn.Config(
                Pages(place, self.keys, report).app(),
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",  # what a page can't show is reported; each request is not
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,  # a log that is followed does not end by itself
            )
        )

    def run(self) -> None:
        """Serves until a signal."""
        self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """Ends `run` in another thread."""
        self._server.should_exit = True
