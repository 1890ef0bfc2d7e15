"""One line says what Terraform's first error is."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchtab.errors import UsageError
from batchtab.terraform.command import terraform
from batchtab.terraform.log import first_error
from batchtab.terraform.session import Session

PRECONDITION = """
aws_batch_job_definition.job_definition: Refreshing state...

Error: Resource precondition failed

  on cdk.tf.json line 1621, in resource.aws_batch_job_definition.job_definition.lifecycle.precondition[55]:
1621:               "condition": "${anytrue(local.rule)}",
    ├────────────────
    │ local.rule is tuple with 2 elements

report: submit_function_arn,
arn:aws:lambda:eu-west-1:1:function:submit, is not in the
region of job_queue_arn.

Error: Another

no
"""
BOXED = "\n".join(f"\x1b[31m│\x1b[0m {line}" for line in PRECONDITION.splitlines())
SAID = (
    "Error: report: submit_function_arn, arn:aws:lambda:eu-west-1:1:function:submit, is not in the region of"
    " job_queue_arn."
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PRECONDITION, SAID),
        (BOXED, SAID),
        ("│ Error: Resource postcondition failed\n╵", "Error: Resource postcondition failed"),
        (
            "Error: creating IAM Role: AccessDenied\n\n  with aws_iam_role.role,\n\nmore",
            "Error: creating IAM Role: AccessDenied",
        ),
        ("Error: Provider\n  produced\n\nmore", "Error: Provider produced"),
        ("one\ntwo\n\n", "two"),
        ("", "it said nothing"),
    ],
)
def test_the_first_error_in_a_line(text: str, said: str) -> None:
    assert first_error(text) == said


# --- what all commands say in the same words

HERE = "stage example (account 123456789012, ap-northeast-2)"
STS = "validating provider credentials: retrieving caller identity from STS: operation error STS: GetCallerIdentity, "
HTTP = "https response error StatusCode: "
PROVIDER = """
│ Error: {}
│
│   with provider["registry.terraform.io/hashicorp/aws"],
│   on cdk.tf.json line 30, in provider.aws[0]:
{}
"""
# As Terraform prints it, which wraps what is below a title.
NO_CREDENTIALS = """
│ Error: failed to refresh cached credentials, no EC2 IMDS role found,
│ operation error ec2imds: GetMetadata, request send failed, Get
│ "http://169.254.169.254/latest/meta-data/": dial tcp: connection refused
"""
NO_SIGN_IN = """
│ Error: failed to refresh cached credentials, failed to read cached SSO
│ token file, open
│ /home/a/.aws/sso/cache/11f6ad8ec52a2984abaafd7c3b516503785c2072.json:
│ no such file or directory
"""
NO_BUCKET = """
│ The referenced S3 bucket must have been previously created.
│
│ Error: operation error S3: ListObjectsV2, https response error StatusCode: 404, RequestID: , HostID: , NoSuchBucket:
"""


@pytest.mark.parametrize(
    ("title", "below", "said", "hint"),
    [
        (
            "No valid credential sources found",
            NO_CREDENTIALS,
            f"there are no AWS credentials for {HERE}",
            "AWS_PROFILE=NAME, aws sso login",
        ),
        (
            "No valid credential sources found",
            NO_SIGN_IN,
            f"the sign-in to AWS for {HERE} has expired, or never was",
            "aws sso login",
        ),
        (
            "failed to get shared config profile, nope",
            "",
            "there is no AWS profile 'nope'",
            "aws configure list-profiles",
        ),
        (
            f"Retrieving AWS account details: {STS}{HTTP}403, RequestID: 1, api error ExpiredToken: It is expired",
            "",
            f"the AWS credentials for {HERE} have expired",
            "aws sso login",
        ),
        (
            f"{STS}{HTTP}403, RequestID: 1, api error InvalidClientTokenId: The token is invalid.",
            "",
            f"AWS does not know the credentials for {HERE}: The token is invalid. (InvalidClientTokenId)",
            "aws sso login",
        ),
        (
            "Invalid account ID",
            "│ AWS account ID not allowed: 000000000000",
            "the credentials belong to account 000000000000, and stage example is account 123456789012",
            "AWS_PROFILE=NAME of a profile of 123456789012",
        ),
        (
            'Failed to get existing workspaces: S3 bucket "my-company-terraform-state" does not exist.',
            NO_BUCKET,
            f"the state bucket my-company-terraform-state for {HERE} does not exist",
            "batchtab bootstrap --stage example",
        ),
        (
            f"{STS}exceeded maximum number of attempts, 5, {HTTP}0, RequestID: , request send failed, Post"
            ' "https://sts.x/": dial tcp: lookup sts.x: no such host',
            "",
            f'AWS cannot be reached for {HERE}: Post "https://sts.x/": dial tcp: lookup sts.x: no such host',
            "network, VPN, proxy?",
        ),
        (
            f"creating Batch Job Queue (x): operation error Batch: CreateJobQueue, {HTTP}403, RequestID: 1, api error"
            " AccessDeniedException: User u is not authorized",
            "",
            f"AWS denied CreateJobQueue to the credentials for {HERE}: User u is not authorized",
            "AWS_PROFILE=NAME",
        ),
        (
            'Error refreshing state: Unable to access object "x" in S3 bucket "b": operation error S3: HeadObject,'
            f" {HTTP}403, RequestID: , HostID: , api error Forbidden: Forbidden",
            "",
            f"AWS denied HeadObject to the credentials for {HERE}",
            "AWS_PROFILE=NAME",
        ),
    ],
)
def test_what_keeps_terraform_from_aws_is_said_as_all_commands_say_it(
    title: str, below: str, said: str, hint: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    refused = _failed(PROVIDER.format(title, below), project, monkeypatch)
    # THEN its sentence is the one of all commands, with the place of all that it said
    assert refused.message == f"terraform plan of environment: {said}"
    assert hint in refused.hint
    assert refused.hint.endswith("; all that Terraform said is in .batchtab/terraform.log")


@pytest.mark.parametrize(
    "error",
    [
        "Invalid index",
        'Failed to query provider packages: could not connect to registry.terraform.io: Get "https://x": dial tcp',
        f"creating Batch Job Queue (x): operation error Batch: CreateJobQueue, {HTTP}400, RequestID: 1,"
        " ClientException: priority is not valid",
    ],
)
def test_what_is_no_matter_of_the_way_to_aws_is_said_in_terraforms_words(
    error: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a failure after lines that speak of credentials, which are no error
    text = f"data.x: api error ExpiredToken: of a resource\n{PROVIDER.format(error, '')}"
    refused = _failed(text, project, monkeypatch)
    assert refused.message == f"terraform plan of environment failed: Error: {error}"
    assert refused.hint == "all that it said is in .batchtab/terraform.log"


def _failed(said: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> UsageError:
    """What a call of a Terraform raises that says this and fails."""
    session = Session.open("example", project)
    folder = project / "environment"
    folder.mkdir()
    (folder / "said").write_text(said)
    program = project / "terraform"
    program.write_text("#!/bin/sh\ncat said >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(program))
    with pytest.raises(UsageError) as refused:
        terraform(session, session.state / "terraform.log", folder, session.environment(), "plan")
    return refused.value
