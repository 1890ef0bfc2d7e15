"""What a deployment may change of the alerts: functions, logs, alarms, and where they keep what they know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.constructs._terraform.policies import allow
from batchtab.constructs.ci_roles.names import Names
from batchtab.constructs.ci_roles.reads import ITEMS_OF_TERRAFORM
from batchtab.constructs.ci_roles.tags import asks_for, has


def alert_statements(names: Names, *, namespace: Any) -> list[Mapping[str, Any]]:
    """Statements on functions, their logs and those of jobs, alarms, tables and message queues."""
    of_own_functions = {"ArnLike": {"lambda:FunctionArn": names.functions}}
    mappings = names.event_source_mappings
    return [
        allow(
            [
                "lambda:AddPermission",
                "lambda:CreateFunction",
                "lambda:DeleteFunction",
                "lambda:DeleteFunctionEventInvokeConfig",
                "lambda:PutFunctionEventInvokeConfig",
                "lambda:RemovePermission",
                "lambda:TagResource",
                "lambda:UntagResource",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
                "lambda:UpdateFunctionEventInvokeConfig",
            ],
            names.functions,
        ),
        # A deployment asks for what was due while a job moved to another trigger.
        allow(["lambda:InvokeFunction"], [names.submit_function]),
        allow(["lambda:CreateEventSourceMapping"], "*", condition=of_own_functions),  # it has no name before
        allow(
            ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"], mappings, condition=of_own_functions
        ),
        # Tagging knows no function; a tag on another mapping gives nothing, as above the function counts.
        allow(["lambda:TagResource"], mappings, condition=asks_for(namespace)),
        allow(["lambda:TagResource", "lambda:UntagResource"], mappings, condition=has(namespace)),
        allow(
            [
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:DeleteRetentionPolicy",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            names.log_groups,
        ),
        allow(
            [
                "cloudwatch:DeleteAlarms",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            names.alarms,
        ),
        allow(
            [
                "dynamodb:CreateTable",
                "dynamodb:DeleteTable",
                "dynamodb:TagResource",
                "dynamodb:UntagResource",
                "dynamodb:UpdateContinuousBackups",
                "dynamodb:UpdateTable",
                "dynamodb:UpdateTimeToLive",
            ],
            names.tables,
        ),
        allow(
            ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            names.alert_tables,
            condition=ITEMS_OF_TERRAFORM,
        ),
        allow(
            ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"],
            names.message_queues,
        ),
    ]
