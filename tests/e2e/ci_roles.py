"""The roles of a stage's workflows on local AWS, taken as GitHub's machine takes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.e2e.checkout import Checkout
from tests.e2e.local_helpers import LocalAws
from tests.e2e.token_service import TokenService

ACCOUNT = "000000000000"
NAMESPACE = "batchtab-local"
REPOSITORY_ID = "456789"


@dataclass
class CiRoles:
    """Two roles that an administrator made, for a repository whose tokens local AWS knows.

    Attributes:
        checkout: The project.
        repository: GitHub's, as owner/name.
    """

    checkout: Checkout
    repository: str
    tokens: TokenService = field(default_factory=TokenService)

    def make(self, local: LocalAws, *options: str) -> None:
        """Makes the state bucket and the roles, as the first two things in an account."""
        self.tokens.register(local)
        roles = ["ci", "roles", "--repository", self.repository, "--repository-id", REPOSITORY_ID, "--yes", *options]
        for words in (["bootstrap"], roles):
            done = self.checkout.run(*words)
            assert done.returncode == 0, done.stdout + done.stderr

    def take(self, kind: str) -> dict[str, str]:
        """The variables with which a workflow's steps act as one of the roles: `plan` or `deploy`."""
        claims = {"sub": f"repo:{self.repository}:pull_request"} if kind == "plan" else {}
        answer = self.checkout.client("sts").assume_role_with_web_identity(
            RoleArn=self.arn(kind),
            RoleSessionName="GitHubActions",
            WebIdentityToken=self.tokens.token(self.repository, "local", **claims),
        )
        keys = answer["Credentials"]
        return {
            "BATCHTAB_LOCAL_CREDENTIALS": "environment",
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }

    def arn(self, kind: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{NAMESPACE}-ci-{kind}"

    def denied(self, *kinds: str) -> list[Any]:
        """What was denied to these roles, or to anybody if none is named."""
        roles = tuple(f"/{NAMESPACE}-ci-{kind}/" for kind in kinds) or ("",)
        found = self.checkout.ask("iam", "GET")["denied"]
        return [each for each in found if any(role in each["principal"] for role in roles)]


def use_network(checkout: Checkout) -> None:
    """Has a stage use the network that its account has, in the place of ids that only look like some."""
    ec2 = checkout.client("ec2")
    path = checkout.root / "config" / "local.yaml"
    text = path.read_text().replace("subnet-00000000", ec2.describe_subnets()["Subnets"][0]["SubnetId"])
    path.write_text(text.replace("sg-00000000", ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]))
