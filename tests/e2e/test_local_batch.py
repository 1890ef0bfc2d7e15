"""Jobs on local AWS, through boto3 alone: submission, environment, ends, output."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from tests.e2e.local_helpers import (
    ACCOUNT,
    REGION,
    Batch,
    LocalAws,
    alive,
    make_batch,
    refusal,
    sizes,
    unique,
    wait_until,
)

pytestmark = pytest.mark.e2e


# --- SubmitJob


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"jobName": "-x"}, "-x"),
        ({"jobName": "x" * 129}, "128"),
        ({"jobQueue": "none"}, "none"),
        ({"jobDefinition": "none"}, "none"),
        ({"jobDefinition": "none:7"}, "none:7"),
        ({"timeout": {"attemptDurationSeconds": 1}}, "60"),
        ({"retryStrategy": {"attempts": 0}}, "attempts"),
        ({"arrayProperties": {"size": 1}}, "size 1"),
        ({"arrayProperties": {"size": 10001}}, "10001"),
        ({"shareIdentifier": "a"}, "no scheduling policy"),
        ({"dependsOn": [{"jobId": "none"}]}, "none does not exist"),
        ({"dependsOn": [{"jobId": "a"}] * 21}, "21"),
        ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "array jobs only"),
        ({"containerOverrides": {"environment": [{"name": "AWS_BATCH_JOB_ID", "value": "x"}]}}, "reserved"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "many"}]}}, "many"),
        ({"nodeOverrides": {"numNodes": 2}}, "nodeOverrides"),
    ],
)
def test_submission_is_refused(batch: Batch, change: dict[str, Any], told: str) -> None:
    request = {"jobName": "job", "jobQueue": batch.queue, "jobDefinition": batch.define("pass"), **change}
    assert told in refusal(batch.api.submit_job, **request)


def test_queue_that_is_disabled_takes_no_job(batch: Batch) -> None:
    batch.api.update_job_queue(jobQueue=batch.queue, state="DISABLED")
    assert "disabled" in refusal(
        batch.api.submit_job, jobName="j", jobQueue=batch.queue, jobDefinition=batch.define("pass")
    )


def test_job_with_more_than_fifty_tags_to_propagate_fails(batch: Batch) -> None:
    name = batch.define("pass", tags={f"definition-{n}": "x" for n in range(30)})
    own = {f"job-{n}": "x" for n in range(30)}
    assert batch.wait(batch.submit(name, tags=own))["status"] == "SUCCEEDED"
    job = batch.wait(batch.submit(name, tags=own, propagateTags=True))
    assert (job["status"], job["attempts"], job["tags"]) == ("FAILED", [], own)
    assert "50 tags" in job["statusReason"]


def test_fargate_definition_is_refused_on_an_ec2_queue(batch: Batch) -> None:
    name = unique("definition")
    batch.api.register_job_definition(
        jobDefinitionName=name,
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={
            "image": "worker",
            "command": ["true"],
            "resourceRequirements": sizes("0.25", "512"),
            "executionRoleArn": batch.role,
        },
    )
    assert "FARGATE" in refusal(batch.api.submit_job, jobName="j", jobQueue=batch.queue, jobDefinition=name)


def test_fair_share_queue_needs_a_share_identifier(local: LocalAws) -> None:
    policy = local.client("batch").create_scheduling_policy(name=unique("policy"))["arn"]
    batch = make_batch(local, schedulingPolicyArn=policy)
    name = batch.define("pass")
    assert "required" in refusal(batch.api.submit_job, jobName="j", jobQueue=batch.queue, jobDefinition=name)
    job = batch.wait(batch.submit(name, shareIdentifier="team", schedulingPriorityOverride=3))
    assert (job["status"], job["shareIdentifier"], job["schedulingPriority"]) == ("SUCCEEDED", "team", 3)


def test_parameters_and_overrides_reach_the_job(batch: Batch) -> None:
    # GIVEN a definition with parameters and environment
    code = "import os,sys; print(sys.argv[1:], os.environ['A'], os.environ['B'])"
    name = batch.define(
        "python", "-c", code, "Ref::one", "x-Ref::two", "Ref::none",
        parameters={"one": "1", "two": "2"},
        properties={"environment": [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}]},
    )  # fmt: skip
    # WHEN some of them are overridden at submission
    overrides = {
        "environment": [{"name": "B", "value": "bb"}],
        "resourceRequirements": [{"type": "MEMORY", "value": "128"}],
    }
    job = batch.wait(batch.submit(name, parameters={"two": "22"}, containerOverrides=overrides))
    # THEN the job sees the merged ones, and an unknown parameter as it stands
    assert batch.output(job) == ["['1', 'x-22', 'Ref::none'] a bb"]
    assert {"type": "MEMORY", "value": "128"} in job["container"]["resourceRequirements"]
    assert {"type": "VCPU", "value": "1"} in job["container"]["resourceRequirements"]
    assert job["parameters"] == {"one": "1", "two": "22"}
    # AND another command replaces the definition's
    other = batch.wait(batch.submit(name, containerOverrides={"command": ["echo", "Ref::one"]}))
    assert batch.output(other) == ["1"]


# --- environment of a job


def test_job_sees_what_batch_gives_it_and_nothing_of_ours(batch: Batch) -> None:
    # GIVEN a job that prints its environment and folder
    code = "import json,os; print(json.dumps([dict(os.environ), os.getcwd(), os.getpgid(0) == os.getpid()]))"
    # WHEN it runs
    job = batch.wait(batch.run(code, properties={"environment": [{"name": "MINE", "value": "x y"}]}))
    environment, folder, leads_its_group = json.loads(batch.output(job)[0])
    # THEN there is exactly what Batch gives, and what makes it find local AWS
    assert environment.pop("PATH").split(os.pathsep)[1:] == batch.local.path.split(os.pathsep)
    assert "batchtab-local-" in environment.pop("HOME")
    assert environment == {
        "MINE": "x y",
        "AWS_BATCH_JOB_ID": job["jobId"],
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": batch.queue,
        "AWS_BATCH_CE_NAME": batch.environment,
        "AWS_ENDPOINT_URL": batch.local.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }
    assert folder == str(batch.local.folder / "work")
    assert leads_its_group


def test_secrets_come_from_parameters_and_secrets_manager(local: LocalAws, batch: Batch) -> None:
    # GIVEN a parameter and a secret
    local.client("ssm").put_parameter(Name="/app/key", Value="p4ss", Type="SecureString")
    secret = local.client("secretsmanager").create_secret(Name="app", SecretString='{"user": "u1", "n": 7}')["ARN"]
    secrets = [
        {"name": "BY_NAME", "valueFrom": "/app/key"},
        {"name": "BY_ARN", "valueFrom": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/app/key"},
        {"name": "WHOLE", "valueFrom": secret},
        {"name": "USER_KEY", "valueFrom": f"{secret}:user::"},
    ]
    code = "import os; print(os.environ['BY_NAME'], os.environ['BY_ARN'], os.environ['WHOLE'], os.environ['USER_KEY'])"
    # WHEN a job names them
    job = batch.wait(batch.run(code, properties={"secrets": secrets, "executionRoleArn": batch.role}))
    # THEN it gets their values, and DescribeJobs does not
    assert batch.output(job) == ['p4ss p4ss {"user": "u1", "n": 7} u1']
    assert "p4ss" not in json.dumps(job, default=str)


def test_secret_that_does_not_exist_fails_the_job(batch: Batch) -> None:
    secrets = [{"name": "A", "valueFrom": "/none"}]
    job = batch.wait(batch.run("pass", properties={"secrets": secrets, "executionRoleArn": batch.role}))
    assert job["status"] == "FAILED"
    assert "/none" in job["container"]["reason"]
    assert job["statusReason"] == "Task failed to start"


def test_image_without_a_folder_fails_as_one_that_cannot_be_pulled(batch: Batch) -> None:
    job = batch.wait(
        batch.run("pass", properties={"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/none:1"})
    )
    assert job["status"] == "FAILED"
    assert job["container"]["reason"].startswith("CannotPullContainerError: ")
    assert "'none: <folder>' under local.images" in job["container"]["reason"]
    assert "exitCode" not in job["container"]


def test_command_that_does_not_exist_fails_the_job(batch: Batch) -> None:
    job = batch.wait(batch.run("no-such-program", "x"))
    assert job["status"] == "FAILED"
    assert job["container"]["reason"].startswith("CannotStartContainerError: ")


# --- how jobs end


def test_failed_job_tells_exit_code_and_attempts(batch: Batch) -> None:
    # GIVEN a job that fails twice and then succeeds
    code = (
        "import os,sys; n=int(os.environ['AWS_BATCH_JOB_ATTEMPT']); print('try', n); sys.exit(0 if n == 3 else n + 40)"
    )
    job = batch.wait(batch.run(code, retryStrategy={"attempts": 5}))
    # THEN each attempt has its own code, stream and times
    assert job["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [41, 42, 0]
    assert len({attempt["container"]["logStreamName"] for attempt in job["attempts"]}) == 3
    for attempt in job["attempts"]:
        assert attempt["statusReason"] == "Essential container in task exited"
        assert attempt["startedAt"] <= attempt["stoppedAt"]
    assert job["createdAt"] <= job["startedAt"] <= job["stoppedAt"]
    assert job["container"]["logStreamName"] == job["attempts"][-1]["container"]["logStreamName"]
    assert batch.output(job) == ["try 3"]


@pytest.mark.parametrize(
    ("rules", "attempts"),
    [
        ([{"onExitCode": "9", "action": "EXIT"}], 1),
        ([{"onExitCode": "1*", "action": "EXIT"}], 3),
        ([{"onExitCode": "9", "action": "retry"}, {"onReason": "*", "action": "EXIT"}], 3),
        ([{"onStatusReason": "Essential*", "onExitCode": "9*", "action": "exit"}], 1),
        ([], 3),
    ],
)
def test_evaluate_on_exit_decides_on_retries(batch: Batch, rules: list[dict[str, str]], attempts: int) -> None:
    job = batch.wait(batch.run("import sys; sys.exit(9)", retryStrategy={"attempts": 3, "evaluateOnExit": rules}))
    assert job["status"] == "FAILED"
    assert len(job["attempts"]) == attempts
    assert job["container"]["exitCode"] == 9


def test_process_killed_from_outside_fails_with_the_signals_code(batch: Batch) -> None:
    # GIVEN a running job
    job_id = batch.run("import os,time; print(os.getpid(), flush=True); time.sleep(60)")
    running_job = batch.wait(job_id, "RUNNING")
    [pid] = wait_until(lambda: batch.output(running_job), "the job's first line")
    # WHEN its process is killed
    os.kill(int(pid), signal.SIGKILL)
    # THEN the job is FAILED with 128 + 9
    job = batch.wait(job_id)
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 137)
    assert job["statusReason"] == "Essential container in task exited"


def test_what_a_job_leaves_running_ends_with_it(batch: Batch) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    job = batch.wait(batch.run(code))
    [pid] = batch.output(job)
    assert job["status"] == "SUCCEEDED"
    wait_until(lambda: not alive(int(pid)), "the job's child to end")


def test_terminate_ends_a_running_job(batch: Batch) -> None:
    # GIVEN a running job that tidies up on SIGTERM
    code = (
        "import signal,sys,time\n"
        "signal.signal(signal.SIGTERM, lambda *a: (print('tidied up', flush=True), sys.exit(0)))\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    job_id = batch.run(code, retryStrategy={"attempts": 3})
    running_job = batch.wait(job_id, "RUNNING")
    wait_until(lambda: batch.output(running_job), "the job to be ready")
    # WHEN it is terminated
    batch.api.terminate_job(jobId=job_id, reason="no longer wanted")
    # THEN it gets SIGTERM, is FAILED for that reason and is not tried again
    job = batch.wait(job_id)
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "no longer wanted", True)
    assert len(job["attempts"]) == 1
    assert batch.output(job) == ["ready", "tidied up"]
    # AND doing it again, or to a job that has ended, is no error
    batch.api.terminate_job(jobId=job_id, reason="again")
    assert batch.job(job_id)["statusReason"] == "no longer wanted"


def test_cancel_leaves_a_running_job_and_takes_a_waiting_one(local: LocalAws) -> None:
    # GIVEN a queue with room for one job, one running, one RUNNABLE, and one that depends on the first
    batch = make_batch(local, vcpus=1)
    gate = unique("gate")
    name = batch.define_gated(gate)
    first = batch.submit(name)
    batch.wait(first, "RUNNING")
    second, third = batch.submit(name), batch.submit(name, dependsOn=[{"jobId": first}])
    batch.wait(second, "RUNNABLE")
    batch.wait(third, "PENDING")
    # WHEN all are cancelled
    for job_id in (first, second, third):
        batch.api.cancel_job(jobId=job_id, reason="changed my mind")
    # THEN the RUNNABLE one ends at once, the PENDING one when what it waits for has ended, the running one goes on
    assert batch.job(second)["status"] == "FAILED"
    assert batch.job(second)["isCancelled"] is True
    assert batch.job(third)["status"] == "PENDING"
    assert batch.job(first)["status"] == "RUNNING"
    batch.open(gate)
    assert batch.wait(first)["status"] == "SUCCEEDED"
    assert batch.wait(third)["statusReason"] == "changed my mind"


def test_a_snapshot_has_the_runnable_jobs_in_their_order(local: LocalAws) -> None:
    # GIVEN a queue with room for one job, one that runs and two that wait
    batch = make_batch(local, vcpus=1)
    gate = unique("gate")
    name = batch.define_gated(gate)
    first = batch.submit(name)
    batch.wait(first, "RUNNING")
    waiting = [batch.submit(name), batch.submit(name)]
    for job_id in waiting:
        batch.wait(job_id, "RUNNABLE")
    # WHEN the queue is looked at THEN the one that runs is not in its front, and the older one is first
    front = batch.api.get_job_queue_snapshot(jobQueue=batch.queue)["frontOfQueue"]
    assert [each["jobArn"] for each in front["jobs"]] == [batch.job(job_id)["jobArn"] for job_id in waiting]
    assert all(each["earliestTimeAtPosition"] <= front["lastUpdatedAt"] for each in front["jobs"])
    batch.open(gate)


def test_terminate_takes_a_pending_job_at_once(batch: Batch) -> None:
    first = batch.run("import time; time.sleep(60)")
    batch.wait(first, "RUNNING")
    second = batch.submit(batch.define("pass"), dependsOn=[{"jobId": first}])
    batch.wait(second, "PENDING")
    batch.api.terminate_job(jobId=second, reason="stop")
    assert batch.job(second)["status"] == "FAILED"
    batch.api.terminate_job(jobId=first, reason="stop")
    assert batch.wait(first)["container"]["exitCode"] == 143
    assert "does not exist" in refusal(batch.api.terminate_job, jobId="none", reason="x")


# --- logs


def test_output_goes_to_the_group_and_stream_that_the_definition_asks_for(local: LocalAws, batch: Batch) -> None:
    # GIVEN a log group and a definition that names it
    local.client("logs").create_log_group(logGroupName="/jobs/mine")
    options = {"awslogs-group": "/jobs/mine", "awslogs-stream-prefix": "nightly"}
    properties = {"logConfiguration": {"logDriver": "awslogs", "options": options}}
    code = "import sys; print('out'); print('err', file=sys.stderr); print('ü' * 3); sys.stdout.write('no newline')"
    # WHEN a job writes to both outputs
    job = batch.wait(batch.run(code, properties=properties))
    # THEN every line is an event there
    assert job["container"]["logStreamName"].startswith("nightly/default/")
    assert sorted(batch.output(job, "/jobs/mine")) == ["err", "no newline", "out", "üüü"]
    found = local.client("logs").filter_log_events(logGroupName="/jobs/mine", filterPattern="err")
    assert [event["message"] for event in found["events"]] == ["err"]


def test_output_is_seen_while_the_job_runs(batch: Batch) -> None:
    job_id = batch.run("import time; print('hello', flush=True); time.sleep(60)")
    job = batch.wait(job_id, "RUNNING")
    assert wait_until(lambda: batch.output(job), "the first line", seconds=50) == ["hello"]
    batch.api.terminate_job(jobId=job_id, reason="enough")


def test_log_group_that_does_not_exist_fails_the_job_unless_it_may_be_made(batch: Batch) -> None:
    def run(**options: str) -> dict[str, Any]:
        log = {"logDriver": "awslogs", "options": {"awslogs-group": unique("/jobs/new"), **options}}
        properties = {"logConfiguration": log, "executionRoleArn": batch.role}  # instances may make no groups
        return batch.wait(batch.run("print(1)", properties=properties))

    failed, made = run(), run(**{"awslogs-create-group": "true"})
    assert failed["status"] == "FAILED"
    assert "log group does not exist" in failed["container"]["reason"]
    assert made["status"] == "SUCCEEDED"
