"""What local AWS refuses of what a web page can have a browser send."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from batchtab.local_aws.strangers import UNSIGNED, refusal

PORT = 4566
HOST = f"127.0.0.1:{PORT}"
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}


def scope(
    method: str = "GET", query: dict[str, str] | None = None, kind: str = "http", **headers: str
) -> dict[str, Any]:
    given = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    content = {"type": kind, "path": "/", "query_string": urlencode(query or {}).encode(), "headers": raw}
    return content | ({"method": method} if kind == "http" else {})


def refused(request: dict[str, Any], *, is_own_page: bool = False) -> str | None:
    return refusal(request, PORT, is_own_page=is_own_page)


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"host.docker.internal:{PORT}"])
def test_a_signed_request_to_its_own_name_is_served(host: str) -> None:
    assert refused(scope("POST", **{**SIGNED, "host": host})) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        f"127.0.0.1:{PORT + 1}",
        f"LOCALHOST.evil.example:{PORT}",
        "",
    ],
)
def test_another_name_is_refused_also_for_its_own_page(host: str) -> None:
    # GIVEN a page that has given its name the address of this machine, THEN it reads nothing, signed or not
    for is_own_page in (False, True):
        assert "local AWS is" in str(refused(scope(**{**SIGNED, "host": host}), is_own_page=is_own_page))


@pytest.mark.parametrize("host", [f"LOCALHOST:{PORT}", f"LocalHost:{PORT}"])
def test_a_name_is_the_same_in_upper_case(host: str) -> None:
    assert refused(scope(**{**SIGNED, "host": host})) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unheard-of"])
def test_a_page_of_another_site_is_refused(site: str) -> None:
    # GIVEN a page, of another port of this machine too: that is the same site
    for is_own_page in (False, True):
        assert refused(scope("POST", sec_fetch_site=site, **SIGNED), is_own_page=is_own_page) is not None


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_its_own_page_is_served_without_a_signature(site: str) -> None:
    assert refused(scope(sec_fetch_site=site), is_own_page=True) is None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", f"https://{HOST}", "http://127.0.0.1"])
def test_another_origin_is_refused(origin: str) -> None:
    for is_own_page in (False, True):
        assert origin in str(refused(scope("POST", origin=origin, **SIGNED), is_own_page=is_own_page))
    assert refused(scope("POST", origin=f"http://{HOST}"), is_own_page=True) is None


def test_a_request_without_a_signature_is_refused_but_for_the_one_operation() -> None:
    request = scope("POST")
    assert "no signature" in str(refused(request))
    assert "no signature" in str(refused(scope("POST", authorization="Basic eDp5")))
    assert refused({**request, UNSIGNED: True}) is None


@pytest.mark.parametrize(
    ("method", "query", "served"),
    [
        ("GET", {"X-Amz-Signature": "s"}, True),
        ("HEAD", {"X-Amz-Signature": "s"}, True),
        ("PUT", {"X-Amz-Signature": "s"}, True),
        ("DELETE", {"X-Amz-Signature": "s"}, False),
        ("POST", {"X-Amz-Signature": "s"}, False),
        ("GET", {"X-Amz-Signature": "s", "Action": "ListUsers"}, False),
        ("GET", {"x-amz-signature": "s"}, False),
        ("GET", {}, False),
    ],
)
def test_a_presigned_url_reads_and_writes_objects_alone(method: str, query: dict[str, str], served: bool) -> None:
    assert (refused(scope(method, query)) is None) is served


def test_a_websocket_of_another_site_is_refused() -> None:
    # GIVEN a connection that a page opens: browsers give its Origin, and no method
    assert refused(scope(kind="websocket", origin="http://evil.example")) is not None
    assert "no signature" in str(refused(scope(kind="websocket", origin=f"http://{HOST}")))
