"""The HCL examples, applied and destroyed by the role that the module `ci_roles` makes for such a project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import ACCOUNT, REGION, LocalAws
from tests.e2e.token_service import TokenService
from tests.hcl.terraform import EXAMPLE_FILES, EXAMPLES, Terraform, copy, copy_modules

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
# What an example makes beside the modules is not in the role: a project adds it.
OWN_TOPIC = {"Effect": "Allow", "Action": "sns:*", "Resource": f"arn:aws:sns:{REGION}:{ACCOUNT}:shop-oncall"}
COMPLETE: dict[str, Any] = {
    "image_tags": {"orders": "v1", "reports": "v1"},
    "slack_webhook_secret_arn": f"{SECRET}slack-a1b2c3",
    "reports_token_arn": f"{SECRET}reports-a1b2c3",
    "sales_bucket_arn": "arn:aws:s3:::sales",
}


@pytest.mark.parametrize(
    ("name", "namespace", "repositories", "variables", "own"),
    [
        ("hcl-minimal", "nightly", ["batchtab-runner"], {}, []),
        ("hcl-complete", "shop", ["orders", "reports"], COMPLETE, [OWN_TOPIC]),
    ],
    ids=["hcl-minimal", "hcl-complete"],
)
def test_the_role_suffices(
    name: str,
    namespace: str,
    repositories: list[str],
    variables: dict[str, Any],
    own: list[dict[str, Any]],
    tmp_path: Path,
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
) -> None:
    # GIVEN the roles of a project, made by the module, and the network of its account
    copy_modules(tmp_path)
    make_roles(tmp_path / "examples" / "roles", terraform_environment, namespace, repositories, local_aws)
    if own:
        local_aws.client("iam").put_role_policy(
            RoleName=f"{namespace}-ci-deploy", PolicyName="own", PolicyDocument=document(own)
        )
    folder = copy(EXAMPLES / name, tmp_path / "examples" / name, EXAMPLE_FILES)
    ec2 = local_aws.client("ec2")
    network = {
        "subnet_ids": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
        "security_group_ids": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
    }
    (folder / "terraform.tfvars.json").write_text(json.dumps({**network, **variables}))
    # WHEN it is applied and destroyed by the one that deploys, with the tag that the role knows
    tag = {"TF_AWS_DEFAULT_TAGS_batchtab:namespace": namespace}
    # A provider that serves several tests looks for the modules' archives in another folder.
    keys = deploy_keys(local_aws, namespace)
    terraform = Terraform(folder, {**terraform_environment, **keys, **tag}, keeps_provider=False)
    terraform.init()
    terraform.do("apply", "-auto-approve", "-input=false")
    terraform.plan_is_empty()
    terraform.do("destroy", "-auto-approve", "-input=false")
    # THEN nothing was denied
    assert local_aws.denied(applies=True) == []


def make_roles(
    folder: Path, environment: dict[str, str], namespace: str, repositories: list[str], local: LocalAws
) -> None:
    """Makes the roles, as the module's page says."""
    folder.mkdir(parents=True)
    providers = local.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    inputs = {
        "source": "../../modules/ci_roles",
        "namespace": namespace,
        "stage": "prod",
        "github_repository": "my-company/jobs",
        "state_bucket": "my-company-terraform-state",
        "region": REGION,
        "repository_names": repositories,
        "oidc_provider_arn": providers[0]["Arn"] if providers else None,
    }
    (folder / "main.tf.json").write_text(json.dumps({"module": {"ci_roles": inputs}}))
    terraform = Terraform(folder, environment)
    terraform.init()
    terraform.do("apply", "-auto-approve", "-input=false")


def deploy_keys(local: LocalAws, namespace: str) -> dict[str, str]:
    """The keys of the role that deploys, as a workflow gets them."""
    service = TokenService()
    service.register(local)
    keys = local.client("sts").assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{namespace}-ci-deploy",
        RoleSessionName="GitHubActions",
        WebIdentityToken=service.token("my-company/jobs", "prod"),
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
