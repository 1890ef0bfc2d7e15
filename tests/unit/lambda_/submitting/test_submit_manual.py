"""Runs that a person asks for: to the second, with overrides, and under their job's policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from tests.unit.lambda_.submitting.test_submit_joins import end
from tests.unit.lambda_.submitting.world import JOB, World, trigger

from batchtab import job_overrides
from submit_run.request import MalformedError, Request

OVERRIDES: dict[str, Any] = {
    "command": ["python", "-m", "report", "--full"],
    "environment": [{"name": "DAY", "value": "2026-11-01"}, {"name": "BATCHTAB_RUN_ID", "value": "mine"}],
    "resourceRequirements": [{"type": "MEMORY", "value": "4096"}],
    "parameters": {"day": "1"},
    "timeout": {"attemptDurationSeconds": 120},
    "arrayProperties": {"size": 7},
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(monkeypatch)
    made.asked = []  # type: ignore[attr-defined]
    submit = made._submit_job
    made._submit_job = lambda **asked: made.asked.append(asked) or submit(**asked)  # type: ignore[attr-defined,method-assign]
    return made


def manual(second: int = 30, *, overrides: Any = None, **job: Any) -> dict[str, Any]:
    """What `batchtab run` asks for, some seconds after the start."""
    event = trigger(0, mode="manual", **job)
    event["trigger"] = {"requested_time": f"2026-11-24T09:00:{second:02}Z"}
    return {**event, "overrides": overrides} if overrides is not None else event


def test_a_manual_run_is_another_run_than_the_one_that_was_due_in_the_same_minute(world: World) -> None:
    # GIVEN the run of 09:00, by its trigger
    world.ask(trigger(0))
    # WHEN somebody asks for one at 09:00:30
    answer = world.ask(manual(30))
    # THEN it starts, by its own time
    assert (answer["outcome"], answer["run_id"]) == ("submitted", f"{JOB}@2026-11-24T09:00:30Z")
    # AND asked for again, as after a lost answer, it is the same run
    assert world.ask(manual(30))["outcome"] == "duplicate"


def test_a_manual_run_obeys_the_policy(world: World) -> None:
    assert world.ask(trigger(0, concurrency_policy="forbid"))["outcome"] == "submitted"
    assert world.ask(manual(30, concurrency_policy="forbid"))["outcome"] == "skipped"


@pytest.mark.parametrize("said", [{}, {"container": "main"}, {"nodes": 2}])
def test_overrides_reach_batch_in_the_form_of_the_jobs_kind(world: World, said: dict[str, Any]) -> None:
    # GIVEN overrides of every kind that the job may have
    given = {name: value for name, value in OVERRIDES.items() if name != "arrayProperties" or "nodes" not in said}
    # WHEN a run is asked for with them
    world.ask(manual(overrides=given, array_size=3 if "nodes" not in said else None, **said))
    # THEN they are where SubmitJob takes them, and what the run is called can't be overridden
    (asked,) = world.asked  # type: ignore[attr-defined]
    one = asked
    if "nodes" in said:
        one = asked["nodeOverrides"]["nodePropertyOverrides"][0]
    if "container" in said:
        (container,) = one["ecsPropertiesOverride"]["taskProperties"][0]["containers"]
        assert container["name"] == "main"
    else:
        container = one["containerOverrides"]
    variables = {each["name"]: each["value"] for each in container["environment"]}
    assert variables["DAY"] == "2026-11-01"
    assert variables["BATCHTAB_RUN_ID"] == f"{JOB}@2026-11-24T09:00:30Z"
    assert container["command"] == OVERRIDES["command"]
    assert asked["parameters"] == {"day": "1"}
    assert asked["timeout"] == {"attemptDurationSeconds": 120}
    assert asked.get("arrayProperties") == given.get("arrayProperties")
    shape = get_session().get_service_model("batch").operation_model("SubmitJob").input_shape
    assert not ParamValidator().validate(asked, shape).has_errors()


def test_a_run_that_waits_keeps_its_overrides_and_no_other_run_gets_them(world: World) -> None:
    # GIVEN a run, and behind it a manual one and one by its trigger
    first = world.ask(trigger(0, concurrency_policy="queue"))
    given = {"environment": [{"name": "DAY", "value": "2026-11-01"}], "arrayProperties": {"size": 2}}
    assert world.ask(manual(30, overrides=given, concurrency_policy="queue"))["outcome"] == "waiting"
    assert world.ask(trigger(1, concurrency_policy="queue"))["outcome"] == "waiting"
    # WHEN the ones before have ended
    world.end(first["job_id"])
    world.run(until=world.now + 5)
    world.end("job-2")
    world.run(until=world.now + 5)
    # THEN the manual run has its overrides, and the one after it none
    _, of_manual, of_trigger = world.asked  # type: ignore[attr-defined]
    assert {"name": "DAY", "value": "2026-11-01"} in of_manual["containerOverrides"]["environment"]
    assert of_manual["arrayProperties"] == {"size": 2}
    assert "DAY" not in json.dumps(of_trigger)
    assert "arrayProperties" not in of_trigger


def test_a_manual_run_of_a_job_after_all_of_others_leaves_the_ends_that_wait(world: World) -> None:
    # GIVEN a job that waits for the end of a second one
    assert world.ask(end("reports-a", 1, 0))["outcome"] == "joined"
    # WHEN somebody runs it meanwhile
    assert world.ask(manual(30))["outcome"] == "submitted"
    # THEN the end of the second one still starts a run of both
    assert world.ask(end("reports-b", 1, 90))["outcome"] == "submitted"


@pytest.mark.parametrize(
    ("overrides", "policy", "message"),
    [
        ("x", "allow", "overrides is missing"),
        ({"image": "x"}, "allow", "overrides.image is not one of command, environment"),
        ({"command": ["x" * job_overrides.WAITING_BYTES]}, "queue", "bytes, and a run that may wait has 2500"),
    ],
)
def test_overrides_that_cannot_be_kept_are_refused(overrides: Any, policy: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        Request.of(manual(overrides=overrides, concurrency_policy=policy))
    # AND only a run that may wait has that bound
    long = {"command": ["x" * job_overrides.WAITING_BYTES]}
    assert Request.of(manual(overrides=long, concurrency_policy="forbid")).overrides == long


def test_a_hundred_runs_that_wait_with_the_longest_overrides_fit_into_one_item(world: World) -> None:
    # GIVEN the longest names, and overrides as long as they may be
    long = {"name": "j" * 128, "job_definition": "d" * 128, "queue_limit": 100}
    length = job_overrides.WAITING_BYTES - job_overrides.size({"command": [""]})
    given = {"command": ["x" * length]}
    for second in range(52):
        world.ask(manual(second, overrides=given, concurrency_policy="queue", **long))
    content = world.table["j" * 128, "state"]["content"]["S"]
    waiting = json.loads(content)["waiting"]
    assert len(waiting) == 51
    # THEN a hundred of them are below DynamoDB's 400 KB
    longer_queue = 128
    assert (len(content.encode()) / 51 + longer_queue) * 100 < 400 * 1024
