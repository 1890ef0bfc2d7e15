"""Plans that Terraform made of the project's own stacks against local AWS, each with one change; and their summaries.

They are cut to what changes. `python -m tests.unit.plan_review.summaries` writes the golden files anew.
"""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from batchtab.plan_review import markdown
from batchtab.plan_review.findings import Findings
from batchtab.plan_review.plan import Plan, find
from batchtab.plan_review.summary import Summary

HERE = Path(__file__).parent
PLANS = HERE / "plans"
GOLDEN = HERE / "golden"
NOW = datetime(2026, 11, 24, 10, 3, tzinfo=UTC)
NAMES = (
    "first-deploy",
    "schedule-change",
    "job-removed",
    "queue-replaced",
    "image-only",
    "iam-widened",
    "nothing-changed",
    "schedule-moved",
    "runs-queued",
    "paused-by-hand",
)


def plans(name: str) -> list[Plan]:
    return [Plan.load(path) for path in find([PLANS / name])]


def content(name: str, stack: str = "jobs-my-service") -> dict[str, Any]:
    """A plan to be spoiled."""
    loaded: dict[str, Any] = json.loads((PLANS / name / f"{stack}.plan.json").read_text())
    return loaded


def summary(name: str, findings: Findings | None = None) -> Summary:
    return of(plans(name), findings)


def of(found: list[Plan], findings: Findings | None = None) -> Summary:
    return Summary.of(found, NOW, ZoneInfo("UTC"), findings)


def rendered(name: str) -> str:
    return markdown.render(summary(name), title="batchtab-local")


def change(plan: dict[str, Any], address: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r["change"] for r in plan["resource_changes"] if r["address"] == address)
    return found


def many_jobs(number: int) -> list[Plan]:
    """The schedule change, of so many jobs in ten stacks."""
    one = content("schedule-change")
    job = [r for r in one["resource_changes"] if "do_often" in r["address"]]
    found = []
    for stack in range(10):
        whole = copy.deepcopy(one)
        tags = whole["configuration"]["provider_config"]["aws"]["expressions"]["default_tags"][0]["tags"]
        tags["constant_value"]["batchtab:stack"] = f"jobs-service-{stack}"
        whole["resource_changes"] = []
        for index in range(stack, number, 10):
            text = json.dumps(job).replace("do_often", f"job_{index:04d}")
            text = text.replace("my-service-do-often", f"service-{stack}-job-{index:04d}")
            whole["resource_changes"] += json.loads(text)
        found.append(Plan.read(whole, f"jobs-service-{stack}"))
    return found


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in NAMES:
        (GOLDEN / f"{each}.md").write_text(rendered(each), encoding="utf-8")
