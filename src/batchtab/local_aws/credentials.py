"""Temporary credentials of roles, as sessions that STS knows."""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ministack.services import iam, sts

from batchtab.local_aws.gateway import App, Receive, Scope, Send, header, respond
from batchtab.local_aws.iam import principals
from batchtab.local_aws.strangers import refusal

PATH = "/_local/credentials/"
# ECS gives new ones long before the old ones end; clients ask again 15 minutes before the end.
_SECONDS = 6 * 3600
_RENEWED_SECONDS = 3600


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials.

    Attributes:
        expires: Real time at which they end, in seconds since 1970: clients reckon with their own machine's.
    """

    role_arn: str
    access_key_id: str
    secret_access_key: str
    session_token: str
    expires: float


def issue(role_arn: str, session_name: str, seconds: float = _SECONDS) -> Credentials:
    """Take a role for somebody, without looking at its trust.

    Args:
        role_arn: The role.
        session_name: What comes after the role's name in the principal's ARN.
        seconds: How long the credentials are valid, in real time.

    Raises:
        LookupError: There is no such role.
    """
    if principals.role(role_arn) is None:
        raise LookupError(f"role {role_arn} does not exist")
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    made = Credentials(
        role_arn,
        iam._gen_session_access_key(),
        iam._gen_secret(),
        iam._gen_session_token(),
        time.time() + seconds,
    )
    session: dict[str, Any] = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "UserId": f"{sts._role_id(role_arn)}:{session_name}",
        "SecretAccessKey": made.secret_access_key,
        "SessionToken": made.session_token,
        "Expiration": made.expires,
        "AccountId": account,
        "PrincipalType": "AssumedRole",
    }
    sts.register_session(made.access_key_id, session)
    return made


class TaskCredentials:
    """The endpoint at which a job's code fetches the credentials of its role, as at a container of ECS.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._tasks: dict[str, tuple[str, str]] = {}  # by task id: the token that is asked for, the role
        self._made: dict[str, Credentials] = {}

    def open(self, task_id: str, role_arn: str) -> dict[str, str]:
        """Serve a task, and return the variables by which its SDKs find the endpoint, the same for each container."""
        with self._lock:
            token, _ = self._tasks.setdefault(task_id, (secrets.token_urlsafe(32), role_arn))
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self._port}{PATH}{task_id}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def close(self, task_id: str) -> None:
        """Serve a task no more; credentials that it has fetched stay valid to their end."""
        with self._lock:
            self._tasks.pop(task_id, None)
            self._made.pop(task_id, None)

    def around(self, inner: App) -> App:
        """Return an ASGI application that serves the endpoint, and leaves all else to another one."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not str(scope["path"]).startswith(PATH):
                await inner(scope, receive, send)
                return
            found = None
            if scope["method"] == "GET" and refusal(scope, self._port, is_own_page=True) is None:
                found = self._of(str(scope["path"]).removeprefix(PATH), header(scope, b"authorization"))
            body = json.dumps(_shown(found) if found else {"code": "AccessDeniedException", "message": "no such task"})
            await respond(send, 200 if found else 403, body.encode())

        return serve

    def _of(self, task_id: str, token: str) -> Credentials | None:
        with self._lock:
            wanted, role = self._tasks.get(task_id, ("", ""))
            if not wanted or not secrets.compare_digest(token.encode(), wanted.encode()):
                return None
            made = self._made.get(task_id)
            if made is None or made.expires - time.time() < _RENEWED_SECONDS:
                try:
                    made = self._made[task_id] = issue(role, task_id)
                except LookupError:  # it was deleted while the job ran
                    return None
            return made


def _shown(credentials: Credentials) -> dict[str, str]:
    return {
        "RoleArn": credentials.role_arn,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "Token": credentials.session_token,
        "Expiration": datetime.fromtimestamp(credentials.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
