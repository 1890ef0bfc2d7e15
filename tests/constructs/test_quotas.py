"""What is counted of a stage against AWS's quotas is what its stacks make."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from batchtab import app
from batchtab.declarations import quotas
from batchtab.declarations.catalog import load

STAGE = """
region: eu-west-1
account_id: "123456789012"
state: {bucket: state}
network: {create: true}
"""
JOBS = """
service: billing
image: {repository: billing, tag: v1}
jobs:
  plain: {command: [x], schedule: rate(5 minutes)}
  suspended: {command: [x], schedule: rate(5 minutes), suspend: true}
  by-hand: {command: [x]}
  seoul: {command: [x], schedule: 0 9 * * 1-5, timezone: Asia/Seoul}
  asked: {command: [x], schedule: 0 9 * * 1-5, trigger: schedule, concurrency_policy: forbid}
  next: {command: [x], after: [plain, seoul]}
  both: {command: [x], after: plain, schedule: rate(5 minutes)}
  secret: {command: [x], secrets: {TOKEN: /team/token}}
  own: {command: [x], secrets: {TOKEN: /team/token}, job_role_arn: &arn "arn:aws:iam::123456789012:role/x",
        execution_role_arn: *arn}
"""
KINDS = {
    "aws_cloudwatch_event_rule": "EventBridge rules",
    "aws_iam_role": "IAM roles",
    "aws_scheduler_schedule": "schedules",
    "aws_scheduler_schedule_group": "schedule groups",
    "aws_batch_compute_environment": "compute environments",
}


@pytest.mark.parametrize(("environment", "quiet"), [("{}", "true"), ("{}", "false"), ("{capacity: FARGATE}", "true")])
def test_what_is_counted_is_what_the_stacks_make(tmp_path: Path, environment: str, quiet: str) -> None:
    # GIVEN a stage with jobs that take each kind of trigger and role
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "prod.yaml").write_text(STAGE + f"environment: {environment}\nalerts: {{quiet: {quiet}}}\n")
    (tmp_path / "jobs" / "billing").mkdir(parents=True)
    (tmp_path / "jobs" / "billing" / "jobs.yaml").write_text(JOBS)
    # WHEN its stacks are made
    catalog = load("prod", tmp_path)
    app.synthesize(catalog, outdir=str(tmp_path / "out"))
    made: Counter[str] = Counter()
    for path in tmp_path.glob("out/stacks/*/cdk.tf.json"):
        for kind, resources in json.loads(path.read_text())["resource"].items():
            made[kind] += len(resources)
    # THEN it is just as many of each kind; a few queues take one rule for each kind of event
    counted = quotas.counts(catalog)
    assert {kind: counted[noun] for kind, noun in KINDS.items()} == {kind: made[kind] for kind in KINDS}
    assert counted["job queues"] == len(catalog.stage.environment.queues) <= quotas._QUEUES_PER_RULE
