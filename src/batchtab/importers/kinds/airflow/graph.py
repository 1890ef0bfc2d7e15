"""What starts each job of a DAG: its schedule, or the jobs that come before it, by the task's trigger rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.airflow.model import Dag, Task
from batchtab.importers.node import Node

_EMPTY = {"EmptyOperator", "DummyOperator", "LatestOnlyOperator"}
# A job that comes after another waits for its end anyway.
_WAITS_FOR_A_JOB = {"BatchSensor", "EcsTaskStateSensor"}
SAME_AS_ALL_SUCCESS = {
    "all_success",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
    "none_failed_or_skipped",
}
_AT_ONCE = {"always", "dummy"}
_STATUS = {
    "all_done": "any",
    "all_failed": "failed",
    "one_success": "succeeded",
    "one_failed": "failed",
    "one_done": "any",
}
_AFTER_MAX = 8
_REFUSALS = {
    "TriggerDagRunOperator": "write after: the job before it, in the first jobs of that DAG",
    "ExternalTaskSensor": "write after: the job that the task of that DAG became",
    "TimeSensor": "give the jobs after it a schedule of their own",
    "SlackAPIPostOperator": "alerts of failed jobs go to Slack already; for another message write a job",
    "EmailOperator": "alerts of failed jobs go to Slack already; for a mail write a job",
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """What comes before a task.

    Attributes:
        tasks: Those that are jobs, past tasks without work.
        refused: Those that are not carried.
        roots: Those of `tasks` that the DAG's schedule starts.
        place: File and line of a dependency.
        text: The dependency, as it is in the report.
        is_root: Whether there are none.
    """

    tasks: tuple[str, ...]
    refused: tuple[str, ...]
    roots: frozenset[str]
    place: str
    text: str
    is_root: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """Tasks by what becomes a job.

    Attributes:
        carried: Those that are jobs.
        passed: Those without work.
        upstream: What comes before each job.
    """

    carried: list[str]
    passed: frozenset[str]
    upstream: Mapping[str, Upstream]


def of(dag: Dag, is_job: Callable[[Task], bool]) -> Graph:
    """Sort the tasks of a DAG, and follow dependencies past those without work."""
    carried = [each.id for each in dag.tasks.values() if is_job(each)]
    passed = frozenset(each.id for each in dag.tasks.values() if _is_passed(each, dag, carried))
    at_once = {each.id for each in dag.tasks.values() if _rule(each, dag) in _AT_ONCE}
    before = {each: [left for left, right in dag.edges if right == each] for each in dag.tasks}
    found = {task: _before(task, before, passed) if task not in at_once else [] for task in carried}
    roots = frozenset(task for task in carried if not found[task])
    return Graph(carried, passed, {task: _upstream(task, found[task], dag, carried, roots, before) for task in carried})


def _is_passed(task: Task, dag: Dag, carried: list[str]) -> bool:
    if task.operator in _EMPTY:
        return True
    before = [left for left, right in dag.edges if right == task.id]
    return task.operator in _WAITS_FOR_A_JOB and bool(before) and set(before) <= set(carried)


def _before(task: str, before: Mapping[str, list[str]], passed: frozenset[str]) -> list[str]:
    found: dict[str, None] = {}
    seen, waiting = {task}, [*before[task]]
    while waiting:
        each = waiting.pop(0)
        if each in seen:
            continue
        seen.add(each)
        if each in passed:
            waiting += before[each]
        else:
            found[each] = None
    return [*found]


def _upstream(
    task: str, found: list[str], dag: Dag, carried: list[str], roots: frozenset[str], before: Mapping[str, list[str]]
) -> Upstream:
    own = [each for each in found if each in carried]
    place = next((dag.edges[left, task] for left in before[task]), "")
    text = ", ".join(f"{left} >> {task}" for left in before[task])
    refused = tuple(each for each in found if each not in carried)
    return Upstream(tuple(own), refused, roots & set(own), place, text, not found)


def _rule(task: Task, dag: Dag) -> str:
    return rule_name(task.arguments.get("trigger_rule", dag.defaults.get("trigger_rule", "all_success")))


def rule_name(value: Any) -> str:
    """A trigger rule, also where it is written `TriggerRule.ALL_DONE`."""
    return str(value).rpartition(".")[2].lower()


def refusal(operator: str) -> tuple[str, str]:
    """Why an operator is not carried, and what to do."""
    why = f"{operator} runs in Airflow: it is neither a container nor a command"
    if operator.endswith(("Sensor", "SensorAsync")):
        return why, _REFUSALS.get(operator, "let what it waits for start the job, or wait in the job's command")
    return why, _REFUSALS.get(operator, "write a job whose command does its work, and name it in after")


def starts(node: Node, upstream: Upstream, jobs: Mapping[str, tuple[str, ...]], recorder: Recorder) -> dict[str, Any]:
    """The fields of jobs.yaml that start a job after others; trigger rule and dependency are recorded.

    Args:
        node: The task's arguments.
        upstream: What comes before it.
        jobs: The jobs of each task.
        recorder: Where findings go.
    """
    rule = rule_name(node.take("trigger_rule", "all_success"))
    at = recorder.at(upstream.place or recorder.place)
    if upstream.is_root:
        if upstream.text:
            at.changed("dependency", upstream.text, _root_note(rule))
        _record_root_rule(node, rule)
        return {}
    if upstream.refused:
        why = f"{', '.join(upstream.refused)} is not carried, so that nothing starts the job"
        at.not_carried("dependency", upstream.text, why, "write what starts it: schedule, after or after_all")
        node.leave("trigger_rule", "nothing starts the job")
        return {}
    names = [jobs[task] for task in upstream.tasks]
    if rule not in SAME_AS_ALL_SUCCESS and rule not in _STATUS:
        at.not_carried("dependency", upstream.text, f"its trigger rule is {rule}", "write what starts the job")
        node.leave("trigger_rule", "jobs.yaml has no such setting", "write what starts the job")
        return {}
    if len(names) > 1 and any(len(each) > 1 for each in names):
        why = "a job before it became several, because its schedule needs that, and after_all waits for all of them"
        at.not_carried("dependency", upstream.text, why, "write after with the job that ends last")
        node.leave("trigger_rule", "nothing starts the job")
        return {}
    if len(names) > _AFTER_MAX:
        why = f"{len(names)} jobs come before it, and after and after_all take {_AFTER_MAX}"
        at.not_carried("dependency", upstream.text, why, "add jobs that wait for some of them each")
        node.leave("trigger_rule", "nothing starts the job")
        return {}
    return _after(node, upstream, names, rule, at)


def _root_note(rule: str) -> str:
    if rule in _AT_ONCE:
        return f"trigger_rule {rule} waits for nothing: the job has the DAG's schedule"
    return "the tasks before it have no work: the job has the DAG's schedule"


def _record_root_rule(node: Node, rule: str) -> None:
    if rule in _AT_ONCE:
        node.change("trigger_rule", "the DAG's schedule starts the job")
    else:
        node.leave("trigger_rule", "no job comes before it")


def _after(node: Node, upstream: Upstream, names: list[tuple[str, ...]], rule: str, at: Recorder) -> dict[str, Any]:
    found: dict[str, Any] = {}
    is_one = rule.startswith("one_")
    flat = [name for each in names for name in each]
    if len(names) == 1 or is_one:
        found["after"] = flat[0] if len(flat) == 1 else flat
        at.carried("dependency", upstream.text, "after")
    else:
        found["after_all"] = flat
        at.carried(
            "dependency", upstream.text, "after_all: an end counts until the next run, unless within_seconds says less"
        )
    status = _STATUS.get(rule, "succeeded")
    if status != "succeeded":
        found["after_status"] = status
    _record_rule(node, upstream, rule, found)
    return found


def _record_rule(node: Node, upstream: Upstream, rule: str, found: Mapping[str, Any]) -> None:
    field = (
        f"after_status: {found['after_status']}" if "after_status" in found else "after_status: succeeded, the default"
    )
    if rule in SAME_AS_ALL_SUCCESS:
        if rule == "all_success":
            node.carry("trigger_rule", field)
        else:
            node.change("trigger_rule", f"{field}: no job is skipped, so that it means all_success")
        return
    if rule.startswith("one_") and len(upstream.tasks) > 1:
        how = f"{field}: after starts the job at each such end, Airflow once"
        node.change("trigger_rule", how, "make sure that the job may run once for each of them")
    elif set(upstream.tasks) <= upstream.roots:
        node.change("trigger_rule", field)
    else:
        later = ", ".join(each for each in upstream.tasks if each not in upstream.roots)
        how = (
            f"{field}: if {later} never starts because of an earlier failure, neither does the job; in Airflow it does"
        )
        node.change("trigger_rule", how, "name the earlier jobs in after too, if it must run then")
