"""Jobs of several containers and nodes, in the words of a review."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from tests.unit.plan_review.summaries import change, content, of

from batchtab.plan_review.plan import Plan
from batchtab.plan_review.summary import Summary

JOB = "aws_batch_job_definition.do_often_job_definition"
PROXY: dict[str, Any] = {
    "name": "proxy",
    "image": "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/proxy:2",
    "command": ["proxy", "--token", "hunter2-hunter2"],
    "essential": False,
    "dependsOn": [{"containerName": "main", "condition": "START"}],
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
    "environment": [{"name": "MODE", "value": "quiet"}],
    "readonlyRootFilesystem": True,
    "stopTimeout": 30,
}
PROXY_WORDS = "proxy:2; proxy --token ***; 1 vCPU; 64 MiB; waits for: main has started; grace period: 30 s"


def definition(side: dict[str, Any], *beside: dict[str, Any], nodes: int = 1) -> dict[str, Any]:
    """One side of a definition's change with further containers, and on several nodes."""
    made = copy.deepcopy(side)
    container = json.loads(made["container_properties"])
    task = {
        "taskRoleArn": container.pop("jobRoleArn"),
        "containers": [{**container, "name": "main", "essential": True}, *beside],
    }
    ecs = {"taskProperties": [task]}
    documents: dict[str, Any] = {"ecs_properties": ecs}
    if nodes > 1:
        ranges = [{"targetNodes": "0:", "ecsProperties": ecs}]
        documents = {"node_properties": {"mainNode": 0, "numNodes": nodes, "nodeRangeProperties": ranges}}
    return {**made, "container_properties": None} | {name: json.dumps(text) for name, text in documents.items()}


def rows(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What a summary says of the job, by name."""
    plan = content("image-only")
    spoiled = change(plan, JOB)
    spoiled |= {"actions": ["update"], "before": before, "after": after, "after_unknown": {}}
    return said(of([Plan.read(plan, "jobs-my-service")]))


def said(summary: Summary) -> dict[str, tuple[str, str]]:
    [job] = [job for job in summary.jobs if job.name == "my-service-do-often"]
    return {field.name: (field.before, field.after) for field in job.fields}


@pytest.fixture
def side() -> dict[str, Any]:
    """A definition as it was."""
    found: dict[str, Any] = change(content("image-only"), JOB)["before"]
    return found


def test_a_container_that_comes_is_told_of_and_no_other_row_changes(side: dict[str, Any]) -> None:
    # GIVEN a job that gets a container beside its own, and so another document
    found = rows(side, definition(side, PROXY))
    # THEN that is all that is said, but for what all of it uses; no argument that looks like a secret is shown
    assert found.pop("container proxy") == ("", PROXY_WORDS)
    assert found.keys() == {"at most a month"}
    # AND it is told when it goes
    assert rows(definition(side, PROXY), side)["container proxy"] == (PROXY_WORDS, "")


def test_what_changes_of_a_container_is_told(side: dict[str, Any]) -> None:
    other = {
        **PROXY,
        "essential": True,
        "environment": [{"name": "MODE", "value": "loud"}, {"name": "A", "value": "1"}],
    }
    found = rows(definition(side, PROXY), definition(side, other))
    assert found["container proxy"][1] == PROXY_WORDS.replace("MiB;", "MiB; the job ends with it;")
    assert found["environment of proxy"] == ("MODE", "+A, MODE (another value)")


def test_nodes_are_told_and_counted(side: dict[str, Any]) -> None:
    found = rows(definition(side, PROXY), definition(side, PROXY, nodes=4))
    assert found["nodes"] == ("", "4")
    before, after = found["at most a month"]
    hours = [float(text.split(" runs, ")[1].split(" vCPU")[0].replace(",", "")) for text in (before, after)]
    assert hours[1] == pytest.approx(4 * hours[0], rel=0.01)
