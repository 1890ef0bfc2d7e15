"""AssumeRoleWithWebIdentity on local AWS: tokens as GitHub signs them."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.e2e.local_helpers import ACCOUNT, REGION, LocalAws, policy, unique
from tests.e2e.token_service import GITHUB, TokenService

pytestmark = pytest.mark.e2e

_HOST = GITHUB.removeprefix("https://")
_PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{_HOST}"


@pytest.fixture(scope="module")
def service(local: LocalAws) -> TokenService:
    """A token service whose keys local AWS knows, and a provider for it."""
    made = TokenService()
    made.register(local)
    local.client("iam").create_open_id_connect_provider(Url=GITHUB, ClientIDList=["sts.amazonaws.com"])
    return made


def role(local: LocalAws, **claims: Any) -> str:
    """Make a role that a token with these claims may take; returns its ARN."""
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": _PROVIDER},
        "Condition": {"StringEquals": {f"{_HOST}:{name}": value for name, value in claims.items()}},
    }
    made = local.client("iam").create_role(RoleName=unique("ci"), AssumeRolePolicyDocument=policy(statement))
    return str(made["Role"]["Arn"])


def take(local: LocalAws, role_arn: str, token: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = local.client("sts").assume_role_with_web_identity(
        RoleArn=role_arn, RoleSessionName="run", WebIdentityToken=token, **more
    )
    return answer


def error(local: LocalAws, role_arn: str, token: str, **more: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        take(local, role_arn, token, **more)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


_DENIED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def test_token_gives_the_credentials_of_the_role(local: LocalAws, service: TokenService) -> None:
    # GIVEN a role that trusts an environment of a repository
    arn = role(local, aud="sts.amazonaws.com", sub="repo:my-company/jobs:environment:prod")
    # WHEN a run in that environment takes it
    made = take(local, arn, service.token())["Credentials"]
    # THEN its credentials are the role's
    sts = boto3.session.Session().client(
        "sts",
        endpoint_url=local.endpoint,
        region_name=REGION,
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{arn.rpartition('/')[2]}/run"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "repo:my-company/jobs:pull_request"},
        {"sub": "repo:my-company@123456/jobs@456789:environment:prod"},
        {"ref": "refs/heads/other"},
        {"job_workflow_ref": "my-company/jobs/.github/workflows/evil.yml@refs/heads/main"},
        {"repository_id": "1"},
    ],
)
def test_token_with_another_claim_is_denied(local: LocalAws, service: TokenService, claims: dict[str, str]) -> None:
    # GIVEN a role that pins environment, branch, workflow and repository
    workflow = "my-company/jobs/.github/workflows/deploy.yml@refs/heads/main"
    arn = role(
        local,
        sub="repo:my-company/jobs:environment:prod",
        ref="refs/heads/main",
        job_workflow_ref=workflow,
        repository_id="456789",
    )
    # WHEN one of them differs, THEN the role is not given; it is where none does
    assert error(local, arn, service.token(**claims)) == _DENIED
    assert take(local, arn, service.token())["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_claim_that_is_no_condition_key_is_absent(local: LocalAws, service: TokenService) -> None:
    # GIVEN a trust on a claim that GitHub gives, and AWS does not know as a key
    arn = role(local, workflow_ref="my-company/jobs/.github/workflows/deploy.yml@refs/heads/main")
    # WHEN a token has just that claim, THEN it is of no use
    assert error(local, arn, service.token()) == _DENIED


def test_role_that_is_not_there_is_denied_like_any_other(local: LocalAws, service: TokenService) -> None:
    assert error(local, f"arn:aws:iam::{ACCOUNT}:role/none", service.token()) == _DENIED
    # AND so is a role of another path, or account, than that of the ARN
    arn = role(local, aud="sts.amazonaws.com")
    assert error(local, arn.replace(":role/", ":role/mine/"), service.token()) == _DENIED
    # AND what was refused is recorded
    denied = local.get("iam")["denied"][-1]
    assert (denied["action"], denied["principal"]) == ("sts:AssumeRoleWithWebIdentity", _PROVIDER)


def test_token_that_cannot_be_verified_is_refused(local: LocalAws, service: TokenService) -> None:
    arn = role(local, aud="sts.amazonaws.com")
    head, claims, signature = service.token().split(".")
    # GIVEN tokens of which something is wrong
    wrong = {
        "No OpenIDConnect provider found in your account for https://other.example": service.token(
            iss="https://other.example"
        ),
        "Incorrect token audience": service.token(aud="https://github.com/my-company"),
        "The web identity token that was passed could not be validated": f"{head}.{claims}.{signature[::-1]}",
        "Couldn't retrieve verification key": TokenService(key_id="stranger").token(),
        "The ID Token provided is not a valid JWT": "no.token",
    }
    # WHEN they are used, THEN STS says what
    for expected, token in wrong.items():
        code, message = error(local, arn, token)
        assert (code, message[: len(expected)]) == ("InvalidIdentityToken", expected)
    assert error(local, arn, service.token(exp=int(time.time()) - 1))[0] == "ExpiredTokenException"


def test_session_may_not_be_longer_than_the_role_allows(local: LocalAws, service: TokenService) -> None:
    arn = role(local, aud="sts.amazonaws.com")
    for seconds in (7200, 100_000):
        assert error(local, arn, service.token(), DurationSeconds=seconds)[0] == "ValidationError"
    assert take(local, arn, service.token(), DurationSeconds=900)["Credentials"]


def test_operation_without_a_signature_is_this_one_alone(local: LocalAws) -> None:
    # WHEN another operation of STS comes without a signature, THEN it is refused
    kind = {"content-type": "application/x-www-form-urlencoded"}
    status, _ = local.request("POST", "/", b"Action=AssumeRole&RoleArn=x&RoleSessionName=y&Version=2011-06-15", kind)
    assert status == 403
    # AND so is this one with a body that is none of it, and from a page of another site
    operation = f"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::{ACCOUNT}:role/x"
    body = f"{operation}&RoleSessionName=y&WebIdentityToken=".encode()
    assert local.request("POST", "/", body + b"x" * 100_000, kind)[0] == 403
    assert local.request("POST", "/", body, {**kind, "origin": "http://evil.example"})[0] == 403
    # AND a length of the session that is no number is an answer of STS's
    for seconds in (b"long", b"60", b"-1", b"43201"):
        status, answer = local.request("POST", "/", body + b"x.y.z&DurationSeconds=" + seconds, kind)
        assert (status, b"durationSeconds" in answer) == (400, True)
