"""What must never be shown, wherever it stands in a plan."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.plan_review.summaries import change, content, of

from batchtab.plan_review import markdown, text
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.plan_review.plan import Plan

SECRET = "correct-horse-battery"
DEFINITION = "aws_batch_job_definition.do_often_job_definition"


def everything(plan: dict[str, Any]) -> str:
    """All that is told of a plan, in every format, and what a review leaves behind."""
    read = Plan.read(plan, "jobs")
    whole = of([read])
    review = Reviewed.of([read])
    return "\n".join(
        [
            markdown.render(whole, title="x"),
            text.render(whole, title="x"),
            json.dumps(whole.as_dict()),
            json.dumps([review.stacks, review.configuration]),
        ]
    )


def with_properties(**properties: Any) -> dict[str, Any]:
    """A plan in which a job's container gets these."""
    plan = content("schedule-change")
    after = change(plan, DEFINITION)["after"]
    after["container_properties"] = json.dumps(json.loads(after["container_properties"]) | properties)
    change(plan, DEFINITION)["actions"] = ["update"]
    return plan


def test_a_sensitive_schedule_is_not_shown() -> None:
    # GIVEN a schedule that Terraform marks as sensitive
    plan = content("schedule-change")
    rule = change(plan, "aws_cloudwatch_event_rule.do_often_rule")
    rule["after"]["schedule_expression"] = SECRET
    rule["after_sensitive"] = {"schedule_expression": True}
    told = everything(plan)
    assert SECRET not in told
    assert "(sensitive)" in told


def test_a_resource_that_is_sensitive_as_a_whole_is_not_shown() -> None:
    plan = content("schedule-change")
    definition = change(plan, DEFINITION)
    definition["actions"] = ["update"]
    definition["after"]["container_properties"] = json.dumps({"image": SECRET})
    definition["after_sensitive"] = {"container_properties": True}
    assert SECRET not in everything(plan)


def test_values_of_environment_variables_are_not_shown() -> None:
    # GIVEN a job that gets a variable
    told = everything(with_properties(environment=[{"name": "GREETING", "value": SECRET}]))
    # THEN its name is told, its value is not
    assert "+GREETING" in told
    assert SECRET not in told


@pytest.mark.parametrize(
    "command",
    [
        ["app", f"--password={SECRET}"],
        ["app", "--token", SECRET],
        ["app", f"https://user:{SECRET}@example.com/x"],
        ["app", f"API_KEY={SECRET}"],
    ],
)
def test_secrets_in_a_command_are_masked(command: list[str]) -> None:
    told = everything(with_properties(command=command))
    assert "***" in told
    assert SECRET not in told


def test_a_secrets_variable_in_a_command_is_masked() -> None:
    told = everything(
        with_properties(command=["sh", "-c", f"run {SECRET}"], environment=[{"name": "DB_PASSWORD", "value": SECRET}])
    )
    assert SECRET not in told


@pytest.mark.parametrize(
    "key",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1" * 18,
        "xoxb-123456789012-abcdef",
        "https://hooks.slack.com/services/T0/B0/x",
    ],
)
def test_well_known_keys_are_masked_wherever_they_stand(key: str) -> None:
    assert key not in everything(with_properties(command=["echo", key]))


def test_text_of_others_is_not_markup() -> None:
    # GIVEN a command that is Markdown, HTML and a call to somebody
    told = everything(with_properties(command=["echo", "`x` | <img src=x> @somebody <!-- "]))
    table = next(line for line in told.splitlines() if line.startswith("| command"))
    # THEN it is code, and its bar does not end the cell
    assert "| `` echo '`x` \\| <img src=x> @somebody <!-- ' `` |" in table
    assert "\\|" in table


def test_names_of_others_call_nobody() -> None:
    plan = content("schedule-change")
    target = change(plan, "aws_cloudwatch_event_target.do_often_target")
    for side in ("before", "after"):
        target[side]["batch_target"][0]["job_name"] = "<b>@team</b>"
    told = markdown.render(of([Plan.read(plan, "jobs")]), title="x")
    assert "@team" not in told
    assert "<b>" not in told
