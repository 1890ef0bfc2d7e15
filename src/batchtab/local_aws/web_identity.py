"""AssumeRoleWithWebIdentity: tokens of an identity provider such as GitHub's, looked at as STS does.

STS asks the provider for its keys. Local AWS asks nobody outside this machine: a test's own token service registers its
keys here, and a token of a service that has registered none is refused as if the provider did not answer.
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import iam, sts

from batchtab.local_aws.gateway import App, BodyTooLongError, Receive, Scope, Send, again, header, respond, whole
from batchtab.local_aws.iam import principals
from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.evaluation import Decision, lets_in
from batchtab.local_aws.iam.record import Record
from batchtab.local_aws.strangers import UNSIGNED, refusal

PATH = "/_local/issuers"
_OPERATION = re.compile(rb"(^|&)Action=AssumeRoleWithWebIdentity(&|$)")
_LONGEST_BODY = 100_000
_ACTION = "sts:AssumeRoleWithWebIdentity"
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
_SHORTEST_SECONDS, _DEFAULT_SECONDS, _LONGEST_SECONDS = 900, 3600, 43_200
# What of a provider's own claims are condition keys, beside those of all.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
_CLAIMS = ("aud", "sub", "amr")
_OWN_CLAIMS = {
    "token.actions.githubusercontent.com": (
        "actor",
        "actor_id",
        "enterprise_id",
        "environment",
        "job_workflow_ref",
        "ref",
        "repository",
        "repository_id",
        "workflow",
    )
}
# What comes before a SHA-256 sum in a signature: https://www.rfc-editor.org/rfc/rfc8017#section-9.2
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


class TokenError(Exception):
    """A token that STS refuses.

    Attributes:
        code: Of the error that STS answers with.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Issuers:
    """The keys of token services, by their address."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._keys: dict[str, list[dict[str, str]]] = {}

    def clear(self) -> None:
        """Forget all keys."""
        self._keys.clear()

    def install(self) -> None:
        """Have ministack's STS look at tokens with these keys."""
        sts._web_identity_trust_denied = self._refusal

    def around(self, inner: App) -> App:
        """Return an ASGI application that takes keys, and lets the one operation through that bears no signature."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] != "POST":
                await inner(scope, receive, send)
            elif scope["path"] == PATH:
                await self._register(scope, receive, send)
            elif scope["path"] == "/" and not header(scope, b"authorization") and not _refused(scope):
                try:
                    body = await whole(receive, _LONGEST_BODY)
                except BodyTooLongError:  # no such operation, so it is refused for want of a signature
                    await inner(scope, receive, send)
                    return
                named = _OPERATION.search(body)
                await inner({**scope, UNSIGNED: True} if named else scope, again(body, receive), send)
            else:
                await inner(scope, receive, send)

        return serve

    def claims(self, token: str, account_id: str, now: float) -> tuple[str, dict[str, Any]]:
        """Return the provider of a token, as the ARN that a trust names, and what the token claims.

        Args:
            token: A JWT that is signed with RS256.
            account_id: The role's account, which has to know the provider.
            now: Real time.

        Raises:
            TokenError: STS refuses the token.
        """
        head, claims, signed, signature = _parts(token)
        issuer = str(claims.get("iss", ""))
        arn = f"arn:aws:iam::{account_id}:oidc-provider/{issuer.partition('://')[2].rstrip('/')}"
        provider = iam._oidc_providers.get_scoped(account_id, None, arn)
        if provider is None:
            raise TokenError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
        key = next((key for key in self._keys.get(issuer, []) if key["kid"] == head.get("kid")), None)
        if key is None:
            raise TokenError(
                "InvalidIdentityToken",
                "Couldn't retrieve verification key from your identity provider, please reference"
                " AssumeRoleWithWebIdentity documentation for requirements",
            )
        if head.get("alg") != "RS256" or not _is_signature(signed, signature, key):
            raise TokenError("InvalidIdentityToken", "The web identity token that was passed could not be validated")
        expires = claims.get("exp")
        if not isinstance(expires, int) or now >= expires:
            raise TokenError(
                "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time"
            )
        audiences = claims.get("aud")
        if not {*(audiences if isinstance(audiences, list) else [audiences])} & {*provider["ClientIDList"]}:
            raise TokenError("InvalidIdentityToken", "Incorrect token audience")
        return arn, claims

    async def _register(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, answer = 200, b'{"ok": true}'
        try:
            if why := _refused(scope):
                status, answer = 403, json.dumps({"error": why}).encode()
            else:
                content = json.loads(await whole(receive, _LONGEST_BODY))
                keys = [{name: str(key[name]) for name in ("kid", "n", "e")} for key in content["jwks"]["keys"]]
                self._keys[str(content["issuer"])] = keys
        except BodyTooLongError as error:
            status, answer = 413, json.dumps({"error": str(error)}).encode()
        except (ValueError, KeyError, TypeError):
            status = 400
            answer = b'{"error": "the body is not {\\"issuer\\": URL, \\"jwks\\": {\\"keys\\": [{kid, n, e}]}}"}'
        await respond(send, status, answer)

    def _refusal(self, role_arn: str, params: dict[str, Any], use_json: bool) -> Any:
        """Return STS's answer where a token gives no right to a role. Bears ministack's signature."""
        role, provider = principals.role(role_arn), "anonymous"
        try:
            seconds = _seconds(iam._p(params, "DurationSeconds"))
            provider, claims = self.claims(
                iam._p(params, "WebIdentityToken"), principals.account_of(role_arn), time.time()
            )
            trusted = _is_trusted(role, provider, claims) if role else Decision(False, "because there is no such role")
            if role is None or not trusted.allowed:
                self._record.refuse(provider, _ACTION, trusted.why, role_arn)
                return _answer(403, "AccessDenied", f"Not authorized to perform {_ACTION}", use_json)
            if seconds > role["MaxSessionDuration"]:
                message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
                return _answer(400, "ValidationError", message, use_json)
        except TokenError as error:
            self._record.refuse(provider, _ACTION, str(error), role_arn)
            return _answer(400, error.code, str(error), use_json)
        return None


def _refused(scope: Scope) -> str | None:
    """Why a request is refused whatever its body is, and whether it is signed or not."""
    return refusal(scope, int(scope["server"][1]), is_own_page=True)


def _seconds(text: str) -> int:
    """Return how long a session is asked to be.

    Raises:
        TokenError: It is no length of a session.
    """
    seconds = int(text) if text.isascii() and text.isdigit() else 0
    if not text:
        return _DEFAULT_SECONDS
    if not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        wanted = f"Member must have value from {_SHORTEST_SECONDS} to {_LONGEST_SECONDS}"
        message = f"1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: {wanted}"
        raise TokenError("ValidationError", message)
    return seconds


def _is_trusted(role: dict[str, Any], provider: str, claims: dict[str, Any]) -> Decision:
    host = provider.partition("oidc-provider/")[2]
    names = (*_CLAIMS, *_OWN_CLAIMS.get(host, ()))
    context = {f"{host}:{name}": claims[name] for name in names if name in claims}
    asked = Check(_ACTION, role["Arn"], context)
    return lets_in(asked, role["AssumeRolePolicyDocument"], provider)


def _answer(status: int, code: str, message: str, use_json: bool) -> Any:
    if use_json:
        return error_response_json(code, message, status)
    return sts._error(status, code, message, ns="sts")


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Return a token's head, its claims, what is signed, and the signature."""
    try:
        head, claims, signature = token.split(".")
        return (
            dict(json.loads(_bytes(head))),
            dict(json.loads(_bytes(claims))),
            f"{head}.{claims}".encode(),
            _bytes(signature),
        )
    except (ValueError, TypeError):
        raise TokenError("InvalidIdentityToken", "The ID Token provided is not a valid JWT") from None


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _is_signature(signed: bytes, signature: bytes, key: dict[str, str]) -> bool:
    """Whether a signature is the key's: RSASSA-PKCS1-v1_5 with SHA-256, the encoding compared as a whole."""
    modulus, exponent = (int.from_bytes(_bytes(key[name]), "big") for name in ("n", "e"))
    length = (modulus.bit_length() + 7) // 8
    digest = _SHA256 + hashlib.sha256(signed).digest()
    encoded = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    found = pow(int.from_bytes(signature, "big"), exponent, modulus)
    return len(signature) == length and found.to_bytes(length, "big") == encoded
