"""Two roles for GitHub Actions, one that plans and one that deploys, without keys that could leak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.aws import IamOpenidConnectProvider, IamPolicy, IamRole, IamRolePolicyAttachment
from batchtab.constructs._terraform.documents import Conditional, document
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    any_of,
    as_map,
    as_number,
    choose,
    is_expression,
    is_set,
    negate,
    not_empty,
)
from batchtab.constructs._terraform.policies import policy, statements_where
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource, ensure, require
from batchtab.constructs.ci_roles import github
from batchtab.constructs.ci_roles.alerts import alert_statements
from batchtab.constructs.ci_roles.boundary import boundary_statements
from batchtab.constructs.ci_roles.names import Names
from batchtab.constructs.ci_roles.privileges import network_statements, passing_statements, role_statements
from batchtab.constructs.ci_roles.reads import read_statements
from batchtab.constructs.ci_roles.writes import image_statements, write_statements

_ISSUER = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"
_SESSION_SECONDS = 3600


class CiRoles(BatchtabConstruct):
    """What a workflow takes instead of keys: GitHub signs who it is, and AWS lends it a role for an hour.

    `<namespace>-ci-plan` reads what the stacks made and their state, and changes nothing; pull requests of the
    repository and its main branch may take it. `<namespace>-ci-deploy` makes, changes and removes what the stacks make;
    only a job in the repository's environment may take it, which GitHub gives to whom the environment's rules let in,
    and only of the workflow `deploy.yml` as it is on the main branch.
    Neither can change the two roles themselves.

    See https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        namespace: str,
        stage: str,
        github_repository: str,
        state_bucket: str,
        repository_names: Sequence[str] | Expression,
        region: str | None = None,
        pulled_repository_names: Sequence[str] | Expression = (),
        branch: str = github.DEFAULT_BRANCH,
        environment: str | None = None,
        repository_id: str | None = None,
        owner_id: str | None = None,
        deploy_workflow: str | None = github.DEFAULT_WORKFLOW,
        deploys_from_branch: bool | Expression = True,
        manages_network: bool | Expression = False,
        oidc_provider_arn: str | None = None,
        permissions_boundary_arn: str | None = None,
        make_permissions_boundary: bool | Expression = False,
        boundary_actions: Sequence[str] | Expression = (),
        passable_role_arns: Sequence[str] | Expression = (),
        terraform_names_environments: bool | Expression = True,
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the roles.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: The stage's: all names of what its stacks make begin with it.
            stage: The stage's name; its state is below it in the bucket.
            github_repository: `owner/name`. If the repository is renamed, change this too.
            state_bucket: Bucket of the remote state.
            repository_names: Image repositories that the stage makes and pushes to. If two stages name
                one, both can change it.
            region: Region that the stage is deployed to; None is the provider's.
            pulled_repository_names: Image repositories that are made elsewhere, as by another stage of the account:
                this stage reads and pulls from them. Who can push to them decides what this stage runs.
            branch: Its workflows may deploy, and plan for drift; pull requests may plan too.
            environment: GitHub's environment whose jobs may deploy; None is the stage's name.
            repository_id: The repository's number, so that no later one of this name gets access:
                `gh api repos/OWNER/NAME --jq .id`.
            owner_id: The owner's number, `--jq .owner.id`. With it the immutable subjects are expected,
                `repo:owner@owner_id/name@repository_id:…`, which repositories since July 15, 2026 have.
            deploy_workflow: The workflow's file whose jobs may deploy; None is any.
            deploys_from_branch: Whether only runs on `branch` may deploy, of the workflow as it is there. Without it
                the environment's rules are all that keeps other branches from deploying.
            manages_network: Whether the stage makes its own VPC.
            oidc_provider_arn: Used instead of a provider made here; an account can have just one for GitHub.
            permissions_boundary_arn: For both roles; a deployment can then make only roles with it.
            make_permissions_boundary: Makes `<namespace>-ci-boundary`: a deployment can then make and change only roles
                with it, and can't change it. The stage's roles must have it; the two roles made here do not.
            boundary_actions: More actions that the boundary allows, beside what jobs usually need.
            passable_role_arns: Roles that are made elsewhere and that jobs may have, as job or execution role.
            terraform_names_environments: Whether compute environments have names that Terraform makes, as those of the
                module `batch_environment`: a deployment then knows them by their tag, and could give this tag to one
                that is not the stage's and has a name of that kind too. Those of a `BatchEnvironment` in a stage begin
                with the namespace.
            tags: On everything.

        Raises:
            ValueError: a known value is outside what AWS or GitHub allows, or there is an `owner_id` alone.
        """
        super().__init__(scope, id_)
        check("namespace", namespace, limits.NAMESPACE_ANY)
        check("stage", stage, limits.STAGE_NAME)
        if stage == limits.RESERVED_NAME:
            raise ValueError(f"stage: {stage!r} is reserved: the states of the roles for workflows are below ci/")
        for name, text, limit in (
            ("github_repository", github_repository, github.REPOSITORY),
            ("branch", branch, github.BRANCH),
            ("environment", environment, github.ENVIRONMENT),
            ("repository_id", repository_id, github.ID),
            ("owner_id", owner_id, github.ID),
            ("deploy_workflow", deploy_workflow, github.WORKFLOW),
            ("state_bucket", state_bucket, limits.BUCKET_NAME),
            ("region", region, limits.REGION),
            ("oidc_provider_arn", oidc_provider_arn, limits.OIDC_PROVIDER_ARN),
            ("permissions_boundary_arn", permissions_boundary_arn, limits.POLICY_ARN),
        ):
            check(name, text, limit)
        if make_permissions_boundary is True and is_set(permissions_boundary_arn) is True:
            raise ValueError("permissions_boundary_arn and make_permissions_boundary: give one of the two")
        for name, values, limit in (
            ("repository_names", repository_names, limits.REPOSITORY_NAME),
            ("pulled_repository_names", pulled_repository_names, limits.REPOSITORY_NAME),
            ("boundary_actions", boundary_actions, limits.IAM_ACTION),
            ("passable_role_arns", passable_role_arns, limits.ROLE_ARN),
        ):
            for value in () if is_expression(values) else values:
                check(name, value, limit)
        self._namespace, self._boundary, self._tags = namespace, permissions_boundary_arn, tags
        provider = create_resource(
            self,
            IamOpenidConnectProvider,
            "oidc_provider",
            when=negate(is_set(oidc_provider_arn)),
            url=f"https://{_ISSUER}",
            client_id_list=[_AUDIENCE],
            tags=as_map(tags),
        )
        #: The provider's ARN, made here or not.
        self.oidc_provider_arn = choose(is_set(oidc_provider_arn), oidc_provider_arn, provider.get("arn"))

        subject = github.subject(github_repository, owner_id, repository_id)
        self.plan_role = self._role(
            "plan",
            {
                "sub": [f"{subject}:pull_request", f"{subject}:ref:refs/heads/{branch}"],
                "repository_id": Conditional(is_set(repository_id), repository_id),
            },
        )
        account = Account.of_arn(self, self.plan_role["arn"], region=region)
        names = Names(account, namespace)
        job_environment = choose(is_set(environment), environment, stage)
        ref = f"refs/heads/{branch}"
        file = choose(is_set(deploy_workflow), deploy_workflow, github.DEFAULT_WORKFLOW)  # null is in no text
        workflow = f"{github_repository}/.github/workflows/{file}@{ref}"
        self.deploy_role = self._role(
            "deploy",
            {
                "sub": [f"{subject}:environment:{job_environment}"],
                "repository_id": Conditional(is_set(repository_id), repository_id),
                "ref": Conditional(deploys_from_branch, ref),
                "job_workflow_ref": Conditional(all_of(deploys_from_branch, is_set(deploy_workflow)), workflow),
            },
        )
        both_ids = any_of(negate(is_set(owner_id)), is_set(repository_id))
        require(self.deploy_role, both_ids, "owner_id: needs repository_id too: GitHub's subject has both or none")
        some = any_of(not_empty(repository_names), not_empty(pulled_repository_names))
        require(self.deploy_role, some, "repository_names, pulled_repository_names: name at least one.")
        state = {"state_bucket": state_bucket, "stage": stage}
        both = {"plan": self.plan_role, "deploy": self.deploy_role}
        deploy = {"deploy": self.deploy_role}
        # Policies of their own, because all inline ones of a role together may have 10,240 characters.
        images = {"repository_names": repository_names, "pulled_repository_names": pulled_repository_names}
        self._policy("read", both, read_statements(names, repository_names=[*images.values()], **state))
        on_stage = write_statements(
            names, namespace=namespace, terraform_names_environments=terraform_names_environments, **state
        )
        self._policy("write", deploy, statements_where(on_stage))
        self._policy("alerts", deploy, alert_statements(names, namespace=namespace))
        self._policy("images", deploy, statements_where(image_statements(names, **images)))
        #: The ARN of the boundary that the stage's roles must have, made here or not; None where there is none.
        self.boundary_arn = choose(make_permissions_boundary, names.boundary, permissions_boundary_arn)
        on_roles = role_statements(
            names,
            namespace=namespace,
            boundary=self.boundary_arn,
            is_bounded=any_of(make_permissions_boundary, is_set(permissions_boundary_arn)),
        )
        self._policy("roles", deploy, statements_where(on_roles))
        self._policy("passing", deploy, passing_statements(passable_role_arns), when=not_empty(passable_role_arns))
        most = boundary_statements(names, namespace=namespace, state_bucket=state_bucket, more_actions=boundary_actions)
        self._policy("boundary", {}, most, when=make_permissions_boundary)
        self._policy("network", deploy, network_statements(names, namespace=namespace), when=manages_network)

    def _role(self, kind: str, claims: Mapping[str, Any]) -> ResourceRef:
        """A role that GitHub's token gives if it makes these claims.

        See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
        """
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": self.oidc_provider_arn},
            "Condition": {
                "StringEquals": {f"{_ISSUER}:{name}": value for name, value in {"aud": _AUDIENCE, **claims}.items()}
            },
        }
        return create_resource(
            self,
            IamRole,
            f"{kind}_role",
            name=f"{self._namespace}-ci-{kind}",
            description=f"GitHub Actions: {kind}",
            assume_role_policy=document({"Version": "2012-10-17", "Statement": [trust]}),
            max_session_duration=as_number(_SESSION_SECONDS),
            permissions_boundary=self._boundary,
            tags=as_map(self._tags),
        )

    def _policy(
        self,
        name: str,
        roles: Mapping[str, ResourceRef],
        statements: Any,
        when: Condition = True,
    ) -> None:
        made = create_resource(
            self,
            IamPolicy,
            f"{name}_policy",
            when=when,
            name=f"{self._namespace}-ci-{name}",
            description=f"GitHub Actions: {name}",
            policy=policy(statements),
            tags=as_map(self._tags),
        )
        fewer = "name fewer repositories, passable_role_arns or boundary_actions"
        ensure(
            made,
            Expression.of(f"length(self.policy) <= {limits.MANAGED_POLICY_CHARACTERS}"),
            f"the policy {name} has ${{length(self.policy)}} characters, and IAM takes"
            f" {limits.MANAGED_POLICY_CHARACTERS}: {fewer}.",
        )
        for kind, role in roles.items():
            create_resource(
                self,
                IamRolePolicyAttachment,
                f"{kind}_role_{name}_policy",
                when=when,
                role=role["name"],
                policy_arn=made.get("arn"),
            )
