"""A job of the Python door, for the tests of what it becomes."""

from __future__ import annotations

import json
from typing import Any

from tests.constructs.template import QUEUE_ARN, Template, in_python

from batchtab.constructs.scheduled_job import ScheduledJob

IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-service:latest"
PARAMETER = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/my-service/token"
SECRET = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:my-service/db-AbCdEf"
ROLE = "arn:aws:iam::123456789012:role/mine"
DEAD_LETTERS = "arn:aws:sqs:ap-northeast-2:123456789012:batchtab-test-trigger-dead-letter"
FUNCTION = "arn:aws:lambda:ap-northeast-2:123456789012:function:batchtab-test-submit-run"
ENVIRONMENTS: dict[str, Any] = {
    "trigger_role_arn": ROLE,
    "log_group_name": "/aws/batch/batchtab-test",
    "dead_letter_queue_arn": DEAD_LETTERS,
}
ORIGINAL: dict[str, Any] = {
    "name": "my-service-do-something",
    "namespace": "batchtab-test",
    "image": IMAGE,
    "command": ["node", "app/jobs/do-something"],
    "job_queue_arn": QUEUE_ARN,
    "schedule": "cron(0 0 * * ? *)",
    "vcpus": 1,
    "memory_mib": 1024,
    "timeout_seconds": 1800,
    "attempts": 1,
}


def job(id_: str = "Default", **arguments: Any) -> Template:
    return in_python(lambda stack: ScheduledJob(stack, id_, **(ORIGINAL | arguments)))


def container(template: Template) -> dict[str, Any]:
    properties = json.loads(template.one("aws_batch_job_definition")["container_properties"])
    assert isinstance(properties, dict)
    return properties
