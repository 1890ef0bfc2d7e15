"""What Lambda refuses for a function's role: one that it cannot take, a queue that the role may not read or write.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import error_response_json, get_account_id, request_scope
from ministack.services import cloudwatch_logs, lambda_svc

from batchtab.local_aws import permissions

logger = logging.getLogger("batchtab.local_aws.functions")

Record = dict[str, Any]
Answer = Any

_SERVICE = "lambda.amazonaws.com"
# What the role of a function needs for what is sent on: by the target's service.
_SENDS = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
    "s3": "s3:PutObject",
}
_READS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def install() -> None:
    """Have ministack's Lambda refuse them."""
    create, update = lambda_svc._create_function, lambda_svc._update_config
    create_mapping, configure = lambda_svc._create_esm, lambda_svc._put_event_invoke_config
    mappings, send_on = lambda_svc._iter_all_esms, lambda_svc._route_async_failure
    write_log = lambda_svc._emit_lambda_logs

    def create_function(data: Record) -> Answer:
        return _refused(data.get("Role"), data.get("DeadLetterConfig")) or create(data)

    def update_config(name: str, data: Record) -> Answer:
        role = data.get("Role") or _role(name)
        return _refused(data.get("Role"), data.get("DeadLetterConfig"), sender=role) or update(name, data)

    def create_esm(data: Record) -> Answer:
        name, _, unknown = lambda_svc._resolve_existing_esm_function(data.get("FunctionName", ""))
        source = str(data.get("EventSourceArn", ""))
        if not unknown and permissions.enforced() and (action := _unreadable(_role(name), source)):
            word = action.partition(":")[2]
            return _refusal(f"The function execution role does not have permissions to call {word} on SQS")
        return create_mapping(data)

    def put_event_invoke_config(name: str, qualifier: str | None, data: Record) -> Answer:
        for kind in ("OnSuccess", "OnFailure"):
            target = ((data.get("DestinationConfig") or {}).get(kind) or {}).get("Destination")
            if target and (action := _unsendable(_role(name), target)):
                word = action.partition(":")[2]
                return _refusal(f"The function's execution role does not have permissions to call {word} on {target}")
        return configure(name, qualifier, data)

    def iter_all_esms() -> Iterator[tuple[str, str, Record]]:
        for account_id, region, mapping in mappings():
            with request_scope(account_id, region):
                action = _unreadable(_role(mapping["FunctionName"]), mapping.get("EventSourceArn", ""))
            if action:
                mapping["LastProcessingResult"] = f"PROBLEM: Function execution role may not call {action}"
            else:
                yield account_id, region, mapping

    def route_async_failure(target: str, name: str, event: Any, result: Record) -> None:
        if action := _unsendable(_role(name), target):
            logger.warning("%s: its role may not call %s on %s; the event is lost", name, action, target)
        else:
            send_on(target, name, event, result)

    def emit_lambda_logs(func: Record, *given: Any, **named: Any) -> None:
        if _may_write_log(func.get("config") or func):
            write_log(func, *given, **named)

    lambda_svc._create_function = create_function
    lambda_svc._update_config = update_config
    lambda_svc._create_esm = create_esm
    lambda_svc._put_event_invoke_config = put_event_invoke_config
    lambda_svc._iter_all_esms = iter_all_esms
    lambda_svc._route_async_failure = route_async_failure
    lambda_svc._emit_lambda_logs = emit_lambda_logs


def _refused(role: str | None, dead_letters: Record | None, sender: str | None = None) -> Answer:
    """Return Lambda's answer to a role that it cannot take, or that may not write to the dead-letter queue."""
    if not permissions.enforced():
        return None
    if role is not None and permissions.role_refusal(role, _SERVICE) is not None:
        return _refusal("The role defined for the function cannot be assumed by Lambda.")
    target = (dead_letters or {}).get("TargetArn")
    if target and (action := _unsendable(sender or role or "", target)):
        service, _, word = action.partition(":")
        return _refusal(f"The provided execution role does not have permissions to call {word} on {service.upper()}")
    return None


def _refusal(message: str) -> Answer:
    return error_response_json("InvalidParameterValueException", message, 400)


def _unreadable(role: str, queue_arn: str) -> str | None:
    """Return what a role may not do with a queue that is an event source; None if it may, and of other sources."""
    if not permissions.enforced() or ":sqs:" not in queue_arn:
        return None
    return next((action for action in _READS if not permissions.role_allows(role, action, queue_arn)), None)


def _unsendable(role: str, target: str) -> str | None:
    """Return what a role may not do with a target to which a failed event goes; None if it may."""
    if not permissions.enforced():
        return None
    action = _SENDS.get(parse_arn(target).service)
    resource = f"{target}/*" if action == "s3:PutObject" else target
    return action if action and not permissions.role_allows(role, action, resource) else None


def _may_write_log(config: Record) -> bool:
    """Whether a function's role may write what it printed; what it may not write is lost, as on AWS."""
    if not permissions.enforced():
        return True
    _, _, _, region, account, *_ = config["FunctionArn"].split(":")
    name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    group = f"arn:aws:logs:{region}:{account}:log-group:{name}"
    stream = f"{group}:log-stream:{datetime.now(UTC):%Y/%m/%d}/[{config.get('Version', '$LATEST')}]"
    with request_scope(account, region):
        asked = [("logs:CreateLogStream", stream), ("logs:PutLogEvents", stream)]
        if name not in cloudwatch_logs._log_groups:
            asked.insert(0, ("logs:CreateLogGroup", f"{group}:log-stream:"))
        return all(permissions.role_allows(config["Role"], action, resource) for action, resource in asked)


def _role(function_name: str) -> str:
    found = lambda_svc._functions.get(function_name) or {}
    role: str = (found.get("config") or {}).get("Role") or f"arn:aws:iam::{get_account_id()}:role/"
    return role
