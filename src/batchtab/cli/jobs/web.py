"""`batchtab web`: pages in a browser on this machine, with what the commands know, and buttons that do what they do.

Calls to AWS: on a stage that is not local one GetCallerIdentity at the start and each ten minutes; each page those of
its command (jobs, ps, history, describe, why and logs), Now again each five seconds while it is looked at.
"""

from __future__ import annotations

import importlib.util
import socket
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.options import StageOption
from batchtab.errors import UsageError

_PORT = 4799
_PORTS_TRIED = 50
_NEEDED = ("jinja2", "starlette", "uvicorn")
INSTALL = 'pip install "batchtab[web]"'


def web(
    stage: StageOption = "local",
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65_535, help="The port; 0 takes any. Default: the first free one from 4799."),
    ] = None,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve pages on this machine: jobs, what runs now, history, runs with their logs, the calendar.

    Listens on 127.0.0.1 only. The address has a token: anyone who has it may run and stop jobs. Runs until Ctrl-C.
    """
    if not is_installed():
        raise UsageError("web: the pages need more packages", INSTALL)
    from batchtab.cli.web.place import Place  # noqa: PLC0415 - what these need may not be there
    from batchtab.cli.web.server import Server  # noqa: PLC0415

    place = Place(stage, Path().resolve())
    place.aws()  # wrong credentials are said here, and not on a page
    with listening(port) as listener:
        server = Server(place, listener, lambda text: typer.echo(text, err=True))
        typer.echo(server.keys.url)
        typer.echo("Ctrl-C ends this; jobs go on.", err=True)
        if is_opened and not webbrowser.open(server.keys.url_for_one_use()):
            typer.echo("batchtab: no browser was found", err=True)
        server.run()


def is_installed() -> bool:
    """Whether the packages are there that the pages need."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def listening(port: int | None = None) -> socket.socket:
    """A socket of this machine alone.

    Args:
        port: 0 for any; None for the first free one from the usual one on.

    Raises:
        UsageError: the port is taken, or not for users.
    """
    *others, last = [port] if port is not None else range(_PORT, _PORT + _PORTS_TRIED)
    for each in others:
        with suppress(OSError):
            return _bound(each)
    try:
        return _bound(last)
    except OSError as error:
        raise UsageError(f"web: port {last} can't be listened on: {error.strerror}", "--port 0") from None


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener
