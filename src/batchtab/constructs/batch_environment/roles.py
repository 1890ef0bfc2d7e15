"""The environment's roles: of the triggers, and Fargate's execution role."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.aws import IamRolePolicy
from batchtab.constructs._terraform.expressions import Condition, Expression, choose, hcl, is_set, not_empty
from batchtab.constructs._terraform.policies import (
    allow,
    policy,
    schedule_group_arns,
    statements_where,
    trust,
    trusts,
)
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource
from batchtab.constructs._terraform.roles import RoleSettings


def trigger_role(
    scope: BatchtabConstruct,
    account: Account,
    namespace: str,
    queue_arns: Expression,
    dead_letter_queue: ResourceRef,
    kms_key_arn: str | None,
    roles: RoleSettings,
) -> ResourceRef:
    """Lets this namespace's rules and schedules submit its job definitions to these queues, and nothing else.

    SubmitJob asks for a permission on the queue and on the definition, the latter with and without a revision.
    Scheduler does all by the role: it asks the submit function, and keeps what it could not deliver.
    """
    trusted = [
        trusts("events.amazonaws.com", account, source_arn=account.arn("events", f"rule/{namespace}-*")),
        trusts("scheduler.amazonaws.com", account, source_arn=schedule_group_arns(account, f"{namespace}-*")),
    ]
    role = roles.role(scope, "trigger_role", f"{namespace}-trigger", policy(trusted))
    definitions = account.arn("batch", f"job-definition/{namespace}-*")
    submits = Expression.of(f"concat([{hcl(definitions)}], values({queue_arns.text}))")
    invokes = [account.arn("lambda", f"function:{namespace}-submit-run")]
    create_resource(
        scope,
        IamRolePolicy,
        "trigger_role_policy",
        name="submit-job",
        role=role["id"],
        policy=policy(
            statements_where(
                [
                    (True, {"Effect": "Allow", "Action": "batch:SubmitJob", "Resource": submits}),
                    (True, allow(["lambda:InvokeFunction"], invokes)),
                    (True, allow(["sqs:SendMessage"], [dead_letter_queue["arn"]])),
                    # What a key of the customer's encrypts is of use only to those who may use the key.
                    (is_set(kms_key_arn), allow(["kms:Decrypt", "kms:GenerateDataKey"], [kms_key_arn])),
                ]
            )
        ),
    )
    return role


def execution_role(
    scope: BatchtabConstruct,
    account: Account,
    namespace: str,
    when: Condition,
    repository_arns: Any,
    log_group: ResourceRef,
    roles: RoleSettings,
) -> ResourceRef:
    """Lets Fargate pull the jobs' images and write their logs; jobs with secrets have a role of their own."""
    trusted = trust("ecs-tasks.amazonaws.com", account)
    role = roles.role(scope, "execution_role", f"{namespace}-execution", trusted, when)
    every = [account.arn("ecr", "repository/*")]
    create_resource(
        scope,
        IamRolePolicy,
        "execution_role_policy",
        when=when,
        name="pull-and-log",
        role=role.get("id"),
        policy=policy(
            [
                allow(["ecr:GetAuthorizationToken"], "*"),  # AWS scopes it to no resource
                {
                    **allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], []),
                    "Resource": choose(not_empty(repository_arns), repository_arns, every),
                },
                # The jobs' log group, and those that jobs of this namespace have for themselves.
                allow(
                    ["logs:CreateLogStream", "logs:PutLogEvents"],
                    [f"{log_group['arn']}:*", account.arn("logs", f"log-group:/aws/batch/{namespace}/*")],
                ),
            ]
        ),
    )
    return role
