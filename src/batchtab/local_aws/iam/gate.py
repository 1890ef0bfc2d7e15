"""Refuses what IAM does not allow, between ministack's authentication and its services."""

from __future__ import annotations

import contextvars
import datetime
import importlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ministack.core import iam_actions, iam_evaluator, responses, router

from batchtab.local_aws.iam import principals, reference
from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.denials import denial
from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.evaluation import Decision, Document, ResourcePolicy, decide, lets_in
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
# Keys that differ between sessions of one role: they decide, but are not recorded, so that checks of sessions are one.
_PASSING = ("aws:userid", "aws:tokenissuetime")
_OFF = "`enforce_iam: false` below `local` in the stage's file turns this off"
_kept: contextvars.ContextVar[tuple[str, str, str, bytes] | None] = contextvars.ContextVar("request", default=None)


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

        def unknown(service: str, headers: Any, query: Any, request_id: str) -> Response:
            error = f"local AWS does not know what IAM actions {service} has"
            self._record.refuse(_who(headers, query), service, error)
            return denial(service, headers, request_id, "", f"{error}; {_OFF}")

        def enforce_mail(_m: str, _p: str, headers: Any, _b: bytes, query: Any, request_id: str) -> Response | None:
            # This way ministack would decide by itself.
            administrator = principals.is_administrator(router.extract_access_key_id(headers, query))
            return None if administrator else unknown("sesv2", headers, query, request_id)

        def keep(service: str, method: str, path: str, _headers: Any, body: bytes, _params: Any) -> None:
            # That there is no action has ministack authenticate, and ask no more.
            _kept.set((service, method, path, body))

        def authenticate_only(service: str, headers: Any, query: Any, request_id: str) -> Response | None:
            kept = _kept.get()
            _kept.set(None)
            failure: Response | None = authenticate(service, headers, query, request_id)
            if failure is not None:
                self._record.refuse("anonymous", service, "its key or its signature is not valid")
                return failure
            key = router.extract_access_key_id(headers, query)
            if kept is None or kept[0] != service:  # a route of ministack's that names no operation
                return None if principals.is_administrator(key) else unknown(service, headers, query, request_id)
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
            why = f"{path} is the administrator's"
            self._record.refuse(_who(headers, query), path, why)
            return denial("s3", headers, request_id, "s3:*", why)

        def is_trusted(document: Any, caller: str, context: Any = None) -> bool:
            # STS asks again; of all but the administrator's requests we have decided by now.
            if context is None or context.principal_type != "Root":
                return True
            return self._trusts_administrator(document, caller, context)

        allows = iam_evaluator.resource_policy_allows

        def resource_allows(policy: Any, context: Any, same_account: bool) -> bool:
            # So do SQS and SNS, without most keys of the request. Other accounts are theirs to decide about.
            return same_account or bool(allows(policy, context, same_account))

        iam_evaluator.evaluate_trust_policy = is_trusted
        iam_evaluator.resource_policy_allows = resource_allows
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
                self._record.refuse(arn, f"{SERVICES[request.service][0]}:{request.operation}", why)
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

    def _trusts_administrator(self, document: Document, caller: str, context: Any) -> bool:
        if principals.role(context.resource_arn) is None:
            return False
        given = {name: value for name, value in context.service_context.items() if value}
        tags = {f"aws:RequestTag/{key}": value for key, value in context.request_tags.items()}
        asked = Check(context.action, context.resource_arn, {**given, **tags})
        everything: Document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
        trust = ResourcePolicy(document, required=True)
        decision = decide(_now(asked), [everything], resource=trust, principal=caller)
        if not decision.allowed:
            self._record.refuse(caller, asked.action, decision.why, asked.resource)
        return decision.allowed

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
        return self._asked_by_service(role_arn, [self._check(action, resource, context or {})])

    def request_refusal(self, role_arn: str, service: str, operation: str, params: Mapping[str, Any]) -> str | None:
        """Return why a role may not make a request that a service of AWS makes in its name; None if it may."""
        http = HttpRequest("POST", "/", {}, b"", {})
        try:
            asked = checks(
                Request(service, operation, params, http),
                self._state,
                responses.get_region(),
                responses.get_account_id(),
            )
        except UnknownRequestError as error:
            return str(error)
        return self._asked_by_service(role_arn, asked)

    def lets_in(self, policy: Document, service: str, asked: Sequence[Check]) -> bool:
        """Whether a resource's policy lets in a service, by one of several checks; that none is allowed is recorded."""
        times = [_now(Check(each.action, each.resource, {**self._around(each), **each.context})) for each in asked]
        decisions = [lets_in(each, policy, service) for each in times]
        if any(decision.allowed for decision in decisions):
            return True
        self._record.refuse(service, asked[0].action, decisions[0].why, asked[0].resource, once=True)
        return False

    def _asked_by_service(self, role_arn: str, asked: Iterable[Check]) -> str | None:
        principal = principals.of_role(role_arn)
        if principal is None:
            return f"role {role_arn} does not exist"
        found = self.decide(principal, asked)
        if found is None:
            return None
        check, decision = found
        return f"{role_arn} is not authorized to perform: {check.action} on resource: {check.resource} {decision.why}"

    def _check(self, action: str, resource: str, context: Mapping[str, Value]) -> Check:
        """Return a check with the resource's tags, and with what the action supports of all."""
        if not reference.knows(action):  # of a service whose requests are not served to roles
            return Check(action, resource, context)
        prefix, type_name = action.partition(":")[0], reference.type_of(action, resource)
        tags: dict[str, Value] = {
            f"{each}:ResourceTag/{key}": value
            for key, value in self._state.tags(resource).items()
            for each in ("aws", prefix)
        }
        supported = reference.supported(action, type_name, {**tags, **context})
        return Check(action, resource if type_name else "*", supported)

    def _about(self, principal: Principal, check: Check) -> dict[str, Value]:
        """The condition keys that each request of a principal has."""
        account = principals.account_of(check.resource) or principal.account
        by: dict[str, Value] = {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"}
        return {**self._around(check), "aws:ResourceAccount": account, **by, **principal.keys}

    def _around(self, check: Check) -> dict[str, Value]:
        """The condition keys that each request has."""
        return {
            "aws:RequestedRegion": responses.get_region(),
            "aws:ResourceAccount": principals.account_of(check.resource) or responses.get_account_id(),
            # AWS has HTTPS where this machine has its own network; a policy that asks for it is met.
            "aws:SecureTransport": "true",
        }


def _who(headers: Any, query: Any) -> str:
    """The ARN of who has signed a request; `anonymous` where that is nobody."""
    key = router.extract_access_key_id(headers, query)
    principal = principals.of_key(key, responses.get_account_id()) if key else None
    return principal.arn if principal else "anonymous"


def _now(check: Check) -> Check:
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    times: dict[str, Value] = {"aws:CurrentTime": moment, "aws:EpochTime": str(int(time.time()))}
    return Check(check.action, check.resource, {**check.context, **times})
