"""Reads what Terraform says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batchtab.aws import answers

if TYPE_CHECKING:
    from batchtab.declarations.stage import StageConfig
    from batchtab.errors import UsageError

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: The resource that Terraform is at: `aws_vpc.vpc: Still creating...`.
BUSY = re.compile(r"((?:aws_|data\.)\S+): (?:Creating|Destroying|Modifying|Still \w+)")
_OF_A_CONDITION = ("condition failed", "Invalid value for variable")
# As the provider and the backend S3 say it: https://hashicorp.github.io/aws-sdk-go-base and AWS's SDK for Go.
_NO_CREDENTIALS = re.compile(r"No valid credential sources found|no EC2 IMDS role found")
_SIGNED_OUT = re.compile(r"SSO (?:session|token)[^\n]*(?:expired|invalid|failed|no such file)", re.IGNORECASE)
_NO_PROFILE = re.compile(r"failed to get shared config profile, (\S+)")
_OTHER_ACCOUNT = re.compile(r"AWS account ID not allowed: (\d{12})", re.IGNORECASE)
_NO_BUCKET = re.compile(r"S3 bucket (?:\S+ )?does not exist|api error NoSuchBucket")
_NO_ANSWER = re.compile(r"operation error [\w ]+: \w+, [^\n]*request send failed, (?P<reason>[^\n]+)")
_REFUSED = re.compile(
    r"operation error [\w ]+: (?P<operation>\w+), [^\n]*?StatusCode: \d+, "
    r"(?:RequestID: [^,\n]*, )?(?:HostID: [^,\n]*, )?(?:api error )?(?P<code>\w+): (?P<message>[^\n]*)"
)


def plain(text: str) -> str:
    """Text without the terminal's control sequences."""
    return _ANSI.sub("", text)


def first_error(text: str) -> str:
    """What Terraform's first error says in a line: its title, or the sentence below it where the title is always alike.

    Without an error it is the last line.
    """
    lines = _unboxed(text)
    found = next((i for i, line in enumerate(lines) if "Error:" in line), None)
    if found is None:
        said = [line for line in lines if line]
        return said[-1] if said else "it said nothing"
    title, *below = (" ".join(part.split()) for part in "\n".join(lines[found:]).split("\n\n"))
    sentences = [part for part in below if not part.startswith("on ")]
    return f"Error: {sentences[0]}" if title.endswith(_OF_A_CONDITION) and sentences else title


def of_aws(text: str, stage: StageConfig) -> UsageError | None:
    """What to say where Terraform's error is one of credentials, network or state bucket, in the words of all commands.

    Args:
        text: All that a failed Terraform said.
        stage: The stage.
    """
    _, _, whole = "\n".join(_unboxed(text)).partition("Error:")
    said = "\n".join(" ".join(part.split()) for part in whole.split("\n\n"))  # what is below a title is wrapped
    if other := _OTHER_ACCOUNT.search(said):
        return answers.another_account(other[1], stage)
    if profile := _NO_PROFILE.search(said):
        return answers.no_profile(profile[1])
    if _SIGNED_OUT.search(said):
        return answers.signed_out(stage)
    if _NO_CREDENTIALS.search(said):
        return answers.no_credentials(stage)
    if _NO_BUCKET.search(said):
        return answers.no_bucket(stage)
    if unanswered := _NO_ANSWER.search(said):
        return answers.unreachable(unanswered["reason"], stage)
    if refused := _REFUSED.search(said):
        return answers.of_code(refused["code"], refused["operation"], refused["message"], stage)
    return None


def _unboxed(text: str) -> list[str]:
    return [plain(line).strip(" │╷╵") for line in text.splitlines()]
