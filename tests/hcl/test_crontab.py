"""Terraform turns crontab into AWS's form just as `batchtab.schedules.crontab` does: one text, one refusal."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tests.hcl.terraform import MODULES, Terraform

from batchtab.schedules.cron import ScheduleError
from batchtab.schedules.crontab import WORDS, to_aws

_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LOCALS = ("crontab", "crontab_days", "schedule_expression")
KNOWN = [
    *WORDS,
    *("cron(0 9 ? * 2-6 *)", "cron(0 0 L * ? *)", "rate(5 minutes)", "at(2026-12-01T09:00:00)"),
    *("0 9 * * 1-5", "0 9 * * MON-FRI", "*/5 * * * *", "0 0 1 jan *", "0  0   ? * 7", "7/10 * 1,15 * ?"),
    *("*/59 * * * *", "0 */23 * * *"),
    *("0 0 * * */2", "0 0 * * 1/2", "0 0 * * 7/3", "0 0 * * 5-7", "0 0 * * sun,0,7", "0 0 * * 0-7", "0 0 * * 006"),
]
REFUSED = [
    *("@reboot", "@every 5m", "@Daily"),
    *("0 0 1 * 1", "0 0 */2 * SUN", "0 0 1 * */1"),
    *("*/90 * * * *", "0/60 * * * *", "0 */24 * * *", "0 0/24 * * MON"),
    *("0 0 * * 8", "0 0 * * FRI-MON", "0 0 * * 5-4", "0 0 * * MONDAY", "0 0 * * *-5", "0 0 * * */8", "0 0 * * ,"),
    *(
        "0 0 *,1 * *",
        "*,5 * * * *",
        "0 0 * * MON,*",
        "0 0 * * 5L",
        "0 0 * * 1#2",
        "0 0 L * *",
        "H 0 * * *",
        "0~30 * * * *",
        "0 0 * * 1;2",
    ),
]
# `batchtab.schedules.crontab` refuses these as well, of which Terraform leaves the numbers to AWS.
LEFT_TO_AWS = ["60 * * * *", "* 24 * * *", "0 0 0 * *"]


def random_expressions(count: int) -> list[str]:
    """Expressions of which most are crontab's; half of them name days of the week."""
    chance = random.Random(8)  # noqa: S311 - no secret

    def field(low: int, high: int) -> str:
        first = chance.randint(low, high)
        last = chance.randint(first, high)
        step = chance.randint(1, 7)
        return chance.choice(
            ["*", f"{first}", f"{first}-{last}", f"*/{step}", f"{first}-{last}/{step}", f"{first}/{step}"]
        )

    def day() -> str:
        item = field(0, 7)
        if chance.random() < 0.5:
            item = "".join(_NAMES[int(part)] if part in "0123456" and "/" not in item else part for part in item)
        return item if chance.random() < 0.5 else item.lower()

    found = []
    for _ in range(count):
        days = ",".join(day() for _ in range(chance.randint(1, 3)))
        of_month = "*" if chance.random() < 0.8 else field(1, 31)
        found.append(f"{field(0, 59)} {field(0, 23)} {of_month} {field(1, 12)} {chance.choice(['*', '?', days, days])}")
    return found


def python_says(expression: str) -> str | None:
    """AWS's form, None where it is refused."""
    try:
        return to_aws(expression)
    except ScheduleError:
        return None


def _text(expression: str) -> str:
    return expression.removeprefix("${").removesuffix("}")


@pytest.mark.slow
def test_terraform_and_python_convert_alike(tmp_path: Path) -> None:
    # GIVEN the module's own locals and rules on its schedule, alone in a module, called once for each expression
    main = json.loads((MODULES / "scheduled_job" / "main.tf.json").read_text(encoding="utf-8"))
    shape = json.loads((MODULES / "scheduled_job" / "variables.tf.json").read_text(encoding="utf-8"))
    rules = [
        _text(rule["condition"])
        for rule in main["resource"]["aws_batch_job_definition"]["job_definition"]["lifecycle"]["precondition"]
        if rule["error_message"].startswith("${var.name}: schedule: '")
    ]
    rules += [_text(rule["condition"]) for rule in shape["variable"]["schedule"]["validation"]]
    assert len(rules) == 7
    expressions = sorted({*KNOWN, *REFUSED, *LEFT_TO_AWS, *random_expressions(400)})
    converter = {
        "variable": {"schedule": {"type": "string"}},
        "locals": {name: main["locals"][name] for name in _LOCALS},
        "output": {"answer": {"value": f"${{alltrue([{', '.join(rules)}]) ? local.schedule_expression : null}}"}},
    }
    calls = {
        "locals": {"expressions": expressions},
        "module": {
            "each": {"source": "./converter", "for_each": "${toset(local.expressions)}", "schedule": "${each.key}"}
        },
        "output": {"answers": {"value": "${ { for expression, one in module.each : expression => one.answer } }"}},
    }
    (tmp_path / "converter").mkdir()
    for folder, content in ((tmp_path / "converter", converter), (tmp_path, calls)):
        (folder / "main.tf.json").write_text(json.dumps(content), encoding="utf-8")
    terraform = Terraform(tmp_path)
    terraform.init()
    # WHEN Terraform converts them all
    terraform.do("apply", "-auto-approve", "-input=false")
    answers = json.loads(terraform.run("output", "-json", "answers").stdout)
    # THEN it says what Python says
    expected = {expression: python_says(expression) for expression in expressions}
    left = set(LEFT_TO_AWS)
    assert {e: a for e, a in answers.items() if e not in left} == {e: a for e, a in expected.items() if e not in left}
    assert all(expected[expression] is None and answers[expression] is not None for expression in left)
    # AND both forms were among them, and refusals
    converted = [answer for answer in expected.values() if answer is not None]
    assert sum("SUN" in answer for answer in converted) > 50
    assert sum(" ? *)" in answer for answer in converted) > 50
    assert all(expected[expression] is None for expression in REFUSED)
