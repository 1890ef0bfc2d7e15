"""Puts parts of local AWS in the place of internals of ministack, or around them."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from batchtab.local_aws import (
    alarms,
    constraints,
    expressions,
    function_roles,
    rule_api,
    scheduler_api,
    schedules,
    stored_policies,
    stored_tags,
)
from batchtab.local_aws.batch.api import Api
from batchtab.local_aws.clock import Clock
from batchtab.local_aws.delivery import Deliveries, send_letter
from batchtab.local_aws.functions import Invocations, dead_letter
from batchtab.local_aws.rules import ScheduledRules
from batchtab.local_aws.schedules import Schedules
from batchtab.local_aws.workers import Workers


class DrivenTime:
    """Replaces the module `time` in a module of ministack, so that it reads our clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def time(self) -> float:
        """Return the clock's time."""
        return self._clock.now()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@dataclass(frozen=True)
class Parts:
    """What takes the place of ministack's internals."""

    clock: Clock
    api: Api
    deliveries: Deliveries
    rules: ScheduledRules
    schedules: Schedules
    invocations: Invocations
    reset_batch: Callable[[], None]


def original_invoke_target() -> Callable[..., None]:
    """Return ministack's own delivery, for the kinds of target that we leave to it."""
    invoke: Callable[..., None] = _module("eventbridge")._invoke_target
    return invoke


def make_invocations() -> Invocations:
    """Return what takes the place of ministack's asynchronous invocations, before it is put there."""
    lambda_svc = _module("lambda_svc")

    def set_retry_seconds(seconds: float) -> None:
        lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS = seconds
        lambda_svc._LAMBDA_ASYNC_RETRY_MAX_SECONDS = 2 * seconds  # there are two retries at most

    return Invocations(lambda_svc.invoke_async_with_retry, lambda_svc._execute_function, set_retry_seconds)


def install(parts: Parts) -> None:
    """Put our parts in place; `check` has to be called before."""
    batch, eventbridge, scheduler, cloudwatch = map(_module, ("batch", "eventbridge", "scheduler", "cloudwatch"))
    batch.handle_request = parts.api.handle_request
    batch.reset = parts.reset_batch
    batch.get_state = dict
    batch.load_persisted_state = lambda _data: None

    cloudwatch.time = DrivenTime(parts.clock)
    eventbridge._now_ts = lambda: int(parts.clock.now())
    scheduler._now = parts.clock.now
    eventbridge._invoke_target = parts.deliveries.invoke_target
    eventbridge._tick_scheduled_rules = lambda: None
    eventbridge._validate_schedule_expression = _is_rule_expression
    scheduler._tick_schedules = lambda: None
    scheduler.handle_request = scheduler_api.serving(scheduler.handle_request, scheduler._error)
    rule_api.install()
    for name in ("_put_rule", "_enable_rule"):
        _then(eventbridge, name, parts.rules.next_moment, parts.clock)
    for name in ("_create_schedule", "_update_schedule"):
        _check_schedule(scheduler, name)
        _then(scheduler, name, parts.schedules.next_moment, parts.clock)

    _install_invocations(_module("lambda_svc"), parts.invocations)
    _install_workers(_module("lambda_svc"), importlib.import_module("ministack.core.lambda_runtime"))

    function_roles.install()
    stored_policies.install()
    stored_tags.install()

    describe, evaluate = cloudwatch._describe_alarms, cloudwatch._evaluate_alarm
    cloudwatch._describe_alarms = lambda *given, **named: alarms.describe_alarms(describe, *given, **named)
    cloudwatch._evaluate_alarm = lambda alarm: alarms.evaluate_alarm(evaluate, alarm)


def _module(name: str) -> Any:
    return importlib.import_module(f"ministack.services.{name}")


def _install_invocations(lambda_svc: Any, invocations: Invocations) -> None:
    lambda_svc.invoke_async_with_retry = invocations.invoke_async
    lambda_svc._externalize_code_zip = lambda _function, _referenced: None  # a snapshot has the code itself
    lambda_svc._execute_function = invocations.execute
    dispatch = lambda_svc._execute_function_dispatch

    def dispatch_as(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        return dispatch(func, config, event, invocations.request_id(request_id), started)

    lambda_svc._execute_function_dispatch = dispatch_as
    send_on = lambda_svc._route_async_failure

    def route_async_failure(target: str, name: str, event: Any, result: Any) -> None:
        config = (lambda_svc._functions.get(name) or {}).get("config") or {}
        is_dead_letter = target == (config.get("DeadLetterConfig") or {}).get("TargetArn") and ":sqs:" in target
        if not is_dead_letter or _module("sqs")._queue_by_arn(target) is None:
            send_on(target, name, event, result)
            return
        send_letter(target, *dead_letter(event, result, invocations.request_id("")))

    lambda_svc._route_async_failure = route_async_failure


def _install_workers(lambda_svc: Any, lambda_runtime: Any) -> None:
    workers = Workers(lambda_runtime._workers, lambda_runtime._lock, lambda_runtime.kill_workers, lambda_runtime.reset)
    lambda_svc.invalidate_worker = workers.invalidate
    lambda_runtime.reset = workers.reset


def _then(module: Any, name: str, look: Callable[[], object], clock: Clock) -> None:
    """Have a schedule looked at as soon as it has been made, so that it starts at that moment."""
    original = getattr(module, name)

    def wrapped(*given: Any) -> Any:
        answer = original(*given)
        look()
        clock.wake()
        return answer

    setattr(module, name, wrapped)


def _check_schedule(module: Any, name: str) -> None:
    original = getattr(module, name)

    def wrapped(schedule: str, body: dict[str, Any]) -> Any:
        refused = constraints.refusal("scheduler", "CreateSchedule", {"Name": schedule, **body})
        if refused is None:
            refused = schedules.refusal(body) if body.get("ScheduleExpression") else None
        if refused is None and (body.get("Target") or {}).get("RoleArn"):
            refused = schedules.role_refusal(schedule, body)
        return module._error(400, "ValidationException", refused) if refused else original(schedule, body)

    setattr(module, name, wrapped)


def _is_rule_expression(text: str) -> bool:
    if not text:
        return True
    try:
        return expressions.parse(text).at is None
    except expressions.ExpressionError:
        return False
