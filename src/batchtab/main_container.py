"""Which of a job's containers is the job itself, in whatever form Batch reports the job.

`container` is the one container of most jobs, `ecsProperties` has the containers of a task, and `nodeProperties` either
of them for each range of nodes. Answers of DescribeJobs, events and job definitions have the same members.
https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: What a job's own container is called, where it is one of several.
MAIN = "main"
#: Of a multi-node job: the node with whose end the job ends.
MAIN_NODE = 0
#: A node's job id is its job's with this and the node's number.
NODE_MARK = "#"

_STOPPED = (137, 143)

Part = Mapping[str, Any]


def main_container(job: Any) -> Part:
    """The container that a job ends with; empty where nothing is known of it.

    Args:
        job: A job of DescribeJobs or of an event, or a job definition.
    """
    whole = _part(job)
    found = _part(whole.get("container")) or _part(whole.get("containerProperties"))
    if found:
        return found
    if task := task_of(whole):
        return _main_of(task)
    ranges = _parts(_part(whole.get("nodeProperties")).get("nodeRangeProperties"))
    return next(filter(None, map(main_container, ranges)), {})


def task_of(job: Any) -> Part:
    """The task of a job of several containers; empty for other jobs."""
    return next(_parts(_part(_part(job).get("ecsProperties")).get("taskProperties")), {})


def last_attempt(job: Any) -> Part:
    """What the last attempt says of the main container: exit code, reason and log stream."""
    attempts = list(_parts(_part(job).get("attempts")))
    last = attempts[-1] if attempts else {}
    if found := _part(last.get("container")):
        return found
    task = next(_parts(last.get("taskProperties")), {})
    return _main_of(task, essential=_essential(job))


def failed_container(job: Any) -> tuple[Part, Part]:
    """The container that made a job fail, as the job defines it, and what its last attempt says of it.

    Of several it is one with an exit code other than 0, first the main one; one that was ended by a signal (137, 143)
    only if no other has failed: Batch stops the others when one that is essential ends.
    """
    main, last = main_container(job), last_attempt(job)
    attempts = list(_parts(_part(job).get("attempts")))
    ends = list(_parts(task_of({"ecsProperties": attempts[-1] if attempts else None}).get("containers")))
    failed = [end for end in ends if end.get("exitCode") not in (0, None)]
    if not failed:
        failed = [end for end in ends if end.get("reason") and end.get("exitCode") is None]
    failed.sort(key=lambda end: (end.get("exitCode") in _STOPPED, end.get("name") != main.get("name")))
    if not failed or failed[0].get("name") == last.get("name"):
        return main, last
    defined = _parts(task_of(job).get("containers"))
    return next((each for each in defined if each.get("name") == failed[0].get("name")), {}), failed[0]


def is_node(job_id: str) -> bool:
    """Whether an id is that of one node, whose end is not its job's."""
    return NODE_MARK in job_id


def _main_of(task: Part, essential: str = "") -> Part:
    """By name; in a task that was defined elsewhere the first that is essential, which is the default."""
    containers = list(_parts(task.get("containers")))
    by_name = [each for each in containers if each.get("name") in (MAIN, essential or MAIN)]
    return next(iter([*by_name, *(each for each in containers if each.get("essential", True))]), {})


def _essential(job: Any) -> str:
    return str(main_container(job).get("name") or "")


def _part(value: Any) -> Part:
    return value if isinstance(value, Mapping) else {}


def _parts(value: Any) -> Iterator[Part]:
    return (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else iter(())
