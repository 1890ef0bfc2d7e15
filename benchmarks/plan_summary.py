"""How long a summary of a thousand jobs takes, and how large it is: `python -m benchmarks.plan_summary`.

The plans are Terraform's own of one job's schedule change, repeated; every job has another schedule, so that no
result is cached.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.unit.plan_review.summaries import many_jobs, of

from batchtab.plan_review import markdown, text
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.plan_review.plan import Plan

JOBS = 1000
LIMIT = 65_536


def main() -> int:
    plans = [_with_own_schedules(plan) for plan in many_jobs(JOBS)]
    size = sum(len(json.dumps(plan.content)) for plan in plans)
    print(f"{JOBS} jobs in {len(plans)} stacks, {size / 1e6:.1f} MB of plans, Python {sys.version.split()[0]}")
    _timed("read", lambda: [Plan.read(plan.content, plan.stack) for plan in plans])
    summary = _timed("put together", lambda: of(plans))
    markdown_text = _timed("as Markdown", lambda: markdown.render(summary, title="batchtab-prod"))
    _timed("as text", lambda: text.render(summary, title="batchtab-prod"))
    _timed("hashes for the review", lambda: Reviewed.of(plans))
    print(f"Markdown: {len(markdown_text.encode()):,} of {LIMIT:,} bytes")
    return 0 if len(markdown_text.encode()) <= LIMIT else 1


def _with_own_schedules(plan: Plan) -> Plan:
    content = json.loads(json.dumps(plan.content))
    for number, entry in enumerate(content["resource_changes"]):
        if entry["type"] == "aws_cloudwatch_event_rule":
            minute, hour = number % 60, number // 60 % 24
            entry["change"]["after"]["schedule_expression"] = f"cron({minute} {hour} {1 + number % 28} * ? *)"
    return Plan.read(content, plan.stack)


def _timed(what: str, act: Callable[[], Any]) -> Any:
    begin = time.perf_counter()
    found = act()
    print(f"{what:24} {time.perf_counter() - begin:6.2f} s")
    return found


if __name__ == "__main__":
    sys.exit(main())
