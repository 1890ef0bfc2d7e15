"""CloudFormation's dynamic references, such as `{{resolve:ssm:/team/token:3}}`, as secrets of jobs.yaml.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RESOLVE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")
_PARAMETER = re.compile(r"(?P<name>.+?)(?::(?P<version>[0-9]+))?")
#: Why a text with a reference in it is not carried, and what to do.
IN_A_TEXT = "CloudFormation writes a stored value into this text at deployment, and jobs.yaml does not"
IN_A_TEXT_TODO = "write the stored value into secrets, and let the program make {}'s text of it"
_OPENING = "{{resolve:"
_KEYS = 3  # what follows a secret's name: a key of its JSON, a version's stage, a version's id
_SECRET_ARN_PARTS = 7


@dataclass(frozen=True, slots=True)
class Reference:
    """A secret that CloudFormation reads at deployment.

    Attributes:
        secret: As jobs.yaml names it.
        version: The version of an SSM parameter that the source asks for, which jobs.yaml cannot; empty for the latest.
    """

    secret: str
    version: str = ""

    def how(self, name: str) -> str:
        """How jobs.yaml has it, as the secret `name`."""
        latest = f", in its latest version: jobs.yaml cannot ask for version {self.version}" if self.version else ""
        return f"secrets.{name}: {self.secret}, read at each start, not at deployment{latest}"

    @property
    def todo(self) -> str:
        """What a person has to do; empty if nothing."""
        if not self.version:
            return ""
        parameter = self.secret.removeprefix("ssm:")
        compare = f"compare it with the latest: `aws ssm get-parameter --name {parameter}:{self.version}"
        return f"{compare} --with-decryption`; if they differ, store its value in a parameter of its own"


def reference_in(text: str) -> Reference | None:
    """The reference that a text is as a whole; None for any other text."""
    match = _RESOLVE.fullmatch(text.strip())
    if match is None:
        return None
    return _of_secrets_manager(match[2]) if match[1] == "secretsmanager" else parameter(match[2])


def has_reference(value: object) -> bool:
    """Whether a text has a reference in it, in place of which CloudFormation writes a value."""
    return isinstance(value, str) and _OPENING in value


def parameter(text: str) -> Reference:
    """A parameter of SSM by its name or ARN, with or without a version."""
    match = _PARAMETER.fullmatch(text.strip())
    name, version = (match["name"].strip(), match["version"] or "") if match else (text.strip(), "")
    return Reference(name if name.startswith(("arn:", "/")) else f"ssm:{name}", version)


def _of_secrets_manager(text: str) -> Reference:
    """Of `name-or-arn:SecretString:json-key:version-stage:version-id`."""
    parts = [each.strip() for each in text.split(":")]
    count = _SECRET_ARN_PARTS if parts[0] == "arn" else 1
    name, rest = ":".join(parts[:count]), parts[count + 1 :]
    suffix = ":" + ":".join([*rest, *[""] * _KEYS][:_KEYS]) if any(rest) else ""
    return Reference(f"{name}{suffix}" if parts[0] == "arn" else f"secretsmanager:{name}{suffix}")
