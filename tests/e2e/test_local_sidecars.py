"""Jobs of several containers on local AWS: who waits for whom, who ends whom, what DescribeJobs says of each."""

from __future__ import annotations

from typing import Any

import pytest
from tests.e2e.local_helpers import Batch, LocalAws, make_role, refusal, sizes, unique, wait_until

pytestmark = pytest.mark.e2e

FOREVER = "import time\nprint('up', flush=True)\nwhile True: time.sleep(0.05)"
TIDY = (
    "import signal,sys,time\n"
    "signal.signal(signal.SIGTERM, lambda *a: (print('asked', flush=True), sys.exit(0)))\n"
    "print('up', flush=True)\nwhile True: time.sleep(0.05)"
)


def container(name: str, code: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": "worker:1",
        "command": ["python", "-c", code],
        "resourceRequirements": sizes(memory="32"),
        **more,
    }


def define(batch: Batch, *containers: dict[str, Any], task: dict[str, Any] | None = None, **more: Any) -> str:
    name = unique("definition")
    properties = {"taskProperties": [{"containers": list(containers), **(task or {})}]}
    batch.api.register_job_definition(jobDefinitionName=name, type="container", ecsProperties=properties, **more)
    return name


def details(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in job["ecsProperties"]["taskProperties"][0]["containers"]}


def output(batch: Batch, job: dict[str, Any], name: str) -> list[str]:
    stream = details(job)[name].get("logStreamName")
    if stream is None:
        return []
    logs = batch.local.client("logs")
    found = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True)
    return [event["message"] for event in found["events"]]


def test_a_sidecar_ends_with_the_essential_container_and_each_has_its_own_end_and_log(batch: Batch) -> None:
    # GIVEN a job whose sidecar runs for ever, and starts first
    ready = unique("ready")
    code = f"import os,time\nwhile not os.path.exists({ready!r}): time.sleep(0.02)\nprint('done')"
    tidy = TIDY.replace("\nwhile", f"\nopen({ready!r}, 'w')\nwhile")
    main = container("main", code, dependsOn=[on("proxy", "START")])
    name = define(batch, main, container("proxy", tidy, essential=False))
    # WHEN the essential container ends
    job = batch.wait(batch.submit(name))
    # THEN the job has succeeded, the sidecar was asked to end, and both are described
    assert (job["status"], job["statusReason"]) == ("SUCCEEDED", "Essential container in task exited")
    found = details(job)
    assert (found["main"]["exitCode"], found["proxy"]["exitCode"]) == (0, 0)
    assert found["main"]["logStreamName"].startswith(f"{name}/main/")
    assert output(batch, job, "main") == ["done"]
    assert output(batch, job, "proxy") == ["up", "asked"]
    [attempt] = job["attempts"]
    [task] = attempt["taskProperties"]
    assert [(each["name"], each["exitCode"]) for each in task["containers"]] == [("main", 0), ("proxy", 0)]
    assert task["taskArn"] == job["ecsProperties"]["taskProperties"][0]["taskArn"]
    # AND the member of a job with one container is empty, as AWS has it
    assert not job["container"]


def test_the_exit_code_of_the_essential_container_is_the_jobs(batch: Batch) -> None:
    # GIVEN a job whose essential container fails at the first attempt
    code = "import os,sys; sys.exit(0 if os.environ['AWS_BATCH_JOB_ATTEMPT'] == '2' else 5)"
    rules = [{"onExitCode": "5", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
    name = define(
        batch,
        container("main", code),
        container("noise", "import sys; sys.exit(9)", essential=False),
        retryStrategy={"attempts": 3, "evaluateOnExit": rules},
    )
    # WHEN it runs THEN it is tried again for that code, whatever the other container does
    job = batch.wait(batch.submit(name))
    assert (job["status"], len(job["attempts"])) == ("SUCCEEDED", 2)
    first = {each["name"]: each for each in job["attempts"][0]["taskProperties"][0]["containers"]}
    assert first["main"]["exitCode"] == 5


def test_a_container_that_is_essential_and_fails_stops_the_others(batch: Batch) -> None:
    # GIVEN two essential containers, of which the second fails, and a rule for its code
    rules = {"attempts": 3, "evaluateOnExit": [{"onExitCode": "3", "action": "EXIT"}]}
    check = container("check", "import sys; sys.exit(3)")
    job = batch.wait(batch.submit(define(batch, container("main", FOREVER), check, retryStrategy=rules)))
    # THEN its code decides, not that of the one that is stopped for it
    assert (job["status"], len(job["attempts"])) == ("FAILED", 1)
    assert details(job)["check"]["exitCode"] == 3
    assert details(job)["main"]["exitCode"] == 143


def test_complete_and_success_wait_for_the_end_of_another_container(batch: Batch) -> None:
    # GIVEN a container that waits for one that succeeds and for one that merely ends
    waits = [on("migrate", "SUCCESS"), on("warm", "COMPLETE")]
    # A process finds nothing of a shared volume, so that times show the order.
    name = define(
        batch,
        container("main", "import time; print(time.time())", dependsOn=waits),
        container("migrate", "import time; time.sleep(0.4); print(time.time())", essential=False),
        container("warm", "import sys,time; print(time.time()); sys.exit(4)", essential=False),
    )
    # WHEN it runs
    job = batch.wait(batch.submit(name))
    # THEN it has run last
    assert job["status"] == "SUCCEEDED"
    [main], [migrate], [warm] = (output(batch, job, each) for each in ("main", "migrate", "warm"))
    assert float(main) > max(float(migrate), float(warm))


def test_what_waits_for_success_does_not_start_after_a_failure(batch: Batch) -> None:
    name = define(
        batch,
        container("main", "print('never')", dependsOn=[on("migrate", "SUCCESS")]),
        container("migrate", "import sys; sys.exit(6)", essential=False),
    )
    job = batch.wait(batch.submit(name))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert details(job)["migrate"]["exitCode"] == 6
    assert "exited with 6" in details(job)["main"]["reason"]
    assert "exitCode" not in details(job)["main"]


def test_start_timeout_is_how_long_others_wait(batch: Batch, local: LocalAws) -> None:
    name = define(
        batch,
        container("main", "print('never')", dependsOn=[on("slow", "COMPLETE")]),
        container("slow", FOREVER, essential=False, startTimeout=20),
    )
    job_id = batch.submit(name)
    batch.wait(job_id, "STARTING")
    wait_until(lambda: local.post("clock", advance_seconds=25) and _ended(batch, job_id), "the job to give up")
    job = batch.wait(job_id)
    assert job["statusReason"] == "Task failed to start"
    assert "startTimeout" in details(job)["main"]["reason"]


def test_stop_timeout_is_a_containers_own_grace(batch: Batch, local: LocalAws) -> None:
    # GIVEN a job whose container does not mind SIGTERM and has two minutes
    code = f"import signal; signal.signal(signal.SIGTERM, lambda *a: print('asked', flush=True))\n{FOREVER}"
    job_id = batch.submit(define(batch, container("main", code, stopTimeout=100)))
    batch.wait(job_id, "RUNNING")
    wait_until(lambda: output(batch, batch.job(job_id), "main"), "the job to be up")
    # WHEN it is terminated and 40 seconds pass THEN it still runs; after 100 it is killed
    batch.api.terminate_job(jobId=job_id, reason="enough")
    local.post("clock", advance_seconds=40)
    assert batch.job(job_id)["status"] == "RUNNING"
    wait_until(lambda: output(batch, batch.job(job_id), "main") == ["up", "asked"], "SIGTERM to arrive")
    local.post("clock", advance_seconds=65)
    job = batch.wait(job_id)
    assert (job["statusReason"], details(job)["main"]["exitCode"]) == ("enough", 137)
    assert output(batch, job, "main") == ["up", "asked"]


def test_overrides_and_parameters_reach_each_container(batch: Batch) -> None:
    code = "import os,sys; print(os.environ.get('A'), sys.argv[1:])"
    side = container("side", code, essential=False)
    side["command"] += ["Ref::place"]
    main = container("main", code, environment=[{"name": "A", "value": "1"}], dependsOn=[on("side", "COMPLETE")])
    name = define(batch, main, side, parameters={"place": "here"})
    override = {"containers": [{"name": "main", "environment": [{"name": "A", "value": "2"}]}]}
    job = batch.wait(batch.submit(name, ecsPropertiesOverride={"taskProperties": [override]}))
    assert output(batch, job, "main") == ["2 []"]
    assert output(batch, job, "side") == ["None ['here']"]
    wrong = {"taskProperties": [{"containers": [{"name": "none"}]}]}
    request = {"jobName": "j", "jobQueue": batch.queue, "jobDefinition": name}
    assert "none" in refusal(batch.api.submit_job, **request, ecsPropertiesOverride=wrong)
    assert "containerOverrides" in refusal(batch.api.submit_job, **request, containerOverrides={"command": ["x"]})


def test_overrides_of_all_containers_count_together(batch: Batch) -> None:
    # GIVEN overrides of two containers, each of which would do by itself
    def override(length: int) -> dict[str, Any]:
        variables = [{"name": "A", "value": "x" * length}]
        return {"taskProperties": [{"containers": [{"name": each, "environment": variables} for each in ("a", "b")]}]}

    name = define(batch, container("a", "pass"), container("b", "pass", essential=False))
    # WHEN they are submitted THEN ECS can't take more than 8,192 characters
    assert batch.wait(batch.submit(name, ecsPropertiesOverride=override(3_900)))["status"] == "SUCCEEDED"
    job = batch.wait(batch.submit(name, ecsPropertiesOverride=override(4_200)))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Container Overrides length must be at most 8192")


def test_all_containers_act_as_the_tasks_role(local: LocalAws, batch: Batch) -> None:
    # GIVEN a role of the task that may ask for queues, and two containers that do so one after the other
    role = make_role(local, ("sqs:ListQueues",))
    code = "import boto3; boto3.client('sqs').list_queues(); print(boto3.client('sts').get_caller_identity()['Arn'])"
    first = container("first", code, essential=False)
    main = container("main", code, dependsOn=[on("first", "COMPLETE")])
    # WHEN they run
    job = batch.wait(batch.submit(define(batch, main, first, task={"taskRoleArn": role})))
    # THEN both are sessions of that role, of the one task
    said = {name: output(batch, job, name)[-1] for name in ("main", "first")}
    assert job["status"] == "SUCCEEDED", said
    assert said["main"] == said["first"]
    assert f":assumed-role/{role.rpartition('/')[2]}/" in said["main"]


ROUTER = {"firelensConfiguration": {"type": "fluentbit"}}
LOG_TO_ROUTER = {"logConfiguration": {"logDriver": "awsfirelens"}}


def on(name: str, condition: str) -> dict[str, str]:
    return {"containerName": name, "condition": condition}


@pytest.mark.parametrize(
    ("containers", "words"),
    [
        ([], "between 1 and 10"),
        ([container(f"c{number}", "") for number in range(11)], "between 1 and 10"),
        ([container("a", ""), container("a", "")], "must be unique"),
        ([container("a", "", essential=False)], "At least one container must be set as essential"),
        ([container("a", "", dependsOn=[on("a", "START")])], "single-container job"),
        ([container("a", "", dependsOn=[on("x", "START")]), container("b", "")], "must reference a defined container"),
        (
            [container("a", "", dependsOn=[on("b", "HEALTHY")]), container("b", "")],
            "Valid values are: [START, COMPLETE, SUCCESS]",
        ),
        ([container("a", "", dependsOn=[on("b", "SUCCESS")]), container("b", "")], "if the target is essential"),
        (
            [
                container("a", "", essential=False, dependsOn=[on("b", "START")]),
                container("b", "", dependsOn=[on("a", "START")]),
            ],
            "wait for each other",
        ),
        ([container("a", "", stopTimeout=1)], "stopTimeout 1"),
        ([container("a", ""), container("b", "", **ROUTER)], "awsfirelens log driver"),
        ([container("a", "", **LOG_TO_ROUTER), container("b", "")], "firelensConfiguration"),
        ([container("a", "", **LOG_TO_ROUTER), container("b", "", user="1000", **ROUTER)], "run as root"),
        ([container("a", "", resourceRequirements=[])], "vcpu"),
        ([container("a", "", mountPoints=[{"sourceVolume": "x", "containerPath": "/x"}])], "no volume of the job"),
    ],
)
def test_tasks_that_batch_refuses(batch: Batch, containers: list[dict[str, Any]], words: str) -> None:
    request = {"jobDefinitionName": unique("definition"), "type": "container"}
    ecs = {"taskProperties": [{"containers": containers}]}
    assert words in refusal(batch.api.register_job_definition, **request, ecsProperties=ecs)


def test_a_task_on_fargate_is_as_big_as_all_its_containers(batch: Batch) -> None:
    # GIVEN two containers that together ask for what Fargate offers, each for less
    parts = [container(name, "", resourceRequirements=sizes("0.25", "512")) for name in ("a", "b")]
    task: dict[str, Any] = {"containers": parts, "executionRoleArn": batch.role}
    request = {
        "jobDefinitionName": unique("definition"),
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "ecsProperties": {"taskProperties": [task]},
    }
    # WHEN they are registered THEN they fit, and what Batch adds is there
    batch.api.register_job_definition(**request)
    [found] = batch.api.describe_job_definitions(jobDefinitionName=request["jobDefinitionName"])["jobDefinitions"]
    assert found["ecsProperties"]["taskProperties"][0]["platformVersion"] == "LATEST"
    assert found["ecsProperties"]["taskProperties"][0]["containers"][0]["dependsOn"] == []
    # AND a third one does not
    parts.append(container("c", "", resourceRequirements=sizes("0.25", "100")))
    assert "Fargate resource requirements" in refusal(batch.api.register_job_definition, **request)


def _ended(batch: Batch, job_id: str) -> bool:
    return batch.job(job_id)["status"] in ("SUCCEEDED", "FAILED")
