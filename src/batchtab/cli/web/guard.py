"""Who may use the page: whoever has the address that the command printed, from a page of its own.

A browser sends requests of any page to this machine, and a page can give its own name the address 127.0.0.1. So a
request must name this machine in `Host`, have the cookie that is given for the token of the address and, to change
something, come from this page (`Origin`) with the token of its forms.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BODY_MAX = 64 * 1024
_OWN_SITE = ("same-origin", "none", "")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# A redirect would be of the site that has the link, and a strict cookie is not sent with it; this is the page's own.
_ENTERED = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'
    '<link rel="icon" href="/static/icon.svg"><title>Batchtab</title><p><a href="/">Go on</a></p></html>'
)


class Keys:
    """What a session of the page is opened with.

    Attributes:
        token: In the address that is printed.
        csrf: In each form.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = secrets.token_urlsafe(32)
        self.csrf = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self._once: set[str] = set()

    @property
    def url(self) -> str:
        """The address that opens the page."""
        return self._url(self.token)

    def url_for_one_use(self) -> str:
        """The same for another program's command line, which others on this machine can read: it is good once."""
        token = secrets.token_urlsafe(32)
        self._once.add(token)
        return self._url(token)

    def _url(self, token: str) -> str:
        return f"http://127.0.0.1:{self.port}/?token={token}"

    def opens(self, token: str) -> bool:
        """Whether a token is good."""
        if token in self._once:
            self._once.discard(token)
            return True
        return _is_same(token, self.token)

    def is_in(self, request: Request) -> bool:
        """Whether a request has the cookie."""
        return _is_same(request.cookies.get(self._name, ""), self._cookie)

    def let_in(self, response: Response) -> None:
        """Gives the cookie. A browser sends it to each port of this machine, so the name has the port."""
        response.set_cookie(self._name, self._cookie, httponly=True, samesite="strict", path="/")

    @property
    def _name(self) -> str:
        return f"batchtab-{self.port}"

    @property
    def hosts(self) -> tuple[str, str]:
        """What a request may call this machine."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"


class Guard:
    """Refuses what is not the page's own, and sets the headers of every answer."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, as an ASGI application does."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope)
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """What is answered instead of the page; None if the request may go on."""
        request, headers = Request(scope), Headers(scope=scope)
        hosts = self._keys.hosts
        if headers.get("host", "").lower() not in hosts:
            return PlainTextResponse(f"This page is {' or '.join(hosts)}.\n", 400)
        if scope["method"] in ("GET", "HEAD"):
            token = request.query_params.get("token")
            if token is not None and self._keys.opens(token):
                entered = HTMLResponse(_ENTERED)
                self._keys.let_in(entered)
                return entered
        elif why := self._foreign(headers):
            return PlainTextResponse(why, 403)
        if not self._keys.is_in(request):
            text = "Open the address that batchtab web printed: it has a token, which changes at each start.\n"
            return PlainTextResponse(text, 403)
        return None

    def _foreign(self, headers: Headers) -> str:
        """Why something may not be changed by a request; empty if it may."""
        if headers.get("origin", "") not in [f"http://{host}" for host in self._keys.hosts]:
            return "Only this page itself may change something: Origin is another one's, or missing.\n"
        if headers.get("sec-fetch-site", "") not in _OWN_SITE:
            return "Only this page itself may change something.\n"
        return ""


async def form(request: Request, keys: Keys) -> dict[str, str] | None:
    """The fields of a form; None if it is not one of this page."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY_MAX:
            return None
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return fields if _is_same(fields.get("csrf", ""), keys.csrf) else None


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
