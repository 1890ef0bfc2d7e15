"""What a DAG says for all of its tasks: texts, tags, number of runs, timeout."""

from __future__ import annotations

from typing import Any

from batchtab.importers.kinds.airflow import tasks
from batchtab.importers.kinds.airflow.model import Dag
from batchtab.importers.kinds.airflow.schedule import Schedule
from batchtab.importers.kinds.airflow.values import duration
from batchtab.importers.node import Node

_NOT_NEEDED = {
    "template_searchpath": "jobs have no templates",
    "template_undefined": "jobs have no templates",
    "user_defined_macros": "jobs have no templates",
    "user_defined_filters": "jobs have no templates",
    "jinja_environment_kwargs": "jobs have no templates",
    "render_template_as_native_obj": "jobs have no templates",
    "params": "they only reach templates, and each template is reported",
    "default_view": "it is about Airflow's pages",
    "orientation": "it is about Airflow's pages",
    "dag_display_name": "it is about Airflow's pages",
    "owner_links": "it is about Airflow's pages",
    "access_control": "it is about Airflow's pages; IAM decides who may run jobs",
    "auto_register": "jobs.yaml has each job once",
    "full_filepath": "jobs.yaml has each job once",
    "disable_bundle_versioning": "jobs.yaml is versioned by git",
    "allowed_run_types": "IAM decides who may run jobs",
    "concurrency": "the compute environment's max_vcpus decides how many jobs run at once",
    "max_active_tasks": "the compute environment's max_vcpus decides how many jobs run at once",
}
_CALLBACKS = ("on_failure_callback", "on_success_callback", "sla_miss_callback", "deadline")


def read(node: Node, dag: Dag, carried: list[str], found: Schedule) -> tuple[dict[str, Any], tasks.Limits]:
    """What each job of a DAG gets; each of the DAG's fields is recorded.

    Args:
        node: The DAG's arguments, of which those of its schedule are read.
        dag: The DAG.
        carried: Its tasks that are jobs.
        found: Its schedule.
    """
    shared: dict[str, Any] = {}
    description = tasks.plain(node, "description")
    if isinstance(description, str) and description.strip():
        shared["description"] = tasks.short(description)
        node.carry("description", "description")
    elif description is not None:
        tasks.unread(node, "description")
    for key in ("doc_md", "doc_md_file_path", "doc_md_python_callable_name", "doc_md_python_callable_file"):
        text = node.take(key)
        if key == "doc_md" and isinstance(text, str) and text.strip() and not shared.get("description"):
            shared["description"] = tasks.short(text)
            node.change(key, "description: its first paragraph")
        elif text is not None:
            node.leave(key, "the jobs have a description already, or it is not a constant text")
    _labels(node, shared)
    if node.data.get("is_paused_upon_creation") is True and not found.jobs:
        node.leave("is_paused_upon_creation", "nothing starts the first job by itself")
    elif node.data.get("is_paused_upon_creation") is True:
        shared["suspend"] = True
        node.change("is_paused_upon_creation", "suspend: true", "remove suspend if the DAG was switched on since")
    else:
        node.carry("is_paused_upon_creation", "what jobs.yaml has by default: not suspended")
    is_queued = _runs(node, carried, found)
    timeout = _timeout(node, dag, carried)
    for key in _CALLBACKS:
        empty = node.data.get(key) is None
        todo = "" if empty else "if it does more than send a message, write a job with after and after_status"
        node.leave(key, "each failed job sends an alert to Slack", todo)
    for key in ("fail_stop", "fail_fast"):
        node.leave(key, "jobs that come after a failed one do not start; others go on")
    for key, why in _NOT_NEEDED.items():
        node.leave(key, why)
    node.rest()
    return shared, tasks.Limits(timeout, is_queued)


def _labels(node: Node, shared: dict[str, Any]) -> None:
    tags = tasks.plain(node, "tags")
    if isinstance(tags, list) and tags:
        shared["tags"] = {"airflow-tags": tasks.tag_value(" ".join(map(str, tags)))}
        node.change("tags", "tags.airflow-tags")
    elif tags == []:
        node.carry("tags", "no tags")
    elif tags is not None:
        tasks.unread(node, "tags")
    owner = tasks.plain(node, "owner")
    if isinstance(owner, str):
        shared["tags"] = {**shared.get("tags", {}), "owner": tasks.tag_value(owner)}
        node.change("owner", "tags.owner")


def _runs(node: Node, carried: list[str], found: Schedule) -> bool:
    runs = tasks.plain(node, "max_active_runs")
    if runs == 1 and len(carried) <= 1 and not found.jobs:
        node.leave("max_active_runs", "runs that are started on request are not limited")
    elif runs == 1:
        how = "concurrency_policy: queue, in which at most queue_limit: 10 runs wait"
        todo = ""
        if len(carried) > 1:
            how += "; each job waits for its own last run, not for the whole DAG"
            todo = "make sure that all jobs end before the next run"
        node.change("max_active_runs", how, todo)
    elif runs is not None:
        node.change("max_active_runs", "concurrency_policy: allow, the default, which has no number of runs")
    failed = tasks.plain(node, "max_consecutive_failed_dag_runs")
    if failed:
        node.leave(
            "max_consecutive_failed_dag_runs",
            "jobs.yaml pauses after one failed run or never",
            "write pause_on_failure: true if you need it",
        )
    elif failed is not None:
        node.carry("max_consecutive_failed_dag_runs", "what Batchtab does: failed runs pause nothing")
    return bool(runs == 1)


def _timeout(node: Node, dag: Dag, carried: list[str]) -> int | None:
    value = node.take("dagrun_timeout")
    length = duration(value)
    if length is not None and len(carried) == 1 and len(dag.tasks) == 1:
        seconds = max(60, int(length.total_seconds()))
        has_own = any("execution_timeout" in each for each in (dag.tasks[carried[0]].arguments, dag.defaults))
        if has_own:
            node.leave("dagrun_timeout", "the task has a timeout of its own")
            return None
        node.change(
            "dagrun_timeout", f"timeout_seconds: {seconds}, of each attempt; Airflow counts from the run's start"
        )
        return seconds
    if length is not None:
        node.leave(
            "dagrun_timeout",
            "a chain of jobs has no timeout, each job has one",
            "write timeout_seconds in each job",
        )
    elif value is not None:
        tasks.unread(node, "dagrun_timeout")
    return None
