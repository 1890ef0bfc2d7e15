"""Which container is the job itself, in each form that Batch has for jobs."""

from __future__ import annotations

from typing import Any

import pytest

from batchtab.main_container import is_node, last_attempt, main_container

MAIN = {"name": "main", "image": "app:1"}
PROXY = {"name": "proxy", "image": "proxy:1", "essential": False}


def task(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"taskProperties": [{"containers": list(containers)}]}


@pytest.mark.parametrize(
    ("job", "image"),
    [
        ({"container": {"image": "app:1"}}, "app:1"),
        ({"containerProperties": {"image": "app:1"}}, "app:1"),
        ({"container": {}, "ecsProperties": task(PROXY, MAIN)}, "app:1"),
        ({"ecsProperties": task(PROXY, {"name": "worker", "image": "theirs:1"})}, "theirs:1"),
        (
            {"nodeProperties": {"nodeRangeProperties": [{"targetNodes": "0:", "container": {"image": "app:1"}}]}},
            "app:1",
        ),
        ({"nodeProperties": {"nodeRangeProperties": [{"ecsProperties": task(PROXY, MAIN)}]}}, "app:1"),
    ],
)
def test_the_jobs_own_container_is_found_in_each_form(job: dict[str, Any], image: str) -> None:
    assert main_container(job)["image"] == image


@pytest.mark.parametrize(
    "job",
    [{}, None, {"container": None}, {"ecsProperties": []}, {"ecsProperties": {"taskProperties": [1]}}, {"attempts": 3}],
)
def test_what_is_not_there_is_nothing(job: Any) -> None:
    assert main_container(job) == {}
    assert last_attempt(job) == {}


def test_the_last_attempt_is_that_of_the_jobs_own_container() -> None:
    # GIVEN a job that somebody else has defined, whose first container is not essential
    ends = [{"name": "proxy", "exitCode": 0}, {"name": "worker", "exitCode": 5, "logStreamName": "w"}]
    job = {
        "ecsProperties": task(PROXY, {"name": "worker"}),
        "attempts": [{"taskProperties": [{"containers": [{"name": "worker", "exitCode": 1}]}]}, task(*ends)],
    }
    # THEN the end of the one that is counts
    assert last_attempt(job) == {"name": "worker", "exitCode": 5, "logStreamName": "w"}
    # AND of a job of one container it is the only one
    assert last_attempt({"attempts": [{"container": {"exitCode": 2}}]}) == {"exitCode": 2}


def test_a_nodes_id_is_known() -> None:
    assert is_node("1b9d-4a#0")
    assert not is_node("1b9d-4a:0")
