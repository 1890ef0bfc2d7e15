"""What a job's roles are granted, from what the job says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.documents import Conditional
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    Nullable,
    all_of,
    choose,
    hcl,
    is_expression,
    is_set,
)
from batchtab.constructs._terraform.items import Item, each, joined
from batchtab.constructs._terraform.policies import grants
from batchtab.constructs.scheduled_job import sidecars
from batchtab.declarations.container_fields import Volume
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.permissions import Permission

_LIST_JOBS = {"Effect": "Allow", "Action": ["batch:ListJobs"], "Resource": ["*"]}  # AWS scopes it to no resource
#: An action that needs no permission, since IAM takes no policy without a statement.
#: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
NOTHING = {"Effect": "Allow", "Action": ["sts:GetCallerIdentity"], "Resource": ["*"]}
#: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html#ecs-exec-required-iam-permissions
_EXEC = {
    "Effect": "Allow",
    "Action": [
        *("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
        *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
    ],
    "Resource": ["*"],  # AWS scopes them to no resource
}
#: Repositories that ECR names for the registries whose images it can keep.
#: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html
CACHES = ("chainguard", "docker-hub", "ecr-public", "github", "gitlab", "kubernetes", "microsoft", "quay")


def job_statements(job: JobArguments, account: Account, lists_jobs: Condition) -> Any:
    """Statements of the job role: `permissions`, the runner's look at the queue, ECS Exec, EFS."""
    own = each(
        job.permissions,
        Permission,
        lambda _, p: {"Effect": "Allow", "Action": p["actions"], "Resource": p["resources"]},
    )
    does_exec: Any = job.exec
    return joined(
        own,
        choose(lists_jobs, [_LIST_JOBS], []),
        choose(does_exec, [_EXEC], []),
        each(job.volumes, Volume, lambda name, volume: _mounts(job, account, name, volume), _by_iam),
    )


def _by_iam(volume: Item) -> Condition:
    return all_of(is_set(volume["efs_file_system_id"]), _condition(volume["iam"]))


def _mounts(job: JobArguments, account: Account, name: Any, volume: Item) -> Mapping[str, Any]:
    """See https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html."""
    read, write = ["elasticfilesystem:ClientMount"], ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    given = volume["access_point_id"]
    # Terraform writes the ARN before it leaves the condition out, and takes no null in a text.
    point = account.arn("elasticfilesystem", f"access-point/{choose(is_set(given), given, '')}")
    return {
        "Effect": "Allow",
        "Action": choose(_writes(sidecars.all_mounts(job), name), write, read),
        "Resource": account.arn("elasticfilesystem", f"file-system/{volume['efs_file_system_id']}"),
        "Condition": Conditional(is_set(given), {"StringEquals": {"elasticfilesystem:AccessPointArn": point}}),
    }


def _writes(mounts: Any, volume: Any) -> Condition:
    if is_expression(mounts) or is_expression(volume):
        return Expression.of(f"anytrue([for m in {hcl(mounts)} : !m.read_only if m.volume == {hcl(volume)}])")
    return any(not mount.get("read_only") for mount in mounts if mount["volume"] == volume)


def _condition(value: Any) -> Condition:
    return value if isinstance(value, Expression) else bool(value)


def is_cached(image: Any) -> bool:
    """Whether an image, as far as it is known, is one that ECR gets from another registry when it is first pulled.

    Neither the role of instances nor one that jobs share may do that.
    """
    if image is None or is_expression(image):
        return False
    match = re.match(limits.ECR_IMAGE_PATTERN, image)
    return match is not None and match[3].partition("/")[0] in CACHES


def is_any_cached(job: JobArguments) -> bool:
    """Whether one of its containers has such an image."""
    return any(map(is_cached, sidecars.images(job)))


def execution_statements(job: JobArguments, account: Account, log_group_name: Any) -> Any:
    """Statements of the execution role."""
    names = sidecars.secret_arns(job)
    repositories = _repositories(job, account)
    if isinstance(
        job.log_group_name, Nullable
    ):  # with neither, which a rule refuses: Terraform takes no null in a text
        log_group_name = Expression.of(f'coalesce({hcl(log_group_name)}, "-")')
    return grants(
        [
            (["ecr:GetAuthorizationToken"], ["*"]),  # AWS scopes it to no resource
            (["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories),
            (["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"], _cached(repositories)),
            (["logs:CreateLogStream", "logs:PutLogEvents"], [account.arn("logs", f"log-group:{log_group_name}:*")]),
            (["ssm:GetParameters"], _only(names, ":ssm:")),
            # A secret's ARN may go on with a key, a stage and a version; the permission is on the secret.
            (["secretsmanager:GetSecretValue"], _secret_arns(names)),
            (["kms:Decrypt"], job.secrets_kms_key_arns),
        ]
    )


def _repositories(job: JobArguments, account: Account) -> Any:
    """The ECR repositories of all containers' images, each once."""
    lists = [_repository_arns(image, account) for image in sidecars.images(job)]
    if is_expression(job.containers):
        each_image = _repository_arns(Expression.of("each.image"), account)
        lists.append(Expression.of(f"flatten([for each in values({hcl(job.containers)}) : {hcl(each_image)}])"))
    found = sidecars.joined_texts(lists)
    if is_expression(found):
        return Expression.of(f"distinct({hcl(found)})") if len(lists) > 1 else found
    return list(dict.fromkeys(found))


def _repository_arns(image: str, account: Account) -> Any:
    """The image's own ECR repository; none for other registries."""
    if is_expression(image):
        found = f"try(regex({hcl(limits.ECR_IMAGE_PATTERN)}, {hcl(image)}), [])"
        part = account.partition.text
        return Expression.of(
            f'[for r in [{found}] : "arn:${{{part}}}:ecr:${{r[1]}}:${{r[0]}}:repository/${{r[2]}}" if length(r) == 3]'
        )
    match = re.match(limits.ECR_IMAGE_PATTERN, image)
    return [f"arn:{account.partition}:ecr:{match[2]}:{match[1]}:repository/{match[3]}"] if match else []


def _cached(repositories: Any) -> Any:
    """Those that ECR fills from another registry when an image is pulled from them."""
    pattern = f":repository/({'|'.join(CACHES)})/"
    if is_expression(repositories):
        return Expression.of(f"[for arn in {hcl(repositories)} : arn if can(regex({hcl(pattern)}, arn))]")
    return [arn for arn in repositories if re.search(pattern, arn)]


def _only(arns: Any, part: str) -> Any:
    if is_expression(arns):
        return Expression.of(f"[for arn in {hcl(arns)} : arn if strcontains(arn, {hcl(part)})]")
    return [arn for arn in arns if part in arn]


#: What Secrets Manager adds to a secret's name. An ARN without it is as good to ECS, and IAM needs it.
_SUFFIX = "-[A-Za-z0-9]{6}$"
_ANY_SUFFIX = "-??????"


def _secret_arns(arns: Any) -> Any:
    if is_expression(arns):
        kept = hcl(_only(arns, ":secretsmanager:"))
        whole = f'[for arn in {kept} : join(":", slice(split(":", arn), 0, 7))]'
        return Expression.of(
            f'distinct([for arn in {whole} : can(regex({hcl(_SUFFIX)}, arn)) ? arn : "${{arn}}{_ANY_SUFFIX}"])'
        )
    names = {":".join(arn.split(":")[:7]) for arn in _only(arns, ":secretsmanager:")}
    return sorted(arn if re.search(_SUFFIX, arn) or is_expression(arn) else f"{arn}{_ANY_SUFFIX}" for arn in names)
