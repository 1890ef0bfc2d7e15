"""What ministack's Scheduler lacks of its API: lists in pages, and the removal of several tags at once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.paging import page

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

_LISTS = {"/schedules": "Schedules", "/schedule-groups": "ScheduleGroups"}
_ALL = "1000000"


def serving(original: Handler, error: Callable[[int, str, str], Response]) -> Handler:
    """Return what serves Scheduler's requests: ministack's own handler, where it suffices."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        if method == "GET" and path in _LISTS:
            return _paged(await original(method, path, headers, body, query | {"MaxResults": _ALL}), path, query, error)
        keys = query.get("TagKeys")
        if method != "DELETE" or not isinstance(keys, list) or len(keys) < 2:
            return await original(method, path, headers, body, query)
        for key in keys:
            answer = await original(method, path, headers, body, {**query, "TagKeys": key})
            if answer[0] != 200:
                break
        return answer

    return handle_request


def _paged(answer: Response, path: str, query: dict[str, Any], error: Callable[[int, str, str], Response]) -> Response:
    status, headers, body = answer
    if status != 200:
        return answer
    member, size = _LISTS[path], _one(query.get("MaxResults"))
    request = {"nextToken": _one(query.get("NextToken")), "maxResults": int(size) if size else None}
    try:
        shown, token = page(json.loads(body)[member], request)
    except ClientError as refused:
        return error(400, "ValidationException", str(refused))
    content = {member: shown} | ({"NextToken": token["nextToken"]} if token else {})
    return status, headers, json.dumps(content).encode()


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value
