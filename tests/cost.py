"""A pytest plugin: how long each part of the tests took, in seconds and in seconds of processors."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).resolve().parent
_NAME = "cost"
# These folders have long files, of which each counts as a part.
_BY_FILE = ("e2e", "hcl", "image")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measures a test with its fixtures; child processes count when they have ended."""
    began, before = time.monotonic(), _cpu_seconds()
    result = yield
    _COSTS[_part(item.path)].append((time.monotonic() - began, _cpu_seconds() - before))
    return result


_COSTS: dict[str, list[tuple[float, float]]] = defaultdict(list)


def _cpu_seconds() -> float:
    found = os.times()
    return found.user + found.system + found.children_user + found.children_system


def _part(path: Path) -> str:
    parts = path.relative_to(_TESTS).parts
    return "/".join(parts[:2]) if parts[0] in _BY_FILE else parts[0]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands what a worker of xdist measured to the one that prints."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_NAME] = dict(_COSTS)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes what a worker measured."""
    for part, costs in (getattr(node, "workeroutput", None) or {}).get(_NAME, {}).items():
        _COSTS[part] += [tuple(cost) for cost in costs]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the parts, the longest first."""
    rows = [
        (part, len(costs), sum(seconds for seconds, _ in costs), sum(cpu for _, cpu in costs))
        for part, costs in _COSTS.items()
    ]
    terminalreporter.write_sep("=", "what each part took")
    terminalreporter.write_line(f"{'part':40} {'tests':>6} {'seconds':>8} {'CPU seconds':>12}")
    for part, tests, seconds, cpu in sorted(rows, key=lambda row: -row[2]):
        terminalreporter.write_line(f"{part:40} {tests:6,} {seconds:8.0f} {cpu:12.0f}")
