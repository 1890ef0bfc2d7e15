"""Which ends the submit function and the jobs after are told of, of jobs of one container, of several and on nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.constructs.a_job import job
from tests.e2e.local_helpers import ACCOUNT, REGION, Batch, LocalAws, received, sizes, sqs_queue, unique, wait_until

from batchtab.constructs.job_runs.construct import _ENDED
from batchtab.main_container import is_node

pytestmark = pytest.mark.e2e

CODE = ["python", "-c", "import time; time.sleep(0.3)"]
VARIABLES = [{"name": "BATCHTAB_RUN_POLICY", "value": "queue"}]
ONE: dict[str, Any] = {"image": "worker:1", "command": CODE, "resourceRequirements": sizes(memory="32")}
SIDECAR = {**ONE, "name": "sidecar", "essential": False}
TASK = {"taskProperties": [{"containers": [SIDECAR, {**ONE, "name": "main"}]}]}
OF_ONE = {"containerOverrides": {"environment": VARIABLES}}
OF_MAIN = {"ecsPropertiesOverride": {"taskProperties": [{"containers": [{"name": "main", "environment": VARIABLES}]}]}}
KINDS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one": ({"type": "container", "containerProperties": ONE}, OF_ONE),
    "several": ({"type": "container", "ecsProperties": TASK}, OF_MAIN),
    "nodes": (
        {
            "type": "multinode",
            "nodeProperties": {
                "numNodes": 2,
                "mainNode": 0,
                "nodeRangeProperties": [{"targetNodes": "0:", "container": ONE}],
            },
        },
        {"nodeOverrides": {"nodePropertyOverrides": [{"targetNodes": "0:", **OF_ONE}]}},
    ),
}


def listen(local: LocalAws, detail: dict[str, Any]) -> tuple[str, str]:
    """A queue that gets the events of a pattern."""
    name, (url, arn) = unique("rule"), sqs_queue(local)
    pattern = {"source": ["aws.batch"], "detail-type": ["Batch Job State Change"], "detail": detail}
    local.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    local.client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    return name, url


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_of_a_run_is_told_once_and_of_other_jobs_not_at_all(local: LocalAws, batch: Batch, kind: str) -> None:
    # GIVEN the pattern of the submit function's rule, and that of a job that comes after this one
    definition, overrides = KINDS[kind]
    name = unique("definition")
    arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}"
    after = json.loads(job(after=["x"], schedule=None).one("aws_cloudwatch_event_rule")["event_pattern"])["detail"]
    prefix = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-definition/{name}:"
    of_function = listen(local, {**_ENDED, "jobQueue": [arn]})
    of_next = listen(local, {**after, "jobDefinition": [{"prefix": prefix}]})
    batch.api.register_job_definition(jobDefinitionName=name, **definition)
    # WHEN a run of a job ends, and a job that nobody waits for
    run = batch.api.submit_job(jobName="run", jobQueue=batch.queue, jobDefinition=name, **overrides)["jobId"]
    other = batch.api.submit_job(jobName="other", jobQueue=batch.queue, jobDefinition=name)["jobId"]
    ended = [batch.wait(run)["status"], batch.wait(other)["status"]]
    assert ended == ["SUCCEEDED", "SUCCEEDED"]
    # THEN the job that comes after is started once for each, not for each node
    assert sorted(told_of(local, of_next, at_least=2)) == sorted([run, other])
    # AND the function gets the event of the run; of nodes also of what is not its own
    told = told_of(local, of_function, at_least=1 if kind != "nodes" else 2)
    assert run in told
    assert {each for each in told if not is_node(each)} == ({run, other} if kind == "nodes" else {run})


def told_of(local: LocalAws, listener: tuple[str, str], *, at_least: int) -> list[str]:
    """The jobs of which a listener is told."""
    found: list[str] = []

    def more() -> bool:
        found.extend(json.loads(each["Body"])["detail"]["jobId"] for each in received(local, listener[1]))
        return len(found) >= at_least

    wait_until(more, f"{at_least} events")
    more()
    return found
