"""Refuses what a web page can have a browser send: a request here can run a command of this machine.

A browser sends requests of any page to this machine, and a page can give its own name the address 127.0.0.1. It can set
neither `Host` nor `Authorization` of another site's request, and newer browsers say in `Sec-Fetch-Site` whose it is:
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
"""

from __future__ import annotations

from urllib.parse import parse_qs

from batchtab.local_aws.gateway import Scope, header

# The last is what Docker Desktop calls this machine in a container; `.internal` is nobody's to register.
_HOSTS = ("127.0.0.1", "localhost", "host.docker.internal")
_OWN_SITE = ("", "none", "same-origin")  # none: typed into the address bar
_SIGNED = "AWS4-"
# Set in the scope of a request for the one operation that is allowed by a token: AssumeRoleWithWebIdentity, by POST,
# with which a page cannot but give its Origin.
UNSIGNED = "batchtab.unsigned"
# A presigned URL has its signature in the query. Only S3 makes use of them here, for these.
_PRESIGNED = ("GET", "HEAD", "PUT")


def refusal(scope: Scope, port: int, *, is_own_page: bool) -> str | None:
    """Why a request is refused; None if it is not.

    Args:
        scope: The request, as ASGI has it.
        port: Where local AWS listens.
        is_own_page: Whether it is for a page of local AWS itself, which needs no signature.
    """
    hosts = [f"{name}:{port}" for name in _HOSTS]
    if (origin := header(scope, b"origin")) and origin not in [f"http://{host}" for host in hosts]:
        return f"a page of {origin} may not use local AWS"
    if header(scope, b"sec-fetch-site") not in _OWN_SITE:
        return "a page of another site may not use local AWS"
    if (host := header(scope, b"host").lower()) not in hosts:
        return f"local AWS is {' or '.join(hosts[:2])}, not {host or 'a request without Host'}"
    if not (is_own_page or _is_signed(scope)):
        return "the request has no signature (AWS4 in its Authorization header)"
    return None


def _is_signed(scope: Scope) -> bool:
    if scope.get(UNSIGNED) or header(scope, b"authorization").startswith(_SIGNED):
        return True
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return "X-Amz-Signature" in query and "Action" not in query and scope.get("method") in _PRESIGNED
