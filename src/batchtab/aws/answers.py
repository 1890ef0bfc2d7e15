"""Answers in one line to what AWS refuses, and to what keeps a call from reaching it.

botocore's exceptions are known by their names, so that a command that calls no AWS does not import it. Some wrong
variables end in an exception of Python's own: an answer is given where botocore's code, and none of ours, raised it.
"""

from __future__ import annotations

import os
import re
import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING

from batchtab.errors import UsageError

if TYPE_CHECKING:
    from batchtab.aws.client import Aws
    from batchtab.declarations.stage import StageConfig

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidGrantException"}
_CLOCK = {"RequestExpired", "RequestTimeTooSkewed"}
_UNKNOWN = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
#: Codes with which services deny a call.
DENIED = {
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Forbidden",
    "ForbiddenException",
    "NotAuthorized",
    "UnauthorizedException",
    "UnauthorizedOperation",
}
_MISSING = ("NotFoundException", "ResourceNotFound", "NonExistentQueue", "QueueDoesNotExist", "NoSuchEntity")
_ABSENT = re.compile(r"not exist|not found")
_SIGNED_OUT = {"SSOError", "LoginError", "TokenRetrievalError", "NoAuthTokenError"}
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError"}
_UNREADABLE = {"CredentialRetrievalError", "MetadataRetrievalError", "RefreshWithMFAUnsupportedError"}
# What cannot be read as AWS's answer is mostly a proxy's page.
_NETWORK = {"ConnectionError", "HTTPClientError", "IncompleteReadError", "ResponseParserError"}
_OURS = {"ParamValidationError", "StubResponseError", "UnknownServiceError", "UnknownClientMethodError"}

_place: ContextVar[tuple[StageConfig, Aws] | None] = ContextVar("place", default=None)


def at(stage: StageConfig, aws: Aws) -> None:
    """Notes the stage that a command works on, for what `answer` says."""
    _place.set((stage, aws))


def nowhere() -> None:
    """Forgets the stage of the command before, in a program that runs several."""
    _place.set(None)


def answer(error: BaseException) -> UsageError | None:
    """What to say of an exception of botocore; None of any other, and of one that is a fault of Batchtab's own."""
    modules = ("botocore.exceptions", "botocore.parsers")
    kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__ in modules}
    if kinds & _OURS or not (kinds or _is_in_botocore(error)):
        return None
    place = _place.get()
    stage = place[0] if place else None
    if "ClientError" not in kinds:
        return _of_client(error, kinds, stage)
    said = getattr(error, "response", {}).get("Error", {})
    code, message = str(said.get("Code", "?")), str(said.get("Message", "")).strip()
    operation = str(getattr(error, "operation_name", "?"))
    if found := of_code(code, operation, message, stage):
        return found
    if code == "NoSuchBucket" and place:
        return no_bucket(place[0])
    is_missing = code.endswith(_MISSING) or (code == "ClientException" and _ABSENT.search(message))  # Batch's
    if is_missing:
        return not_deployed(f"{operation}: {(message or code).rstrip('.')}")
    if code == "400" and operation.startswith("Head"):  # no body, so no code: S3 answers HEAD so when a token is over
        return UsageError(f"AWS refused {operation}{_for(stage)}: the credentials may have expired (400)", _sign_in())
    return UsageError(f"AWS refused {operation}{_for(stage)}: {message or 'no reason is given'} ({code})")


def _is_in_botocore(error: BaseException) -> bool:
    """Whether botocore, or what it calls, could not read a file or a value, as a variable or a profile names it."""
    if not isinstance(error, (OSError, ValueError)):
        return False
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    callers = [name.partition(".")[0] for name in modules]
    return next((name == "botocore" for name in reversed(callers) if name in ("batchtab", "botocore")), False)


def of_code(code: str, operation: str, message: str, stage: StageConfig | None) -> UsageError | None:
    """What to say of an error code of AWS that is about credentials; None of any other.

    Args:
        code: Such as `ExpiredToken`.
        operation: What was called.
        message: What AWS says.
        stage: The stage, where one is known.
    """
    if code in _EXPIRED:
        return expired(stage)
    if code in _CLOCK or (code in _UNKNOWN and "xpired" in message):
        return UsageError(f"AWS says that {operation}{_for(stage)} was signed too long ago", "is this clock right?")
    if code in _UNKNOWN:
        return UsageError(f"AWS does not know the credentials{_for(stage)}: {message or code} ({code})", _sign_in())
    if code in DENIED:
        reason = f": {message}" if message and message != "Forbidden" else ""
        hint = "a profile or a role that may do it: AWS_PROFILE=NAME"
        return UsageError(f"AWS denied {operation} to the credentials{_for(stage)}{reason}", hint)
    return None


def no_credentials(stage: StageConfig | None) -> UsageError:
    """There are none in the environment, in files, and from the machine."""
    return UsageError(f"there are no AWS credentials{_for(stage)}", _sign_in())


def expired(stage: StageConfig | None) -> UsageError:
    """They were good once, or the sign-in behind them was."""
    return UsageError(f"the AWS credentials{_for(stage)} have expired", _sign_in())


def signed_out(stage: StageConfig | None, command: str = "aws sso login") -> UsageError:
    """A profile's credentials come by a sign-in, and there is none that is still good."""
    return UsageError(f"the sign-in to AWS{_for(stage)} has expired, or never was", _sign_in(command))


def no_profile(name: str) -> UsageError:
    """`AWS_PROFILE` names what no file has."""
    return UsageError(f"there is no AWS profile '{name}'", "aws configure list-profiles; AWS_PROFILE=NAME")


def unreachable(reason: str, stage: StageConfig | None) -> UsageError:
    """No answer came."""
    local = stage is not None and stage.is_local
    hint = "batchtab up starts local AWS" if local else "network, VPN, proxy? AWS_ENDPOINT_URL?"
    return UsageError(f"AWS cannot be reached{_for(stage)}: {reason}", hint)


def another_account(actual: str, stage: StageConfig) -> UsageError:
    """The credentials are good, and not the stage's."""
    text = f"the credentials belong to account {actual}, and stage {stage.name} is account {stage.account_id}"
    return UsageError(text, f"AWS_PROFILE=NAME of a profile of {stage.account_id}")


def no_bucket(stage: StageConfig) -> UsageError:
    """Nothing keeps the stage's states yet."""
    return UsageError(
        f"the state bucket {stage.state.bucket}{_for(stage)} does not exist", f"batchtab bootstrap --stage {stage.name}"
    )


def not_deployed(what: str) -> UsageError:
    """Something of the command's stage is not there; before that, its state bucket may be missing.

    Args:
        what: What is not there, as a sentence.
    """
    place = _place.get()
    if place is None:
        return UsageError(f"{what}: not deployed", "batchtab deploy")
    stage, aws = place
    if stage.is_local:
        return UsageError(f"{what}: not deployed to stage {stage.name}", f"batchtab up --stage {stage.name}")
    command = "deploy" if _has_bucket(stage, aws) else "bootstrap"
    return UsageError(f"{what}: not deployed to {_named(stage)}", f"batchtab {command} --stage {stage.name}")


def _has_bucket(stage: StageConfig, aws: Aws) -> bool:
    """Whether a stage's state bucket is there; yes where nobody says, for who may look at runs may not look at it."""
    try:
        return aws.bucket_exists(stage.state.bucket, stage.account_id)
    except Exception as error:
        if answer(error) is None:
            raise
        return True


def _of_client(error: BaseException, kinds: set[str], stage: StageConfig | None) -> UsageError:
    """What kept a call from being sent, or its answer from being read."""
    text = str(error).rstrip(".")
    if "ProfileNotFound" in kinds:
        return no_profile(str(getattr(error, "kwargs", {}).get("profile", "?")))
    if kinds & _NO_CREDENTIALS:
        return no_credentials(stage)
    if kinds & _SIGNED_OUT:
        return signed_out(stage, "aws login" if "LoginError" in kinds else "aws sso login")
    if kinds & _UNREADABLE:
        return UsageError(f"the AWS credentials{_for(stage)} cannot be read: {text}", _sign_in())
    if kinds & _NETWORK:
        return unreachable(text, stage)
    return UsageError(f"AWS cannot be called{_for(stage)}: {text}", "AWS_… of the environment, ~/.aws/config")


def _sign_in(command: str = "aws sso login") -> str:
    if os.environ.get("AWS_ACCESS_KEY_ID"):  # they win over a profile, and a login changes nothing
        return "set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or unset them for AWS_PROFILE=NAME"
    profile = os.environ.get("AWS_PROFILE")
    return f"{command} --profile {profile}" if profile else f"AWS_PROFILE=NAME, {command}"


def _for(stage: StageConfig | None) -> str:
    return f" for {_named(stage)}" if stage else ""


def _named(stage: StageConfig) -> str:
    return f"stage {stage.name} (account {stage.account_id}, {stage.region})"
