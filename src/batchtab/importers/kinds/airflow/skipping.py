"""Exit codes with which a task of Airflow is skipped: jobs.yaml has successes and failures alone."""

from __future__ import annotations

import re
from typing import Any

from batchtab import limits
from batchtab.importers.kinds.airflow.tasks import plain
from batchtab.importers.node import Node

_KEYS = ("skip_exit_code", "skip_on_exit_code")  # the former is the older name
_OF_BASH = 99  # where a BashOperator says nothing else
_LAST = {"action": "RETRY", "on_reason": "*"}
_WHY = "a job is not skipped: it fails with this exit code, and sends an alert"
_TODO = "let the program end with 0 in its place; jobs with `after` this one then start, which Airflow would skip"


def skip_codes(node: Node, found: dict[str, Any], *, script: object = None) -> None:
    """Record the exit codes that skip a task, and let no attempt repeat them.

    Args:
        node: The task's arguments.
        found: Its fields of jobs.yaml, with the attempts.
        script: The command of a BashOperator, in which 99 skips the task if nothing else is said.
    """
    given = [key for key in _KEYS if node.data.get(key) is not None]
    is_said = any(key in node for key in _KEYS)
    if not is_said and isinstance(script, str) and re.search(rf"\bexit\s+{_OF_BASH}\b", script):
        note = _rules(found, [_OF_BASH])
        if note:
            node.recorder.changed(_KEYS[1], f"{_OF_BASH}, as Airflow takes it", note, _TODO)
        else:
            node.recorder.not_carried(_KEYS[1], f"{_OF_BASH}, as Airflow takes it", _WHY, _TODO)
    for key in _KEYS:
        value = plain(node, key)
        codes = [*value] if isinstance(value, (list, tuple, set, frozenset)) else [value]
        numbers = [each for each in codes if isinstance(each, int) and not isinstance(each, bool)]
        if not codes or (value is None and key not in given):
            node.leave(key, "no exit code skips the task")
        elif value is None:
            continue  # it is no constant, which is reported
        elif len(numbers) == len(codes) and (note := _rules(found, numbers)):
            node.change(key, note, _TODO)
        else:
            node.leave(key, _WHY, _TODO)


def _rules(found: dict[str, Any], codes: list[int]) -> str:
    """Write rules by which these codes are not repeated, and say so; empty where there is none."""
    is_retried = found.get("attempts", 1) > 1 and "evaluate_on_exit" not in found
    if not is_retried or len(codes) >= limits.EVALUATE_ON_EXIT_RULES_MAX:
        return ""
    rules = [{"action": "EXIT", "on_exit_code": str(each)} for each in dict.fromkeys(codes)]
    found["evaluate_on_exit"] = [*rules, dict(_LAST)]
    return f"evaluate_on_exit: EXIT for {', '.join(map(str, codes))}, so that it is not repeated. But {_WHY}"
