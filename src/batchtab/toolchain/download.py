"""Downloads of files: bounded in time and size, and tried again after faults that pass."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ATTEMPTS = 3
PAUSES = (1.0, 4.0)  # seconds between attempts
_SILENT_SECONDS = 20
_WHOLE_SECONDS = 900
_CHUNK = 1 << 18
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class DownloadError(Exception):
    """A file cannot be had. `status` is the server's answer, None if it gave none."""

    def __init__(self, message: str, status: int | None = None) -> None:
        """Takes what happened, in one line."""
        super().__init__(message)
        self.status = status


class _PassingError(Exception):
    """A fault after which another attempt makes sense."""


def download(url: str, target: Path, limit: int) -> None:
    """Writes what is at an address to a file.

    A user and a password in the address are sent to that host alone, and never shown.

    Raises:
        DownloadError: it cannot be had, is cut off each time, or is larger than `limit` bytes.
        OSError: the file cannot be written.
    """
    deadline = time.monotonic() + _WHOLE_SECONDS
    for pause in (*PAUSES[: ATTEMPTS - 1], None):
        try:
            _attempt(url, target, limit, deadline)
        except _PassingError as error:
            if pause is None:
                raise DownloadError(f"{without_password(url)}: {error}, {ATTEMPTS} times") from error
            time.sleep(pause)
        else:
            return


def without_password(url: str) -> str:
    """An address as it may be shown: without user and password."""
    start, slashes, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{start}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def _attempt(url: str, target: Path, limit: int, deadline: float) -> None:
    shown = without_password(url)
    try:
        with urllib.request.urlopen(_request(url), timeout=_SILENT_SECONDS) as answer:  # noqa: S310 (the caller checks)
            _copy(answer, target, limit, deadline, shown)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _PASSING:
            raise _PassingError(f"the server answered {error.code}") from error
        raise DownloadError(f"{shown}: the server answered {error.code} {error.reason}", error.code) from error
    except urllib.error.URLError as error:
        if _lasting(error.reason):
            raise DownloadError(f"{shown}: {_words(error.reason)}") from error
        raise _PassingError(_words(error.reason)) from error
    except (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        raise _PassingError(_words(error)) from error


def _copy(answer: http.client.HTTPResponse, target: Path, limit: int, deadline: float, shown: str) -> None:
    length = answer.headers.get("Content-Length")
    received = 0
    with target.open("wb") as file:
        while chunk := answer.read1(_CHUNK):
            received += len(chunk)
            if received > limit:
                raise DownloadError(f"{shown}: more than {limit} bytes")
            if time.monotonic() > deadline:
                raise DownloadError(f"{shown}: not complete after {_WHOLE_SECONDS} s")
            file.write(chunk)
    # http.client does not report an answer that ends early when it is read in pieces.
    if length and length.isdecimal() and received < int(length):
        raise _PassingError(f"the answer ended after {received} of {length} bytes")


def _request(url: str) -> urllib.request.Request:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    login, at, host = host.rpartition("@")
    request = urllib.request.Request(f"{scheme}://{host}{slash}{path}")  # noqa: S310 (the caller checks)
    if at:
        token = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    return request


def _lasting(reason: object) -> bool:
    """Whether another attempt would end the same way: an unknown host, a certificate that is not trusted."""
    if isinstance(reason, socket.gaierror):
        return reason.errno != socket.EAI_AGAIN
    return isinstance(reason, ssl.SSLCertVerificationError)


def _words(reason: object) -> str:
    text = reason.strerror if isinstance(reason, OSError) else None
    return text or str(reason) or type(reason).__name__
