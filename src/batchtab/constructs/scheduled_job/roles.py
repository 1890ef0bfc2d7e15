"""A job's roles: what its program may do, what starts its container, what its trigger may submit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.aws import IamRole, IamRolePolicy
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    any_of,
    as_map,
    choose,
    hcl,
    is_expression,
    is_set,
    negate,
    not_empty,
)
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs._terraform.policies import (
    allow,
    grants,
    policy,
    schedule_group_arns,
    statements_where,
    trust,
    trusts,
)
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource

_ECR_IMAGE = limits.ECR_IMAGE_PATTERN
_DEFAULT_GROUP = "default"  # where Scheduler puts schedules that name no group


class RoleMaker:
    """Makes the roles of one job, all with its name, boundary and tags."""

    def __init__(
        self, scope: BatchtabConstruct, name: str, job_queue_arn: str, permissions_boundary_arn: str | None, tags: Any
    ) -> None:
        self._scope = scope
        self._name = name
        self._job_queue_arn = job_queue_arn
        self._boundary = permissions_boundary_arn
        self._tags = tags

    @cached_property
    def account(self) -> Account:
        """Where the job's queue is, and so everything else of it."""
        return Account.of_arn(self._scope, self._job_queue_arn)

    def _role(self, kind: str, when: Condition, trust_policy: str) -> ResourceRef:
        return create_resource(
            self._scope,
            IamRole,
            f"{kind}_role",
            when=when,
            name=shorten(f"{self._name}-{kind}", limits.ROLE_NAME_MAX),
            assume_role_policy=trust_policy,
            permissions_boundary=self._boundary,
            tags=as_map(self._tags),
        )

    def _policy(self, kind: str, when: Condition, role: ResourceRef, name: str, document: str) -> None:
        create_resource(
            self._scope,
            IamRolePolicy,
            f"{kind}_role_policy",
            when=when,
            name=name,
            role=role["id"],
            policy=document,
        )

    def job_role(self, when: Condition, permissions: Any, *, lists_jobs: Condition) -> ResourceRef:
        """What the program in the container may do: `permissions`, and the runner's look at the queue."""
        if when is False:
            return ResourceRef("", False)
        role = self._role("job", when, trust("ecs-tasks.amazonaws.com", self.account))
        granted = all_of(when, any_of(not_empty(permissions), lists_jobs))
        if granted is not False:
            runner = allow(["batch:ListJobs"], ["*"])  # AWS scopes it to no resource
            if is_expression(permissions):
                own = (
                    f"[for p in {hcl(permissions)} :"
                    ' { Action = p.actions, Effect = "Allow", Resource = p.resources }]'
                )
                extra = hcl([{key: value for key, value in runner.items() if value is not None}])
                statements: Any = Expression.of(f"concat({own}, [for s in {extra} : s if {hcl(lists_jobs)}])")
            else:
                statements = [allow(p["actions"], list(p["resources"])) for p in permissions]
                statements += [runner] if lists_jobs is not False else []
            self._policy("job", granted, role, "permissions", policy(statements))
        return role

    def execution_role(
        self, when: Condition, *, image: str, log_group_name: Any, secrets: Any, kms_key_arns: Any
    ) -> ResourceRef:
        """What ECS does for the container before it runs: pull this image, read these secrets, write its log."""
        if when is False:
            return ResourceRef("", False)
        account = self.account
        role = self._role("execution", when, trust("ecs-tasks.amazonaws.com", account))
        log_streams = account.arn("logs", f"log-group:{log_group_name}:*")
        repositories = _repository_arns(image, account)
        names = _arns(secrets)
        statements = grants(
            [
                (["ecr:GetAuthorizationToken"], ["*"]),  # AWS scopes it to no resource
                (["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories),
                (["logs:CreateLogStream", "logs:PutLogEvents"], [log_streams]),
                (["ssm:GetParameters"], _only(names, ":ssm:")),
                # A secret's ARN may go on with a key, a stage and a version; the permission is on the secret.
                (["secretsmanager:GetSecretValue"], _secret_arns(names)),
                (["kms:Decrypt"], kms_key_arns),
            ]
        )
        self._policy("execution", when, role, "start", policy(statements))
        return role

    def trigger_role(
        self,
        when: Condition,
        *,
        rules: Mapping[str, Condition],
        by_schedule: Condition,
        schedule_group_name: Any,
        is_managed: Condition,
        submit_function_arn: Any,
        dead_letter_queue_arn: Any,
    ) -> ResourceRef:
        """Lets this job's rules and its group's schedules submit this definition to this queue, or ask the function.

        Scheduler sends by the role what it could not deliver; a rule's events go by the dead-letter queue's own policy.
        """
        if when is False:
            return ResourceRef("", False)
        account = self.account
        rule_arns = [account.arn("events", f"rule/{name}") for name, made in rules.items() if made is not False]
        by_rule = all_of(any_of(*rules.values()), negate(is_managed))
        group = choose(is_set(schedule_group_name), schedule_group_name, _DEFAULT_GROUP)
        groups = schedule_group_arns(account, group)
        role = self._role(
            "trigger",
            when,
            policy(
                statements_where(
                    [
                        (by_rule, trusts("events.amazonaws.com", account, source_arn=rule_arns)),
                        (by_schedule, trusts("scheduler.amazonaws.com", account, source_arn=groups)),
                    ]
                )
            ),
        )
        definition = account.arn("batch", f"job-definition/{self._name}")
        submits = [self._job_queue_arn, definition, f"{definition}:*"]
        invokes = all_of(is_managed, by_schedule)
        sends = all_of(by_schedule, is_set(dead_letter_queue_arn))
        self._policy(
            "trigger",
            when,
            role,
            "submit-job",
            policy(
                statements_where(
                    [
                        (negate(is_managed), allow(["batch:SubmitJob"], submits)),
                        (invokes, allow(["lambda:InvokeFunction"], [submit_function_arn])),
                        (sends, allow(["sqs:SendMessage"], [dead_letter_queue_arn])),
                    ]
                )
            ),
        )
        return role


def _repository_arns(image: str, account: Account) -> Any:
    """The image's own ECR repository; none for other registries."""
    if is_expression(image):
        found = f"try(regex({hcl(_ECR_IMAGE)}, {hcl(image)}), [])"
        part = account.partition.text
        return Expression.of(
            f'[for r in [{found}] : "arn:${{{part}}}:ecr:${{r[1]}}:${{r[0]}}:repository/${{r[2]}}" if length(r) == 3]'
        )
    match = re.match(_ECR_IMAGE, image)
    return [f"arn:{account.partition}:ecr:{match[2]}:{match[1]}:repository/{match[3]}"] if match else []


def _arns(secrets: Any) -> Any:
    if is_expression(secrets):
        return Expression.of(f"sort(distinct(values({hcl(secrets)})))")
    return sorted(set((secrets or {}).values()))


def _only(arns: Any, part: str) -> Any:
    if is_expression(arns):
        return Expression.of(f"[for arn in {hcl(arns)} : arn if strcontains(arn, {hcl(part)})]")
    return [arn for arn in arns if part in arn]


def _secret_arns(arns: Any) -> Any:
    if is_expression(arns):
        kept = hcl(_only(arns, ":secretsmanager:"))
        return Expression.of(f'distinct([for arn in {kept} : join(":", slice(split(":", arn), 0, 7))])')
    return sorted({":".join(arn.split(":")[:7]) for arn in _only(arns, ":secretsmanager:")})
