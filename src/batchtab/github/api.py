"""How GitHub's API is called: with a timeout, a few tries, and the token only where it belongs."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import urlsplit

from batchtab.errors import UsageError

T = TypeVar("T")

_TIMEOUT_SECONDS = 20.0
_TRIES = 4
_LONGEST_WAIT_SECONDS = 30.0
_PAGES = 30
LARGEST_ANSWER = 20_000_000


class GitHubError(Exception):
    """GitHub did not do what was asked; the message says what, without the token."""


def repository_path(name: str) -> str:
    """A repository's path in the API, without a slash before it.

    Args:
        name: `owner/name`.

    Raises:
        UsageError: that is no name of a repository.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]+/(?!\.{1,2}$)[A-Za-z0-9_.-]+", name):
        raise UsageError(f"'{name}' is not a repository", "owner/name, as in GITHUB_REPOSITORY")
    return f"repos/{name}"


class _UnansweredError(Exception):
    """No answer, or one that another try may better."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class Api:
    """GitHub's API below one address."""

    def __init__(self, url: str, token: str, *, pause: float = 1.0) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._pause = pause

    def persist(self, once: Callable[[], T]) -> T:
        """Tries something a few times, waiting longer each time, or as long as GitHub says.

        Raises:
            GitHubError: GitHub refuses, or does not answer.
        """
        for number in range(_TRIES):
            try:
                return once()
            except _UnansweredError as error:
                if number == _TRIES - 1:
                    raise GitHubError(f"{error} ({_TRIES} tries)") from None
                wait = self._pause * 2**number if error.wait_seconds is None else error.wait_seconds
                time.sleep(min(wait, _LONGEST_WAIT_SECONDS))
        raise AssertionError  # pragma: no cover

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """A list's entries, page after page."""
        url = self.url + path
        for _ in range(_PAGES):
            answer, headers = self.call("GET", url, None)
            yield from json.loads(answer)
            match = re.search(r'<([^>]+)>;\s*rel="next"', headers.get("Link") or "")
            if match is None:
                return
            url = match[1]
            if not url.startswith(self.url + "/"):
                raise GitHubError("the next page would be on another host")
        raise GitHubError(f"{path.partition('?')[0]}: more than {_PAGES} pages")

    def ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """One call below our address, and its answer."""
        answer, _ = self.call(method, self.url + path, content)
        return json.loads(answer) if answer else None

    def download(self, path: str) -> bytes:
        """A file to which GitHub sends us on. The other host must not see the token."""
        answer, headers = self.call("GET", self.url + path, None, follow=False)
        target = headers.get("Location")
        if target:
            if urlsplit(target).scheme != urlsplit(self.url).scheme:
                raise GitHubError("a file would be fetched over another protocol")
            answer, _ = self.call("GET", target, None, with_token=False)
        return answer

    def upload(self, url: str, content: bytes) -> None:
        """Sends a file to GitHub's host for files."""
        host, own = urlsplit(url).hostname or "", urlsplit(self.url).hostname or ""
        if host != own and host != own.replace("api.", "uploads.", 1):
            raise GitHubError("a file would be sent to another host")
        self.call("POST", url, content)

    def call(
        self,
        method: str,
        url: str,
        content: dict[str, Any] | bytes | None,
        *,
        follow: bool = True,
        with_token: bool = True,
    ) -> tuple[bytes, Message]:
        """One call, once."""
        headers = {"User-Agent": "batchtab"}
        if with_token:
            headers |= {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        body = content if content is None or isinstance(content, bytes) else json.dumps(content).encode()
        if body is not None:
            headers["Content-Type"] = "application/octet-stream" if body is content else "application/json"
        if not url.startswith(("https://", "http://")):
            raise GitHubError("GitHub's address is neither https nor http")
        request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - looked at above
        opener = urllib.request.build_opener() if follow else urllib.request.build_opener(_NoRedirect)
        what = f"GitHub: {method} {urlsplit(url).path}"
        try:
            with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return answer.read(LARGEST_ANSWER), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                if not follow and error.code in {301, 302, 303, 307, 308}:
                    return b"", error.headers
                said = _message(error.read(2_000))
            wait = _wait(error.headers)
            limited = error.code == 403 and (wait is not None or error.headers.get("X-RateLimit-Remaining") == "0")
            if error.code == 429 or error.code >= 500 or limited:
                raise _UnansweredError(f"{what}: {error.code} {said}", wait) from None
            raise GitHubError(f"{what}: {error.code} {said}") from None
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise _UnansweredError(f"{what}: no answer ({reason})") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        """Leaves the redirect to the caller."""


def _wait(headers: Message) -> float | None:
    value = headers.get("Retry-After")
    return float(value) if value and re.fullmatch(r"[0-9]{1,6}", value) else None


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return "(no message)"
