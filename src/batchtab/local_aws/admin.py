from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from batchtab.local_aws.clock import MAXIMUM_SPEED, Clock, iso, parse_time
from batchtab.local_aws.containers.choice import ChoiceOfEngine
from batchtab.local_aws.faults import Faults
from batchtab.local_aws.functions import LONGEST_RETRY_SECONDS, Invocations
from batchtab.local_aws.gateway import App, BodyTooLongError, Receive, Scope, Send, respond, whole
from batchtab.local_aws.iam.record import Record
from batchtab.local_aws.internals import MINISTACK_VERSION
from batchtab.local_aws.slack import SlackInbox
from batchtab.local_aws.snapshot.snapshot import BusyError, Snapshots
from batchtab.local_aws.strangers import refusal

PREFIX = "/_local"
_LONGEST_BODY = 1_000_000


class RefusedError(Exception):
    """A request to our own paths that can't be served."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Admin:
    """Serves what is below `/_local/`: Slack, the clock, faults, IAM, snapshots; all else is ministack's."""

    def __init__(
        self,
        inner: App,
        port: int,
        clock: Clock,
        slack: SlackInbox,
        faults: Faults,
        invocations: Invocations,
        snapshots: Snapshots,
        record: Record,
        containers: ChoiceOfEngine,
        reset: Callable[[], None],
    ) -> None:
        self._inner = inner
        self._port = port
        self._clock = clock
        self._slack = slack
        self._faults = faults
        self._invocations = invocations
        self._snapshots = snapshots
        self._record = record
        self._containers = containers
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as an ASGI application does."""
        path = scope.get("path", "")
        is_own = path == PREFIX or path.startswith(f"{PREFIX}/")
        if scope["type"] in ("http", "websocket") and (why := refusal(scope, self._port, is_own_page=is_own)):
            await _refuse(scope, send, why)
            return
        if scope["type"] != "http" or not is_own:
            await self._inner(scope, receive, send)
            return
        try:
            content = await self._serve(scope["method"], path.removeprefix(PREFIX).strip("/"), await _body(receive))
            status = 200
        except RefusedError as error:
            content, status = {"error": str(error)}, error.status
        raw, is_head = json.dumps(content).encode(), scope["method"] == "HEAD"
        await respond(send, status, raw, "application/json", (b"cache-control", b"no-store"), head=is_head)

    async def _serve(self, method: str, name: str, body: bytes) -> object:
        served: dict[tuple[str, str], Callable[[], Awaitable[object]]] = {
            ("GET", "slack"): self._messages,
            ("POST", "slack"): lambda: self._post_message(body),
            ("GET", "clock"): self._read_clock,
            ("POST", "clock"): lambda: self._drive_clock(body),
            ("GET", "faults"): self._read_faults,
            ("POST", "faults"): lambda: self._add_fault(body),
            ("DELETE", "faults"): lambda: self._end_faults(body),
            ("GET", "iam"): self._read_iam,
            ("DELETE", "iam"): self._forget_iam,
            ("GET", "iam/checks"): self._read_checks,
            ("GET", "health"): self._health,
            ("GET", "containers"): self._read_engine,
            ("GET", "snapshot"): self._take_snapshot,
            ("POST", "reset"): self._reset_all,
        }
        found = served.get(("GET" if method == "HEAD" else method, name))
        if found is None:
            allowed = [verb for verb, known in served if known == name]
            if allowed:
                raise RefusedError(f"{method} is not served here, but {', '.join(allowed)}", 405)
            raise RefusedError(
                f"no such path; below {PREFIX}/ are slack, clock, containers, faults, health, iam, snapshot and reset",
                404,
            )
        return await found()

    async def _messages(self) -> object:
        return self._slack.all()

    async def _post_message(self, body: bytes) -> object:
        message = _json_object(body)
        self._slack.add(message)
        return {"ok": True}

    async def _read_clock(self) -> object:
        retry = self._invocations.retry_seconds
        return {"now": iso(self._clock.now()), "speed": self._clock.speed, "lambda_retry_seconds": retry}

    async def _drive_clock(self, body: bytes) -> object:
        asked = _json_object(body)
        known = ("time", "advance_to", "advance_seconds", "speed", "lambda_retry_seconds")
        unknown = sorted(set(asked) - set(known))
        if unknown:
            raise RefusedError(f"{unknown[0]}: is not one of {', '.join(known)}")
        moves = [name for name in known[:3] if asked.get(name) is not None]
        if len(moves) > 1:
            raise RefusedError(f"{' and '.join(moves)}: give one of them")
        target = _moment(asked, moves[0], self._clock) if moves else None
        speed = None if asked.get("speed") is None else _speed(asked["speed"])
        if asked.get("lambda_retry_seconds") is not None:
            self._invocations.retry_seconds = _retry_seconds(asked["lambda_retry_seconds"])
        if speed is not None:
            self._clock.set_speed(speed)
        if target is not None:
            move = self._clock.set_time if moves == ["time"] else self._clock.advance
            await asyncio.to_thread(move, target)
        return await self._read_clock()

    async def _read_faults(self) -> object:
        return self._faults.shown()

    async def _add_fault(self, body: bytes) -> object:
        try:
            self._faults.add(_json_object(body))
        except ValueError as error:
            raise RefusedError(str(error)) from error
        return self._faults.shown()

    async def _end_faults(self, body: bytes) -> object:
        try:
            self._faults.clear(_json_object(body) if body else None)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        return self._faults.shown()

    async def _read_iam(self) -> object:
        return self._record.shown()

    async def _forget_iam(self) -> object:
        self._record.clear()
        return self._record.shown()

    async def _read_checks(self) -> object:
        return self._record.checks()

    async def _health(self) -> object:
        return {
            "status": "ok",
            "pid": os.getpid(),
            "port": self._port,
            "version": f"ministack {MINISTACK_VERSION}",
            "folder": str(Path.cwd()),
        }

    async def _read_engine(self) -> object:
        engine = await asyncio.to_thread(lambda: self._containers.engine)
        found = engine and {"name": engine.name, "program": engine.program, "version": engine.version}
        return {"engine": found, "said": self._containers.said}

    async def _take_snapshot(self) -> object:
        try:
            return await self._snapshots.take()
        except BusyError as error:
            raise RefusedError(str(error), 409) from error

    async def _reset_all(self) -> object:
        await asyncio.to_thread(self._reset)
        return {"ok": True}


async def _refuse(scope: Scope, send: Send, message: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await respond(send, 403, json.dumps({"error": message}).encode())


def _moment(asked: dict[str, Any], name: str, clock: Clock) -> float:
    value = asked[name]
    now = clock.now()  # asked once: 0 seconds from now are not past
    try:
        moment = now + float(value) if name == "advance_seconds" else parse_time(str(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusedError(f"{name}: {value!r} is not a time: {error}") from error
    if name != "time" and moment < now:
        raise RefusedError(f"{name}: {value!r} is past; the clock advances forward, `time` sets it back")
    return moment


def _speed(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAXIMUM_SPEED:
        raise RefusedError(f"speed: {value!r} is not from 0 (frozen) to {MAXIMUM_SPEED:g}")
    return float(value)


def _retry_seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_RETRY_SECONDS:
        raise RefusedError(f"lambda_retry_seconds: {value!r} is not from 0 to {LONGEST_RETRY_SECONDS:g}")
    return float(value)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise RefusedError(f"the body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError("the body is not a JSON object")
    return content


async def _body(receive: Receive) -> bytes:
    try:
        return await whole(receive, _LONGEST_BODY)
    except BodyTooLongError as error:
        raise RefusedError(str(error), 413) from error
