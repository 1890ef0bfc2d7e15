"""What a reviewer must not overlook: wide permissions, overlaps, what ran after a removed job, overtaken queues."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.plan_review.summaries import change, content, of

from batchtab.plan_review import gates, markdown, text
from batchtab.plan_review.gates import Gate
from batchtab.plan_review.plan import Plan
from batchtab.plan_review.summary import Summary

ROLE = "aws_iam_role.do_often_job_role"
ARN = "arn:aws:batch:ap-northeast-2:000000000000:job-definition/batchtab-local-my-service"
OVERLAPS = "; up to 1 h: may overlap itself"


def first_deploy() -> dict[str, Any]:
    return content("first-deploy")


def read(plan: dict[str, Any]) -> Summary:
    return of([Plan.read(plan, "jobs-my-service")])


def headline(plan: dict[str, Any], name: str = "my-service-do-often") -> str:
    return next(job.headline for job in read(plan).jobs if job.name == name)


def permit(plan: dict[str, Any], *statements: dict[str, Any]) -> None:
    """Gives the new job do-often a policy of its own."""
    policy = {"Statement": [{"Effect": "Allow", **each} for each in statements]}
    give(plan, "aws_iam_role_policy", {"policy": json.dumps(policy)})


def give(plan: dict[str, Any], kind: str, after: dict[str, Any]) -> None:
    """Gives the new job do-often a policy, or one that others wrote."""
    address = f"{kind}.do_often_job_role_policy"
    plan["resource_changes"].append(
        {
            "address": address,
            "mode": "managed",
            "type": kind,
            "name": "do_often_job_role_policy",
            "change": {"actions": ["create"], "before": None, "after": after},
        }
    )
    resources = plan["configuration"]["root_module"]["resources"]
    resources.append({"address": address, "expressions": {"role": {"references": [ROLE]}}})


# --- wide permissions


def test_a_new_jobs_wide_permissions_are_in_the_caution_box_and_on_its_open_line() -> None:
    # GIVEN a new job that may do everything with S3, and pass any role
    plan = first_deploy()
    permit(plan, {"Action": ["iam:PassRole", "s3:*"], "Resource": "*"})
    whole = read(plan)
    # WHEN a comment shows it THEN the first thing says so
    comment = markdown.render(whole, title="x")
    box = comment[comment.index("> [!CAUTION]") : comment.index("### Jobs")]
    assert "> **This plan gives 1 job wide permissions.**" in box
    assert "> - **job `my-service-do-often` (new) may now `iam:PassRole` on `*`**" in box
    assert "> - **job `my-service-do-often` (new) may now `s3:*` on `*`**" in box
    # AND in a terminal the job's own line
    (line,) = [line for line in text.render(whole, title="x").splitlines() if line.startswith("my-service-do-often")]
    assert line.endswith("; wide permissions: iam:PassRole on *, s3:* on *")
    # AND a new role still widens nobody's rights
    assert gates.reasons(whole, [Gate.IAM]) == []
    assert len(gates.reasons(whole, [Gate.WIDE])) == 1


def test_of_many_wide_permissions_the_line_names_three() -> None:
    plan = first_deploy()
    permit(plan, {"Action": [f"a:Do{number}" for number in range(5)], "Resource": "*"})
    assert headline(plan).endswith("; wide permissions: a:Do0 on *, a:Do1 on *, a:Do2 on * and 2 more")


ROLE_ARN = "arn:aws:iam::111111111111:role/x"
BUCKET = "arn:aws:s3:::b"


@pytest.mark.parametrize(
    "statement",
    [
        {"NotAction": "iam:PassRole", "Resource": BUCKET},
        {"Action": "s3:GetObject", "NotResource": f"{BUCKET}/*"},
        {"Action": "s3:GetObject", "Resource": BUCKET, "NotPrincipal": {"AWS": ROLE_ARN}},
        {"Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/*"},
        {"Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/*"},
        {"Action": "iam:PassRole", "Resource": f"{ROLE_ARN}-*"},
        {"Action": "iam:P*", "Resource": ROLE_ARN},
        {"Action": "IAM:putrolepolicy", "Resource": ROLE_ARN},
        {"Action": "iam:**", "Resource": ROLE_ARN},
        {"Action": "s3:?*", "Resource": BUCKET},
        {"Action": "s3:Get*", "Resource": "arn:aws:s3:::*"},
        {"Action": "s3:Get*", "Resource": "arn:aws:s3:::*/secret"},
        {"Action": "s3:Get*", "Resource": "arn:aws:*:*:*:*"},
        {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs"},  # IAM completes it with wildcards
        {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:*:q"},
        {"Action": "dynamodb:Query", "Resource": "arn:aws:dynamodb:eu-west-1:111111111111:table/*/index/*"},
        {
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "arn:aws:secretsmanager:eu-west-1:111111111111:secret:*",
        },
    ],
    ids=lambda statement: " ".join(map(str, statement.values())),
)
def test_whatever_leaves_open_what_it_is_for_is_wide(statement: dict[str, Any]) -> None:
    # GIVEN a new job that may do it
    plan = first_deploy()
    permit(plan, statement)
    # THEN box, line and gate say so
    assert "gives 1 job wide permissions" in markdown.render(read(plan), title="x")
    assert "; wide permissions: " in headline(plan)
    assert len(gates.reasons(read(plan), [Gate.WIDE])) == 1
    # BUT not where it is denied
    plan = first_deploy()
    permit(plan, {**statement, "Effect": "Deny"})
    assert gates.reasons(read(plan), [Gate.WIDE]) == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", f"{BUCKET}/*"),
        ("s3:GetObject", f"{BUCKET}-*"),
        ("iam:PassRole", ROLE_ARN),
        ("sts:AssumeRole", ROLE_ARN),
        ("iam:GetRole", "arn:aws:iam::*:role/*"),  # the files' own check says nothing of it
        ("ssm:GetParameter", "arn:aws:ssm:eu-west-1:111111111111:parameter/team/*"),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/batch/x:*"),
        ("logs:PutLogEvents", "arn:${data.aws_partition.current.partition}:logs:*"),
        ("logs:PutLogEvents", "${aws_cloudwatch_log_group.x.arn}:*"),
    ],
)
def test_what_is_for_something_named_is_not_wide(action: str, resource: str) -> None:
    plan = first_deploy()
    permit(plan, {"Action": action, "Resource": resource})
    assert "wide" not in headline(plan)
    assert gates.reasons(read(plan), [Gate.WIDE]) == []


@pytest.mark.parametrize("name", ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess", "AmazonS3ReadOnlyAccess"])
def test_a_policy_of_awss_by_which_a_job_may_do_everything_is_wide(name: str) -> None:
    # GIVEN a new job with a managed policy
    plan = first_deploy()
    arn = f"arn:aws:iam::aws:policy/{name}"
    give(plan, "aws_iam_role_policy_attachment", {"policy_arn": arn})
    # THEN those are wide of which `batchtab check` warns
    is_wide = name != "AmazonS3ReadOnlyAccess"
    assert (f"(new) may now `all of {arn}`**" in markdown.render(read(plan), title="x")) == is_wide
    assert headline(plan).endswith(f"; wide permissions: all of {arn}") == is_wide
    assert len(gates.reasons(read(plan), [Gate.WIDE])) == is_wide


def test_what_a_document_excepts_that_terraform_puts_together_is_wide_too() -> None:
    # GIVEN a policy that is known after the apply, but for its text
    for text_, is_wide in (
        ('"NotAction" = ["iam:PassRole"], "Resource" = x', True),
        ('"Action" = "s3:GetObject", "NotResource" = x', True),
        ('"Action" = "*", "Resource" = x', True),
        ('"Action" = "s3:GetObject", "Resource" = x', False),
    ):
        plan = first_deploy()
        give(plan, "aws_iam_role_policy", {})
        policy = f'${{jsonencode({{"Statement" = [{{"Effect" = "Allow", {text_}}}]}})}}'
        plan["resource_changes"][-1]["change"]["after_unknown"] = {"policy": True}
        resource = plan["configuration"]["root_module"]["resources"][-1]
        resource["expressions"]["policy"] = {"constant_value": policy}
        assert len(gates.reasons(read(plan), [Gate.WIDE])) == is_wide, text_


@pytest.mark.parametrize(
    "action", ["batch:ListJobs", "ecr:GetAuthorizationToken", "ssmmessages:OpenDataChannel", "sts:GetCallerIdentity"]
)
def test_what_aws_limits_to_no_resource_is_no_news(action: str) -> None:
    # GIVEN what Batchtab itself gives a job on everything, as AWS knows no less
    plan = first_deploy()
    permit(plan, {"Action": action, "Resource": "*"})
    # THEN nothing is said of it at the top, and the gate counts it as before
    assert "wide" not in headline(plan)
    assert "CAUTION" not in markdown.render(read(plan), title="x")
    assert len(gates.reasons(read(plan), [Gate.WIDE])) == 1


# --- names


def test_a_new_job_names_its_variables_and_secrets_without_values() -> None:
    # GIVEN a new job with two variables and a secret
    plan = first_deploy()
    for resource in plan["configuration"]["root_module"]["resources"]:
        if resource["address"] == "aws_batch_job_definition.do_often_job_definition":
            said = resource["expressions"]["container_properties"]
            container = json.loads(said["constant_value"])
            container["environment"] = [{"name": "ZONE", "value": "hidden"}, {"name": "LOG_LEVEL", "value": "hidden"}]
            container["secrets"] = [{"name": "DB_PASSWORD", "valueFrom": "/hidden"}]
            said["constant_value"] = json.dumps(container)
    # WHEN it is shown THEN by their names
    comment = markdown.render(read(plan), title="x")
    assert "| environment | `LOG_LEVEL, ZONE` |\n| secrets | `DB_PASSWORD` |" in comment
    assert next(
        line.split() for line in text.render(read(plan), title="x").splitlines() if line.startswith("  environment")
    ) == ["environment", "LOG_LEVEL,", "ZONE"]
    # AND never by what they are
    assert "hidden" not in comment + text.render(read(plan), title="x")


# --- the usual trust


def trust(principal: dict[str, Any], condition: dict[str, Any] | None = None, action: str = "sts:AssumeRole") -> str:
    statement = {"Effect": "Allow", "Action": action, "Principal": principal}
    return json.dumps({"Statement": [statement | ({"Condition": condition} if condition else {})]})


OURS = {"StringEquals": {"aws:SourceAccount": "000000000000"}}


@pytest.mark.parametrize(
    ("policy", "is_listed"),
    [
        (trust({"Service": "ecs-tasks.amazonaws.com"}, OURS), False),
        (trust({"Service": "scheduler.amazonaws.com"}, {**OURS, "ArnLike": {"aws:SourceArn": ["a", "b"]}}), False),
        (trust({"Service": "lambda.amazonaws.com"}), False),
        (trust({"Service": "ecs-tasks.amazonaws.com"}), True),
        (trust({"Service": "ecs-tasks.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": "111111111111"}}), True),
        (trust({"Service": "ecs-tasks.amazonaws.com"}, {**OURS, "StringLike": {"aws:x": "*"}}), True),
        (trust({"Service": "codebuild.amazonaws.com"}, OURS), True),
        (trust({"AWS": "arn:aws:iam::111111111111:root"}), True),
        (trust({"AWS": "ecs-tasks.amazonaws.com"}, OURS, "sts:TagSession"), True),
    ],
    ids=["tasks", "scheduler", "lambda", "no source", "other source", "more", "other service", "account", "action"],
)
@pytest.mark.parametrize("is_removed", [False, True], ids=["new", "removed"])
def test_of_a_new_or_removed_role_only_an_unusual_trust_is_listed(
    policy: str, is_listed: bool, is_removed: bool
) -> None:
    plan = first_deploy()
    role = change(plan, ROLE)
    role["after"]["assume_role_policy"] = policy
    if is_removed:
        role.update(actions=["delete"], before=role["after"], after=None, after_unknown={})
    held = [each for each in read(plan).all_permissions if each.address == ROLE]
    assert bool(held) == is_listed


def test_a_new_role_that_everybody_may_take_is_wide() -> None:
    plan = first_deploy()
    change(plan, ROLE)["after"]["assume_role_policy"] = trust({"AWS": "*"})
    assert len(gates.reasons(read(plan), [Gate.WIDE])) == 1
    assert headline(plan).endswith("; wide permissions: sts:AssumeRole to *")


def test_a_changed_trust_is_listed_whatever_it_becomes() -> None:
    # GIVEN a role of another account's that becomes an ordinary one
    plan = content("iam-widened")
    role = change(plan, ROLE)
    role["before"]["assume_role_policy"] = trust({"AWS": "arn:aws:iam::111111111111:root"})
    role["after"]["assume_role_policy"] = trust({"Service": "ecs-tasks.amazonaws.com"}, OURS)
    (held,) = [each for each in read(plan).all_permissions if each.address == ROLE]
    # THEN what comes is listed, and counts
    assert [each.who for each in held.added] == ["ecs-tasks.amazonaws.com"]
    assert held.widens


# --- overlaps


def long(plan: dict[str, Any], seconds: int) -> dict[str, Any]:
    """The job do-often with another timeout, before and after."""
    definition = change(plan, "aws_batch_job_definition.do_often_job_definition")
    for side in filter(None, (definition["before"], definition["after"])):
        side["timeout"] = [{"attempt_duration_seconds": seconds}]
    return plan


@pytest.mark.parametrize(
    ("seconds", "ends"), [(3600, OVERLAPS), (601, "; up to 10 min 1 s: may overlap itself"), (600, "")]
)
def test_a_new_job_whose_runs_may_last_into_the_next_says_so(seconds: int, ends: str) -> None:
    # GIVEN a new job, every ten minutes
    assert headline(long(first_deploy(), seconds)) == (
        f"every 10 minutes from minute 7, next runs 10:07, 10:17, 10:27{ends}"
    )


def test_a_changed_job_whose_runs_may_last_into_the_next_says_so() -> None:
    assert headline(long(content("schedule-change"), 3600)).endswith(OVERLAPS)


def test_a_job_that_may_not_overlap_says_nothing_of_it() -> None:
    # GIVEN a job with another policy THEN runs of whatever length meet none
    assert "overlap" not in headline(long(content("runs-queued"), 3600))
    # AND one that is suspended has none
    plan = long(content("schedule-change"), 3600)
    change(plan, "aws_cloudwatch_event_rule.do_often_rule")["after"]["state"] = "DISABLED"
    assert "overlap" not in headline(plan)


def test_a_policy_that_is_known_only_after_the_apply_is_not_taken_for_allow() -> None:
    plan = long(first_deploy(), 3600)
    change(plan, "aws_cloudwatch_event_target.do_often_target")["after"]["batch_target"] = []
    assert all("overlap" not in job.headline for job in read(plan).jobs)


# --- what ran after


@pytest.mark.parametrize("ends_too", [False, True], ids=["goes on", "ends too"])
def test_a_removed_job_says_what_ran_after_it(ends_too: bool) -> None:
    # GIVEN a job that is removed, and one that ran at its end, and at another's, in whatever way it goes on
    plan = content("job-removed")
    pattern = {
        "detail": {"status": ["SUCCEEDED"], "jobDefinition": [{"prefix": f"{ARN}-{n}:"} for n in ("x", "do-something")]}
    }
    before = {"name": "r", "state": "ENABLED", "event_pattern": json.dumps(pattern)}
    after = None if ends_too else {**before, "event_pattern": json.dumps({"detail": {"jobDefinition": []}})}
    plan["resource_changes"].append(
        {
            "address": "aws_cloudwatch_event_rule.do_often_upstream",
            "mode": "managed",
            "type": "aws_cloudwatch_event_rule",
            "name": "do_often_upstream",
            "change": {"actions": ["delete" if ends_too else "update"], "before": before, "after": after},
        }
    )
    # WHEN it is shown THEN the box, the open line and the table name it
    assert headline(plan, "my-service-do-something") == "does not run any more; after it ran my-service-do-often"
    comment = markdown.render(read(plan), title="x")
    assert "is removed: it does not run any more**; after it ran `my-service-do-often`\n" in comment
    assert "| ran after it | my-service-do-often |" in comment


# --- queues


def reordered(default: tuple[int, int], continuously: tuple[int, int], *, shared: bool = True) -> dict[str, str]:
    """What is said of two queues' priorities, each before and after."""
    plan = content("queue-replaced", "environment")
    plan["resource_changes"] = [r for r in plan["resource_changes"] if r["type"] == "aws_batch_job_queue"]
    for name, (before, after) in (("default", default), ("continuously", continuously)):
        queue = change(plan, f'aws_batch_job_queue.job_queue["{name}"]')
        same = queue["before"]
        if not shared:
            same = {**same, "compute_environment_order": [{"compute_environment": f"arn/{name}", "order": 1}]}
        queue.update(before={**same, "priority": before}, after={**same, "priority": after})
        queue.update(actions=["no-op" if before == after else "update"], after_unknown={})
    return {queue.name: detail.after for queue in read(plan).environment for detail in queue.details}


def test_a_queues_priority_says_what_now_comes_first() -> None:
    assert reordered((5, 2), (3, 3)) == {"default": "2; continuously (3) now comes before it"}
    assert reordered((2, 5), (3, 3)) == {"default": "5; now comes before continuously (3)"}
    assert reordered((5, 3), (3, 3)) == {"default": "3; continuously (3) now is its equal"}
    # AND where both change, each says its side
    assert reordered((5, 2), (3, 4)) == {
        "default": "2; continuously (4) now comes before it",
        "continuously": "4; now comes before default (2)",
    }


def test_a_priority_that_changes_no_order_says_nothing_more() -> None:
    assert reordered((5, 4), (3, 3)) == {"default": "4"}
    # AND queues that share no compute environment have none
    assert reordered((5, 2), (3, 3), shared=False) == {"default": "2"}
