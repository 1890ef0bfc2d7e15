"""What every task has, whatever it runs: retries, timeouts, callbacks, limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from batchtab.importers.kinds.airflow.values import duration, has_jinja, is_plain, unknowns
from batchtab.importers.node import Node

_ATTEMPTS_MAX = 10
_DAY_SECONDS = 86_400
_TIMEOUT_MIN, _DELAY_KEYS = 60, ("retry_delay", "retry_exponential_backoff", "max_retry_delay")
_DESCRIPTION_MAX = 512
_NOT_NEEDED = {
    "weight_rule": "there is no priority_weight",
    "queue": "it names the workers of Airflow; Batch starts the job",
    "run_as_user": "it is the user of the worker's process; a container has its image's",
    "ignore_first_depends_on_past": "the first run never waits",
    "email": "alerts go to Slack: see the stage's alerts",
    "email_on_retry": "alerts are sent for failed jobs, after the last attempt",
    "do_xcom_push": "jobs have no XCom",
    "xcom_all": "jobs have no XCom",
    "multiple_outputs": "jobs have no XCom",
    "task_display_name": "the job has one name",
    "map_index_template": "the job has one name",
    "allow_nested_operators": "jobs are not nested",
    "executor": "Batch runs the job",
    "logger_name": "logs go to the stage's log group",
    "inlets": "jobs.yaml has no datasets or assets",
    "default_args": "it has the defaults of tasks within",
    "render_template_as_native_obj": "jobs have no templates",
    "wait_for_past_depends_before_skipping": "no job is skipped because of an earlier one",
    "pool_slots": "jobs.yaml has no pools",
    "params": "they only reach templates, and each template is reported",
}
_CALLBACKS = (
    "on_failure_callback",
    "on_success_callback",
    "on_execute_callback",
    "on_retry_callback",
    "on_skipped_callback",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the DAG says for each of its tasks.

    Attributes:
        timeout_seconds: dagrun_timeout, for a DAG of one task.
        is_queued: Whether runs wait for one another.
    """

    timeout_seconds: int | None
    is_queued: bool


def settings(node: Node, limits: Limits, *, is_root: bool) -> dict[str, Any]:
    """The fields of jobs.yaml that come from what every task has; each is recorded.

    Args:
        node: The task's arguments, with those of default_args.
        limits: What the DAG says.
        is_root: Whether it has a schedule or comes after another, which `pause_on_failure` needs.
    """
    found: dict[str, Any] = {}
    _attempts(node, found)
    _timeout(node, found, limits)
    _past(node, found, limits, is_root=is_root)
    _alerts(node)
    _limits(node, found)
    _texts(node, found)
    for key in ("start_date", "end_date"):
        if node.data.get(key) is not None:
            node.leave(key, "a job that comes after another has no dates of its own", "decide whether it needs them")
        else:
            node.take(key)
    for key, why in _NOT_NEEDED.items():
        node.leave(key, why)
    return found


def _attempts(node: Node, found: dict[str, Any]) -> None:
    retries = node.take("retries")
    if retries is not None:
        if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
            unread(node, "retries")
        elif retries + 1 > _ATTEMPTS_MAX:
            found["attempts"] = _ATTEMPTS_MAX
            node.change("retries", f"attempts: {_ATTEMPTS_MAX}, the most that Batch allows")
        else:
            found["attempts"] = retries + 1
            node.change("retries", f"attempts: {retries + 1}, the first one included")
    for key in _DELAY_KEYS:
        node.leave(key, "Batch retries at once: there is no wait between attempts")


def _timeout(node: Node, found: dict[str, Any], limits: Limits) -> None:
    value = node.take("execution_timeout")
    length = duration(value)
    if length is not None and length.total_seconds() > 0:
        seconds = max(_TIMEOUT_MIN, math.ceil(length.total_seconds()))
        found["timeout_seconds"] = seconds
        note = ", the least that Batch allows" if seconds > length.total_seconds() else ""
        node.change("execution_timeout", f"timeout_seconds: {seconds}{note}; a timed-out attempt is not retried")
    elif value is not None:
        unread(node, "execution_timeout")
    elif limits.timeout_seconds is None:
        found["timeout_seconds"] = _DAY_SECONDS
        how = f"timeout_seconds: {_DAY_SECONDS}: Airflow has no limit, and jobs.yaml needs one; left out, it is 3600"
        node.recorder.changed("execution_timeout", "none given", how)
    if limits.timeout_seconds is not None:
        found.setdefault("timeout_seconds", limits.timeout_seconds)


def _past(node: Node, found: dict[str, Any], limits: Limits, *, is_root: bool) -> None:
    if limits.is_queued:
        found["concurrency_policy"] = "queue"
    if node.data.get("depends_on_past") is True and is_root:
        found["concurrency_policy"], found["pause_on_failure"] = "queue", True
        how = "pause_on_failure: true and concurrency_policy: queue: after a failure no run starts"
        node.change("depends_on_past", f"{how} until `batchtab resume`, and `batchtab backfill` runs what was due")
    elif node.data.get("depends_on_past") is True:
        node.leave(
            "depends_on_past", "pause_on_failure needs a schedule or after", "decide whether a failure must stop it"
        )
    else:
        node.carry("depends_on_past", "what Batchtab does: a run does not look at the last one")
    if node.data.get("wait_for_downstream") is True:
        why = "a run does not wait for the jobs that come after its last run"
        node.leave("wait_for_downstream", why, "make sure that the chain ends before its next run")
    else:
        node.carry("wait_for_downstream", "what Batchtab does: a run does not look at the last one")


def _alerts(node: Node) -> None:
    if node.data.get("email_on_failure") is True:
        node.change("email_on_failure", "each failed job sends an alert to Slack")
    else:
        node.leave("email_on_failure", "alerts go to Slack, unless alerts: {mute: true}")
    for key in _CALLBACKS:
        if node.data.get(key) is not None:
            job = "a job with after_status: failed" if "failure" in key else "a job that comes after"
            why = "it is Python of the DAG; each failed job sends an alert to Slack"
            node.leave(key, why, f"if it does more than send a message, write {job}")
        else:
            node.leave(key, "there is none")
    for key in ("sla", "deadline"):
        why = "jobs.yaml reports late starts, not late ends"
        node.leave(key, why, "write alerts: {late_after_seconds: …} if a late start matters")


def _limits(node: Node, found: dict[str, Any]) -> None:
    pool = node.data.get("pool")
    todo = (
        ""
        if pool in {None, "default_pool"}
        else "give its jobs a queue of their own with a compute environment's max_vcpus"
    )
    node.leave("pool", "jobs.yaml has no pools", todo)
    why = "priority needs a fair-share queue, whose share the source does not say"
    node.leave("priority_weight", why)
    for key in ("max_active_tis_per_dag", "task_concurrency"):
        if node.data.get(key) == 1:
            found["concurrency_policy"] = "queue"
            node.change(key, "concurrency_policy: queue")
        else:
            node.leave(key, "concurrency_policy knows one run at a time, or any number")
    node.leave("max_active_tis_per_dagrun", "a run starts each job once")
    for key, todo in (
        ("outlets", "write after: this job in the jobs that the data starts"),
        ("executor_config", "decide whether the job needs it: it configures Airflow's worker"),
        ("resources", "write vcpus and memory_mib"),
        ("pre_execute", "put it into the job's command"),
        ("post_execute", "put it into the job's command"),
    ):
        empty = node.data.get(key) in (None, [], {})
        node.leave(key, "jobs.yaml has no such setting", "" if empty else todo)


def _texts(node: Node, found: dict[str, Any]) -> None:
    owner = node.take("owner")
    if isinstance(owner, str) and owner:
        found["tags"] = {"owner": tag_value(owner)}
        node.change("owner", "tags.owner")
    elif owner is not None:
        unread(node, "owner")
    for key in ("doc_md", "doc", "doc_rst"):
        text = node.take(key)
        if isinstance(text, str) and text.strip() and "description" not in found:
            found["description"] = short(text)
            node.change(key, "description")
        elif text is not None:
            node.leave(key, "the job has a description already, or it is not a constant text")
    for key in ("doc_json", "doc_yaml"):
        node.leave(key, "jobs.yaml has one description, a text")


def unread(node: Node, key: str) -> None:
    """Report a value that is not a constant, or not of the kind that it should be."""
    found = unknowns(node.data.get(key))
    why = f"it {found[0].why}" if found else "it is not a constant of the right kind"
    node.leave(key, why, "write its value into jobs.yaml")


def plain(node: Node, key: str) -> Any:
    """A constant; None if it is missing or no constant, which is reported."""
    value = node.take(key)
    if value is None or is_plain(value):
        return value
    unread(node, key)
    return None


def reported_jinja(node: Node, key: str, value: Any) -> bool:
    """Whether a value has templates of Airflow, which are reported."""
    if not has_jinja(value):
        return False
    how = "is in jobs.yaml as it is, and nothing fills its {{ }} in"
    todo = "replace it: BATCHTAB_SCHEDULED_TIME is the run's time, in UTC"
    node.change(key, how, todo)
    return True


def short(text: str) -> str:
    """The first paragraph, as long as a description may be."""
    line = " ".join(text.strip().split("\n\n")[0].split())
    return line if len(line) <= _DESCRIPTION_MAX else f"{line[: _DESCRIPTION_MAX - 1]}…"


def tag_value(text: str) -> str:
    """A text with the characters that tags allow."""
    kept = "".join(each if each.isalnum() or each in " _.:/=+-@" else "-" for each in text)
    return kept[:256]
