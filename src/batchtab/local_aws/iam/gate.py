"""Stands between ministack's authentication and its services, and refuses what IAM does not allow."""

from __future__ import annotations

import contextvars
import datetime
import importlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core import iam_actions, responses, router

from batchtab.local_aws import permissions
from batchtab.local_aws.batch.store import Store
from batchtab.local_aws.iam import principals
from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.denials import denial
from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.evaluation import Decision
from batchtab.local_aws.iam.mapping import SERVICES, checks
from batchtab.local_aws.iam.principals import Principal
from batchtab.local_aws.iam.record import Record
from batchtab.local_aws.iam.requests import HttpRequest, Request, model, parse
from batchtab.local_aws.iam.state import State

Response = tuple[int, dict[str, str], bytes]

# ministack's names of services that are not botocore's.
_NAMES = {"monitoring": "cloudwatch"}
# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
_ALWAYS_ALLOWED = ("sts:GetCallerIdentity", "sts:GetSessionToken")
# What of a check is of one session alone: it is no part of what is recorded.
_PASSING = ("aws:userid", "aws:tokenissuetime")
_OFF = "`enforce_iam: false` below `local` in the stage's file turns this off"
_kept: contextvars.ContextVar[tuple[str, str, str, bytes] | None] = contextvars.ContextVar("request", default=None)


def enforce(store: Store, *, is_on: bool) -> Record:
    """Have requests need permissions, and record what is asked, here and where services act by themselves."""
    record = Record()
    if is_on:
        Gate(State(store), record).install()
        permissions.listeners.append(lambda decided: _hear(record, decided))
    return record


def _hear(record: Record, decided: permissions.Decision) -> None:
    record.hear(decided.principal, Check(decided.action, decided.resource, decided.context), allowed=decided.allowed)


class Gate:
    """Decides about requests, and about what services do in a role's name."""

    def __init__(self, state: State, record: Record) -> None:
        self._state = state
        self._record = record

    def install(self) -> None:
        """Take the place of ministack's mapping from requests to actions, which lets pass what it does not know."""
        gateway: Any = importlib.import_module("ministack.app")
        authenticate, special = gateway._authenticate_only, gateway._handle_special_data_plane_request
        first = gateway._handle_pre_body_request

        def unknown(service: str, headers: Any, request_id: str) -> Response:
            error = f"local AWS does not know what IAM actions {service} has"
            self._record.refuse("", service, error)
            return denial(service, headers, request_id, "", f"{error}; {_OFF}")

        def enforce_mail(_m: str, _p: str, headers: Any, _b: bytes, query: Any, request_id: str) -> Response | None:
            # This way ministack would decide by itself.
            administrator = principals.is_administrator(router.extract_access_key_id(headers, query))
            return None if administrator else unknown("sesv2", headers, request_id)

        def keep(service: str, method: str, path: str, _headers: Any, body: bytes, _params: Any) -> None:
            # That there is no action has ministack authenticate, and ask no more.
            _kept.set((service, method, path, body))

        def authenticate_only(service: str, headers: Any, query: Any, request_id: str) -> Response | None:
            kept = _kept.get()
            _kept.set(None)
            failure: Response | None = authenticate(service, headers, query, request_id)
            if failure is not None:
                return failure
            key = router.extract_access_key_id(headers, query)
            if kept is None or kept[0] != service:  # a route of ministack's that names no operation
                return None if principals.is_administrator(key) else unknown(service, headers, request_id)
            return self._refusal(service, key, HttpRequest(*kept[1:3], headers, kept[3], query), request_id)

        async def only_administrator(
            method: str, path: str, headers: Any, body: bytes, query: Any, *a: Any, **b: Any
        ) -> Any:
            # Routes of services that have ways of their own, which ask for nothing that we know.
            if principals.is_administrator(router.extract_access_key_id(headers, query)):
                return await special(method, path, headers, body, query, *a, **b)
            return None

        async def no_emulator(method: str, path: str, headers: Any, query: Any, request_id: str) -> Any:
            # ministack's own paths, of which some empty it.
            if not path.startswith("/_") or principals.is_administrator(router.extract_access_key_id(headers, query)):
                return await first(method, path, headers, query, request_id)
            return denial("s3", headers, request_id, "s3:*", f"{path} is the administrator's")

        iam_actions.extract_iam_action = keep
        gateway._authenticate_only = authenticate_only
        gateway._enforce_ses_v2 = enforce_mail
        gateway._handle_special_data_plane_request = only_administrator
        gateway._handle_pre_body_request = no_emulator

    def _refusal(self, service: str, key: str, http: HttpRequest, request_id: str) -> Response | None:
        """Return the answer to a request that is not allowed; None if it is."""
        if principals.is_administrator(key):
            self._record.administrator()
            return None
        principal = principals.of_key(key, responses.get_account_id()) if key else None
        arn = principal.arn if principal else "anonymous"
        try:
            request = self._parse(service, http)
            if not key and model(request.service).operation_model(request.operation).auth_type == "none":
                return None  # such as AssumeRoleWithWebIdentity, which brings a token instead
            if principal is None:
                why = "the request is not signed" if not key else "the access key is not known"
                return denial(service, http.headers, request_id, "", f"User: {arn} may do nothing: {why}")
            asked = checks(request, self._state, responses.get_region(), responses.get_account_id())
        except UnknownRequestError as error:
            self._record.refuse(arn, service, str(error))
            return denial(service, http.headers, request_id, "", f"{error}; {_OFF}")
        found = self.decide(principal, asked)
        if found is None:
            return None
        check, decision = found
        resource = f'"{check.resource}"' if service == "s3" else check.resource
        message = f"User: {arn} is not authorized to perform: {check.action} on resource: {resource} {decision.why}"
        return denial(service, http.headers, request_id, check.action, message)

    def _parse(self, service: str, http: HttpRequest) -> Request:
        name = _NAMES.get(service, service)
        if name not in SERVICES:
            raise UnknownRequestError(f"local AWS does not know what IAM actions {name} has")
        return parse(name, http)

    def decide(self, principal: Principal, asked: Iterable[Check]) -> tuple[Check, Decision] | None:
        """Decide checks in their order and record them; returns the first that is not allowed, or None."""
        for plain in asked:
            check = Check(plain.action, plain.resource, {**self._about(principal, plain), **plain.context})
            policy = self._state.policy(check.resource, check.action)
            decision = Decision(True) if check.action in _ALWAYS_ALLOWED else principal.decide(_now(check), policy)
            lasting = {key: value for key, value in check.context.items() if key.lower() not in _PASSING}
            self._record.add(principal.arn, Check(check.action, check.resource, lasting), policy, decision)
            if not decision.allowed:
                return check, decision
        return None

    def role_refusal(
        self, role_arn: str, action: str, resource: str, context: Mapping[str, Value] | None = None
    ) -> str | None:
        """Return why a role may not do what a service of AWS asks in its name; None if it may. It is recorded."""
        principal = principals.of_role(role_arn, responses.get_account_id())
        found = self.decide(principal, [Check(action, resource, context or {})])
        if found is None:
            return None
        return f"{role_arn} is not authorized to perform: {action} on resource: {resource} {found[1].why}"

    def _about(self, principal: Principal, check: Check) -> dict[str, Value]:
        """The condition keys that each request has."""
        account = check.resource.split(":")[4] if check.resource.startswith("arn:") else ""
        keys: dict[str, Value] = {
            "aws:RequestedRegion": responses.get_region(),
            "aws:ResourceAccount": account or principal.account,
            # AWS has HTTPS where this machine has its own network; a policy that asks for it is met.
            "aws:SecureTransport": "true",
            "aws:SourceIp": "127.0.0.1",
            "aws:PrincipalIsAWSService": "false",
            "aws:ViaAWSService": "false",
        }
        return {**keys, **principal.keys}


def _now(check: Check) -> Check:
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    times: dict[str, Value] = {"aws:CurrentTime": moment, "aws:EpochTime": str(int(time.time()))}
    return Check(check.action, check.resource, {**check.context, **times})
