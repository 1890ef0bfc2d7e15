"""A job's roles: what its program may do, what starts its container, what its trigger may submit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.aws import IamRolePolicy, IamRolePolicyAttachment
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    any_of,
    choose,
    hcl,
    is_expression,
    is_set,
    negate,
    not_empty,
)
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
from batchtab.constructs.scheduled_job.grants import NOTHING, execution_statements, job_statements
from batchtab.declarations.job_arguments import JobArguments

_DEFAULT_GROUP = "default"  # where Scheduler puts schedules that name no group


class RoleMaker:
    """Makes the roles of one job, all with its name, boundary and tags."""

    def __init__(self, scope: BatchtabConstruct, name: str, job_queue_arn: str, roles: RoleSettings) -> None:
        self._scope = scope
        self._name = name
        self._job_queue_arn = job_queue_arn
        self._roles = roles

    @cached_property
    def account(self) -> Account:
        """Where the job's queue is, and so everything else of it."""
        return Account.of_arn(self._scope, self._job_queue_arn)

    def _role(self, kind: str, when: Condition, trust_policy: str) -> ResourceRef:
        return self._roles.role(self._scope, f"{kind}_role", f"{self._name}-{kind}", trust_policy, when)

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

    def job_role(self, job: JobArguments, *, lists_jobs: Condition) -> ResourceRef:
        """What the program in the container may do: `permissions`, and what other fields need."""
        when = negate(is_set(job.job_role_arn))
        if when is False:
            return ResourceRef("", False)
        role = self._role("job", when, trust("ecs-tasks.amazonaws.com", self.account))
        statements = job_statements(job, self.account, lists_jobs)
        if is_expression(statements):  # made in any case: whether there are any may be unknown when Terraform plans
            statements = Expression.of(f"coalescelist({hcl(statements)}, {hcl([NOTHING])})")
        if statements:
            self._policy("job", when, role, "permissions", policy(statements))
        if not_empty(job.managed_policy_arns) is not False:
            attached = Expression.of(f"toset({hcl(job.managed_policy_arns)})")
            create_resource(
                self._scope,
                IamRolePolicyAttachment,
                "job_role_managed_policy",
                for_each=attached if when is True else choose(when, attached, Expression.of("toset([])")),
                role=role["name"],
                policy_arn=Expression.of("each.value"),
            )
        return role

    def execution_role(self, when: Condition, job: JobArguments, log_group_name: Any) -> ResourceRef:
        """What ECS does for the container before it runs: pull this image, read these secrets, write its log."""
        if when is False:
            return ResourceRef("", False)
        role = self._role("execution", when, trust("ecs-tasks.amazonaws.com", self.account))
        self._policy("execution", when, role, "start", policy(execution_statements(job, self.account, log_group_name)))
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
