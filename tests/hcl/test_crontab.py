"""Terraform reads schedules as `batchtab.schedules` does: crontab's form becomes AWS's, and what is none is refused."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from tests.hcl.terraform import MODULES, Terraform

from batchtab.schedules.cron import ScheduleError
from batchtab.schedules.crontab import WORDS, to_aws
from batchtab.schedules.expression import parse

_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LOCALS = (
    "crontab",
    "crontab_days",
    "schedule_expression",
    "cron_patterns",
    "cron_ranges",
    "cron_fields",
    "cron_faults",
)
KNOWN = [
    *WORDS,
    *("cron(0 9 ? * 2-6 *)", "cron(0 0 L * ? *)", "rate(5 minutes)", "at(2026-12-01T09:00:00)"),
    *("0 9 * * 1-5", "0 9 * * MON-FRI", "*/5 * * * *", "0 0 1 jan *", "0  0   ? * 7", "7/10 * 1,15 * ?"),
    *("*/59 * * * *", "0 */23 * * *"),
    *("0 0 * * FRI-MON", "0 0 * * 5-4", "0 0 * * SAT-0", "0 0 * * 5-2/3", "0 22-2 * * *", "50-10/5 * 28-3 NOV-FEB *"),
    *("0 0 * * */2", "0 0 * * 1/2", "0 0 * * 7/3", "0 0 * * 5-7", "0 0 * * sun,0,7", "0 0 * * 0-7", "0 0 * * 006"),
]
REFUSED = [
    *("@reboot", "@every 5m", "@Daily"),
    *("0 0 1 * 1", "0 0 */2 * SUN", "0 0 1 * */1"),
    *("*/90 * * * *", "0/60 * * * *", "0 */24 * * *", "0 0/24 * * MON"),
    *("0 0 * * 8", "0 0 * * MONDAY", "0 0 * * *-5", "0 0 * * */8", "0 0 * * ,"),
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
# AWS's own forms, of which each part is wrong once.
REFUSED += [
    *("60 * * * *", "* 24 * * *", "0 0 0 * *", "0 9 32 * *", "0 9 * 13 *", "0 25 * * *", "0 0 31 2 *", "0 0 30 feb *"),
    *(
        "cron(0 9 * * *)",
        "cron(0 9 * * * *)",
        "cron(0 9 * * MON *)",
        "cron(0 9 ? * ? *)",
        "cron()",
        "cron(0 9 * * ? * *)",
    ),
    *("cron(60 * * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 * 0 ? *)"),
    *("cron(0 0 * 13 ? *)", "cron(0 0 * SEPT ? *)", "cron(0 0 ? * 0 *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * MONDAY *)"),
    *("cron(0 0 * * ? 1969)", "cron(0 0 * * ? 2200)", "cron(0 0 * * ? 2030-2026)", "cron(*/0 * * * ? *)"),
    *(
        "cron(*/60 * * * ? *)",
        "cron(0 0 ? * */2 *)",
        "cron(0 0 ? * 3#6 *)",
        "cron(0 0 ? * 3#1,6#3 *)",
        "cron(1, * * * ? *)",
    ),
    *(
        "cron(,1 * * * ? *)",
        "cron(1-2-3 * * * ? *)",
        "cron(0 0 32W * ? *)",
        "cron(0 0 L-31 * ? *)",
        "cron(0 0 LW,1 * ? *)",
    ),
    *(
        "cron(0 0 31 2 ? *)",
        "cron(0 0 L-30 2 ? *)",
        "cron(0 0 30,31 FEB ? *)",
        "cron(0 0 31 4,6 ? *)",
        "cron(0 0 L * L *)",
    ),
    *("rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(5 seconds)", "rate(-1 days)", "rate(1.5 hours)"),
    *("rate(hour)", "rate(1 week)", "at(2026-13-01T00:00:00)", "at(2026-02-30T00:00:00)", "at(2026-01-01T24:00:00)"),
    *("at(2026-01-01 00:00:00)", "at(2026-01-01T00:00)", "at(1999-01-01T00:00:00)", "at(2026-01-01T00:00:30)"),
    *("at(2026-01-01T00:00:00Z)", "at(now)", "Cron(0 9 * * ? *)", "cron (0 9 * * ? *)", "cron(0 9 * * ? *) "),
]
KNOWN += [
    *("cron(0 22-2 * * ? *)", "cron(0 0 ? * FRI-MON *)", "cron(50-10/5 * 28-3 NOV-FEB ? *)", "cron(0 0 LW * ? *)"),
    *("cron(0 0 L-30 1 ? *)", "cron(0 0 15W * ? *)", "cron(0 0 ? * L *)", "cron(0 0 ? * 6L *)", "cron(0 0 ? * FRIL *)"),
    *("cron(0 0 ? * MON#1 *)", "cron(0 0 ? * 3#5 *)", "cron(07 09 01 jan ? 2026-2030/2)", "cron(0 0 29 2 ? *)"),
    *(
        "cron( 0  0 * * ? * )",
        "cron(0 0 31 1,2 ? *)",
        "rate(1 minute)",
        "rate(12 hours)",
        "rate(1 day)",
        "rate(365 days)",
    ),
    *("at(2028-02-29T23:59:00)", "at(2199-12-31T00:00:00)"),
]


def random_expressions(count: int) -> list[str]:
    """Expressions of which most are crontab's; half of them name days of the week."""
    chance = random.Random(8)  # noqa: S311 - no secret

    def field(low: int, high: int) -> str:
        first = chance.randint(low, high)
        last = chance.randint(low, high)
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


def random_cron(count: int) -> list[str]:
    """AWS's form, of which about half have a field beyond its range."""
    chance = random.Random(9)  # noqa: S311 - no secret
    ranges = {"minutes": (0, 59), "hours": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (1, 7)}

    def item(low: int, high: int) -> str:
        first, last, step = (chance.randint(max(low - 1, 0), high + chance.choice([0, 1])) for _ in range(3))
        return chance.choice(
            ["*", f"{first}", f"{first}-{last}", f"*/{step}", f"{first}-{last}/{step}", f"{first}/{step}"]
        )

    found = []
    for _ in range(count):
        parts = {name: ",".join(item(*span) for _ in range(chance.randint(1, 2))) for name, span in ranges.items()}
        parts["day"] = chance.choice(
            [parts["day"], "L", "LW", f"L-{chance.randint(0, 31)}", f"{chance.randint(0, 33)}W"]
        )
        if chance.random() < 0.5:
            parts["day"] = "?"
        else:
            parts["weekday"] = "?"
        year = chance.choice(["*", "2026", "2026-2030", "2030-2026", "*/2", "1969", "2026,2199"])
        found.append(f"cron({' '.join(parts.values())} {year})")
    return found


def python_says(expression: str) -> str | None:
    """AWS's form, None where it is refused."""
    try:
        parse(expression)
        return to_aws(expression)
    except ScheduleError:
        return None


def read_by(expressions: list[str], known: dict[str, Any]) -> dict[str, Any]:
    """The locals that expressions read, and those that these read."""
    found: dict[str, Any] = {}
    names = set(re.findall(r"\blocal\.(\w+)", json.dumps(expressions)))
    while names:
        new = {name: known[name] for name in names}
        found |= new
        names = set(re.findall(r"\blocal\.(\w+)", json.dumps(new))) - found.keys()
    return found


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
    assert len(rules) == 13
    expressions = sorted({*KNOWN, *REFUSED, *random_expressions(400), *random_cron(300)})
    converter = {
        "variable": {"schedule": {"type": "string"}},
        "locals": read_by([*(f"local.{name}" for name in _LOCALS), *rules], main["locals"]),
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
    assert answers == expected
    # AND both forms were among them, and refusals
    converted = [answer for answer in expected.values() if answer is not None]
    assert sum("SUN" in answer for answer in converted) > 50
    assert sum(" ? *)" in answer for answer in converted) > 50
    assert [expression for expression in REFUSED if expected[expression] is not None] == []
    assert [expression for expression in KNOWN if expected[expression] is None] == []
    assert 60 < sum(expected[expression] is None for expression in random_cron(300)) < 240
