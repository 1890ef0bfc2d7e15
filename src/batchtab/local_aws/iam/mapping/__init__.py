"""Which permissions each operation of a service needs: a table per service, and what all of them share."""

from __future__ import annotations

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.mapping import (
    alarms,
    batch,
    containers,
    dynamodb,
    ec2,
    events,
    functions,
    identities,
    keys,
    logs,
    messages,
    s3,
    scheduler,
    secrets,
)
from batchtab.local_aws.iam.mapping.call import Call, World
from batchtab.local_aws.iam.mapping.rules import Table
from batchtab.local_aws.iam.reference import knows, types
from batchtab.local_aws.iam.requests import Request

# By botocore's name of a service: the prefix of its actions, and its table.
SERVICES: dict[str, tuple[str, Table]] = {
    "batch": ("batch", batch.TABLE),
    "cloudwatch": ("cloudwatch", alarms.TABLE),
    "dynamodb": ("dynamodb", dynamodb.TABLE),
    "ec2": ("ec2", ec2.TABLE),
    "ecr": ("ecr", containers.TABLE),
    "ecs": ("ecs", {}),
    "events": ("events", events.TABLE),
    "iam": ("iam", identities.TABLE),
    "kms": ("kms", keys.TABLE),
    "lambda": ("lambda", functions.TABLE),
    "logs": ("logs", logs.TABLE),
    "s3": ("s3", s3.TABLE),
    "scheduler": ("scheduler", scheduler.TABLE),
    "secretsmanager": ("secretsmanager", secrets.SECRETS),
    "sns": ("sns", messages.TOPICS),
    "sqs": ("sqs", messages.QUEUES),
    "ssm": ("ssm", secrets.PARAMETERS),
    "sts": ("sts", identities.SESSIONS),
}


def checks(request: Request, world: World, region: str, account: str) -> list[Check]:
    """Return what somebody has to be allowed for a request, in the order in which AWS asks.

    Raises:
        UnknownRequestError: No rule says what the operation needs.
    """
    prefix, table = SERVICES[request.service]
    call = Call(request, prefix, region, account, world)
    if request.operation in table:
        found = [check for rule in table[request.operation] for check in rule(call)]
    else:
        action = f"{prefix}:{request.operation}"
        found = [call.check(action)] if knows(action) and not types(action) else []
    if not found:
        raise UnknownRequestError(f"local AWS does not know what IAM action {request.service}'s {request.operation} is")
    return found
