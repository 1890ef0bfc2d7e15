"""The roles' inputs and outputs as a Terraform module."""

from __future__ import annotations

from dataclasses import replace

from batchtab import limits
from batchtab.constructs._terraform.derived import variable_of
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.module_stack import ModuleStack, Validation, Variable, matching, requires
from batchtab.constructs._terraform.resources import require
from batchtab.constructs.ci_roles import github
from batchtab.constructs.ci_roles.construct import CiRoles
from batchtab.declarations.function_arguments import TaggedArguments


def _each(name: str, limit: limits.Text) -> Validation:
    test = f"alltrue([for each in var.{name} : can(regex({hcl(limit.pattern)}, each))])"
    return requires(test, f"{name}: each must be {limit.meaning}.")


VARIABLES = (
    Variable(
        "namespace",
        "string",
        "The stage's namespace; all names of what its stacks make begin with it.",
        validations=[matching("namespace", limits.NAMESPACE_ANY)],
    ),
    Variable(
        "stage",
        "string",
        "The stage's name; its state is below it in the bucket.",
        validations=[
            matching("stage", limits.STAGE_NAME),
            requires(
                f'var.stage != "{limits.RESERVED_NAME}"',
                "stage: 'ci' is reserved: the states of the roles for workflows are below ci/.",
            ),
        ],
    ),
    Variable(
        "github_repository",
        "string",
        "The repository whose workflows may take the roles, as `owner/name`.",
        validations=[matching("github_repository", github.REPOSITORY)],
    ),
    Variable(
        "state_bucket",
        "string",
        "Bucket of the remote state.",
        validations=[matching("state_bucket", limits.BUCKET_NAME)],
    ),
    Variable(
        "region",
        "string",
        "Region that the stage is deployed to.",
        validations=[matching("region", limits.REGION)],
    ),
    Variable(
        "repository_names",
        "list(string)",
        "Image repositories that the stage makes and pushes to. If two stages name one, both can change it.",
        validations=[_each("repository_names", limits.REPOSITORY_NAME)],
    ),
    Variable(
        "pulled_repository_names",
        "list(string)",
        "Image repositories that are made elsewhere, as by another stage of the account: this stage reads and pulls"
        " from them. Who can push to them decides what this stage runs.",
        [],
        [_each("pulled_repository_names", limits.REPOSITORY_NAME)],
    ),
    Variable(
        "branch",
        "string",
        "Branch whose workflows may deploy, and plan for drift; pull requests may plan too.",
        github.DEFAULT_BRANCH,
        [matching("branch", github.BRANCH)],
    ),
    Variable(
        "environment",
        "string",
        "GitHub's environment whose jobs may deploy; null: the stage's name.",
        None,
        [matching("environment", github.ENVIRONMENT, nullable=True)],
    ),
    Variable(
        "repository_id",
        "string",
        "The repository's number, so that no later one of this name gets access: `gh api repos/OWNER/NAME --jq .id`.",
        None,
        [matching("repository_id", github.ID, nullable=True)],
    ),
    Variable(
        "owner_id",
        "string",
        "The owner's number, `--jq .owner.id`; needs `repository_id` too. With it the immutable subjects are"
        " expected, which repositories since July 15, 2026 have; null: those with names alone.",
        None,
        [matching("owner_id", github.ID, nullable=True)],
    ),
    Variable(
        "deploy_workflow",
        "string",
        "Workflow file whose jobs may deploy, as it is on `branch`; null: any.",
        github.DEFAULT_WORKFLOW,
        [matching("deploy_workflow", github.WORKFLOW, nullable=True)],
        nullable=True,
    ),
    Variable(
        "deploys_from_branch",
        "bool",
        "Whether only runs on `branch` may deploy; if not, only the environment's rules limit who deploys.",
        True,
    ),
    Variable("manages_network", "bool", "Whether the stage makes its own VPC.", False),
    Variable(
        "oidc_provider_arn",
        "string",
        "ARN of the account's provider for GitHub, if it exists: an account can have just one.",
        None,
        [matching("oidc_provider_arn", limits.OIDC_PROVIDER_ARN, nullable=True)],
    ),
    Variable(
        "permissions_boundary_arn",
        "string",
        "Permissions boundary of both roles; a deployment can then make only roles with it.",
        None,
        [matching("permissions_boundary_arn", limits.POLICY_ARN, nullable=True)],
    ),
    Variable(
        "make_permissions_boundary",
        "bool",
        "Whether to make the boundary `<namespace>-ci-boundary`: a deployment can then make and change only roles with"
        " it. The stage's roles must have it; the two roles made here do not.",
        False,
    ),
    Variable(
        "boundary_actions",
        "list(string)",
        "More actions that the boundary allows, beside what jobs usually need, such as `rekognition:DetectLabels`.",
        [],
        [_each("boundary_actions", limits.IAM_ACTION)],
    ),
    Variable(
        "passable_role_arns",
        "list(string)",
        "Roles that are made elsewhere and that jobs may have, as job or execution role.",
        [],
        [_each("passable_role_arns", limits.ROLE_ARN)],
    ),
    Variable(
        "terraform_names_environments",
        "bool",
        "Whether compute environments have names that Terraform makes, as those of the module `batch_environment`, and"
        " are known by their tag; false where their names begin with the namespace.",
        True,
    ),
    replace(variable_of(TaggedArguments, "tags"), description="Tags of everything."),
)


def module() -> ModuleStack:
    """The module `ci_roles`."""
    stack = ModuleStack("ci_roles")
    inputs = {v.name: stack.variable(v) for v in VARIABLES}
    made = CiRoles(stack, "Default", **inputs)
    require(
        made.deploy_role,
        Expression.of("!var.make_permissions_boundary || var.permissions_boundary_arn == null"),
        "permissions_boundary_arn and make_permissions_boundary: give one of the two.",
    )
    stack.output(
        "permissions_boundary_arn", made.boundary_arn, "ARN of the boundary that the stage's roles must have; or null."
    )
    stack.output("oidc_provider_arn", made.oidc_provider_arn, "ARN of the provider for GitHub, made here or not.")
    stack.output("plan_role_arn", made.plan_role["arn"], "ARN of the role that plans.")
    stack.output("plan_role_name", made.plan_role["name"], "Name of the role that plans.")
    stack.output("deploy_role_arn", made.deploy_role["arn"], "ARN of the role that deploys.")
    stack.output("deploy_role_name", made.deploy_role["name"], "Name of the role that deploys.")
    return stack
