"""Many jobs on local AWS, through boto3 alone: dependencies, arrays, placement, lists."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from tests.e2e.local_helpers import Batch, LocalAws, ec2_resources, make_batch, refusal, unique, wait_until

pytestmark = pytest.mark.e2e


# --- dependencies, arrays


def test_chain_of_dependencies_runs_in_order(batch: Batch) -> None:
    # GIVEN four jobs, each waiting for the one before
    gate = unique("gate")
    name, ids = batch.define("pass"), [batch.submit(batch.define_gated(gate))]
    for _ in range(3):
        ids.append(batch.submit(name, dependsOn=[{"jobId": ids[-1]}]))
    assert batch.job(ids[-1])["status"] in ("SUBMITTED", "PENDING")
    batch.open(gate)
    # WHEN all have ended
    jobs = [batch.wait(job_id) for job_id in ids]
    # THEN none started before its predecessor stopped
    assert [job["status"] for job in jobs] == ["SUCCEEDED"] * 4
    assert all(before["stoppedAt"] <= after["startedAt"] for before, after in pairwise(jobs))


def test_failed_dependency_fails_the_whole_chain_unrun(batch: Batch) -> None:
    first = batch.run("import sys; sys.exit(1)")
    second = batch.submit(batch.define("pass"), dependsOn=[{"jobId": first}])
    third = batch.submit(batch.define("pass"), dependsOn=[{"jobId": second}])
    job = batch.wait(third)
    assert (job["status"], job["statusReason"], job["attempts"]) == ("FAILED", "Dependent Job failed", [])
    # AND one that is submitted after the failure fails as well
    late = batch.wait(batch.submit(batch.define("pass"), dependsOn=[{"jobId": first}]))
    assert late["statusReason"] == "Dependent Job failed"


def test_array_of_twenty(batch: Batch) -> None:
    # GIVEN an array whose children fail at two indices
    code = "import os,sys; i=int(os.environ['AWS_BATCH_JOB_ARRAY_INDEX']); print(i); sys.exit(i in (3, 17))"
    job_id = batch.submit(batch.define(code), arrayProperties={"size": 20})
    # WHEN it has ended
    parent = batch.wait(job_id)
    # THEN the parent tells the sum, and each child ran with its index
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "Array Child Job failed")
    summary = parent["arrayProperties"]["statusSummary"]
    assert (parent["arrayProperties"]["size"], summary["SUCCEEDED"], summary["FAILED"]) == (20, 18, 2)
    assert sum(summary.values()) == 20
    children = batch.api.describe_jobs(jobs=[f"{job_id}:{index}" for index in range(20)])["jobs"]
    assert [batch.output(child) for child in children] == [[str(index)] for index in range(20)]
    assert [child["arrayProperties"]["index"] for child in children if child["status"] == "FAILED"] == [3, 17]
    # AND ListJobs shows children only when asked for the array
    listed = batch.api.list_jobs(arrayJobId=job_id, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert len(listed) == 18
    in_queue = batch.api.list_jobs(jobQueue=batch.queue, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert in_queue == []


def test_sequential_array_runs_child_after_child(batch: Batch) -> None:
    job_id = batch.submit(
        batch.define("import time; time.sleep(0.05)"), arrayProperties={"size": 4}, dependsOn=[{"type": "SEQUENTIAL"}]
    )
    assert batch.wait(job_id)["status"] == "SUCCEEDED"
    children = batch.api.describe_jobs(jobs=[f"{job_id}:{index}" for index in range(4)])["jobs"]
    assert all(before["stoppedAt"] <= after["startedAt"] for before, after in pairwise(children))


def test_n_to_n_array_waits_child_by_child(batch: Batch) -> None:
    # GIVEN an array whose first child is slow and whose last fails, and one that follows it child by child
    gate = unique("gate")
    code = (
        "import os,time,sys; i = os.environ['AWS_BATCH_JOB_ARRAY_INDEX']\n"
        f"while i == '0' and not os.path.exists({gate!r}): time.sleep(0.02)\n"
        "sys.exit(i == '2')"
    )
    first = batch.submit(batch.define(code), arrayProperties={"size": 3})
    second = batch.submit(
        batch.define("pass"), arrayProperties={"size": 3}, dependsOn=[{"jobId": first, "type": "N_TO_N"}]
    )
    # WHEN the second child of the follower has ended
    middle = batch.wait(f"{second}:1")
    # THEN it didn't wait for the slow sibling, and the child of the failed one did not run
    assert middle["status"] == "SUCCEEDED"
    batch.wait(f"{first}:0", "RUNNING")
    assert batch.job(f"{second}:0")["status"] == "PENDING"
    batch.open(gate)
    assert batch.wait(f"{second}:2")["statusReason"] == "Dependent Job failed"
    assert batch.wait(second)["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 2
    assert "same size" in refusal(
        batch.api.submit_job,
        jobName="j",
        jobQueue=batch.queue,
        jobDefinition=batch.define("pass"),
        arrayProperties={"size": 2},
        dependsOn=[{"jobId": first, "type": "N_TO_N"}],
    )


def test_terminating_an_array_ends_its_children(batch: Batch) -> None:
    job_id = batch.submit(batch.define("import time; time.sleep(60)"), arrayProperties={"size": 6})
    batch.wait(f"{job_id}:0", "RUNNING")
    batch.api.terminate_job(jobId=job_id, reason="enough")
    parent = batch.wait(job_id)
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "enough")
    assert parent["arrayProperties"]["statusSummary"]["FAILED"] == 6


# --- placement


def test_third_job_waits_while_two_fill_the_environment(local: LocalAws) -> None:
    # GIVEN room for two vCPUs
    batch = make_batch(local, vcpus=2)
    gate = unique("gate")
    name = batch.define_gated(gate)
    ids = [batch.submit(name) for _ in range(3)]
    # WHEN two run
    for job_id in ids[:2]:
        batch.wait(job_id, "RUNNING")
    # THEN the third is RUNNABLE, and starts when one of them has stopped
    assert batch.job(ids[2])["status"] == "RUNNABLE"
    batch.open(gate)
    first, second, third = (batch.wait(job_id) for job_id in ids)
    assert third["startedAt"] >= min(first["stoppedAt"], second["stoppedAt"])


def test_thousand_jobs_at_once_all_end_and_none_is_lost(local: LocalAws) -> None:
    # GIVEN room for 16 vCPUs
    batch = make_batch(local, vcpus=16)
    name = batch.define("true", "-")
    # WHEN a thousand jobs are submitted at once, by four clients
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: batch.submit(name, jobName="many"), range(1000)))

    def ended() -> bool:
        return batch.job(ids[-1])["status"] == "SUCCEEDED" and len(listed()) == 1000

    def listed() -> list[str]:
        pages = batch.api.get_paginator("list_jobs").paginate(jobQueue=batch.queue, jobStatus="SUCCEEDED")
        return [job["jobId"] for page in pages for job in page["jobSummaryList"]]

    # THEN all of them succeed, each once
    wait_until(ended, "all jobs to end", seconds=1200)
    assert sorted(listed()) == sorted(ids)


def test_queue_of_higher_priority_goes_first(local: LocalAws) -> None:
    # GIVEN two queues on one environment of one vCPU, which a job fills
    batch = make_batch(local, vcpus=1)
    urgent = unique("queue")
    order = [{"order": 1, "computeEnvironment": batch.environment}]
    batch.api.create_job_queue(jobQueueName=urgent, priority=9, computeEnvironmentOrder=order)
    gate, name = unique("gate"), batch.define("import time; time.sleep(0.05)")
    batch.wait(batch.submit(batch.define_gated(gate)), "RUNNING")
    # WHEN the low one gets its jobs before the high one
    low = [batch.submit(name) for _ in range(2)]
    high = [batch.submit(name, jobQueue=urgent) for _ in range(2)]
    batch.wait(high[-1], "RUNNABLE")
    batch.open(gate)
    # THEN the high one's run first
    ended = {job_id: batch.wait(job_id) for job_id in low + high}
    assert sorted(ended, key=lambda job_id: ended[job_id]["startedAt"]) == high + low


def test_a_job_that_has_no_room_in_the_first_environment_goes_to_the_next(local: LocalAws) -> None:
    # GIVEN a queue with a small environment of Spot in front of one on demand
    api, names = local.client("batch"), [unique("environment"), unique("environment")]
    for name, kind in zip(names, ("SPOT", "EC2"), strict=True):
        strategy = "SPOT_CAPACITY_OPTIMIZED" if kind == "SPOT" else "BEST_FIT_PROGRESSIVE"
        resources = ec2_resources(local, 1, type=kind, allocationStrategy=strategy)
        api.create_compute_environment(computeEnvironmentName=name, type="MANAGED", computeResources=resources)
    order = [{"order": number, "computeEnvironment": name} for number, name in enumerate(names, 1)]
    batch = make_batch(local, computeEnvironmentOrder=order)
    # WHEN there are three jobs of one vCPU, THEN two run and the third waits
    gate = unique("gate")
    first, second, third = (batch.submit(batch.define_gated(gate)) for _ in range(3))
    for job in (first, second):
        batch.wait(job, "RUNNING")
    assert batch.job(third)["status"] == "RUNNABLE"
    # AND the two are in different environments, the older one in the first
    clusters = [batch.job(job)["container"]["containerInstanceArn"] for job in (first, second)]
    assert [name in arn for name, arn in zip(names, clusters, strict=True)] == [True, True]
    batch.open(gate)
    # AND when the first is disabled, all else runs on the other
    api.update_compute_environment(computeEnvironment=names[0], state="DISABLED")
    assert names[1] in batch.wait(batch.run("pass"))["container"]["containerInstanceArn"]


def test_fair_share_gives_the_idle_share_its_turn(local: LocalAws) -> None:
    # GIVEN a fair-share queue of two vCPUs, of which shares A and C use one each
    policy = local.client("batch").create_scheduling_policy(name=unique("policy"))["arn"]
    batch = make_batch(local, vcpus=2, schedulingPolicyArn=policy)
    stays, goes = unique("gate"), unique("gate")
    for gate, share in ((stays, "A"), (goes, "C")):
        batch.wait(batch.submit(batch.define_gated(gate), shareIdentifier=share), "RUNNING")
    # WHEN A submits more, then B submits one, and C's ends
    more = [batch.submit(batch.define_gated(stays), shareIdentifier="A") for _ in range(2)]
    other = batch.submit(batch.define_gated(stays), shareIdentifier="B")
    batch.wait(other, "RUNNABLE")
    batch.open(goes)
    # THEN B's runs, and A's wait though they came first
    batch.wait(other, "RUNNING")
    assert [batch.job(job_id)["status"] for job_id in more] == ["RUNNABLE", "RUNNABLE"]
    batch.open(stays)
    assert {batch.wait(job_id)["status"] for job_id in [*more, other]} == {"SUCCEEDED"}


# --- ListJobs


def test_list_jobs_pages_through_250_newest_first(local: LocalAws) -> None:
    # GIVEN 250 jobs that wait, and one of another name
    batch = make_batch(local, vcpus=1)
    name = batch.define_gated(unique("gate"))
    blocker = batch.submit(name, jobName="blocker")
    batch.wait(blocker, "RUNNING")
    ids = [batch.submit(name, jobName=f"Report-{n}") for n in range(250)]
    wait_until(lambda: batch.job(ids[-1])["status"] == "RUNNABLE", "the last job to be RUNNABLE")
    # WHEN they are listed by status
    first = batch.api.list_jobs(jobQueue=batch.queue, jobStatus="RUNNABLE")
    pages = list(batch.api.get_paginator("list_jobs").paginate(jobQueue=batch.queue, jobStatus="RUNNABLE"))
    # THEN a page holds 100, newest first, and the pages hold all of them once
    assert len(first["jobSummaryList"]) == 100
    assert [len(page["jobSummaryList"]) for page in pages] == [100, 100, 50]
    assert [job["jobId"] for page in pages for job in page["jobSummaryList"]] == ids[::-1]
    # AND without a status only RUNNING ones are listed
    assert [job["jobId"] for job in batch.api.list_jobs(jobQueue=batch.queue)["jobSummaryList"]] == [blocker]
    # AND a filter ignores the status and the case of names
    one = batch.api.list_jobs(
        jobQueue=batch.queue, jobStatus="SUCCEEDED", filters=[{"name": "JOB_NAME", "values": ["rEPORT-7"]}]
    )
    assert [job["jobId"] for job in one["jobSummaryList"]] == [ids[7]]
    prefix = {"name": "JOB_NAME", "values": ["report-24*"]}
    found = batch.api.list_jobs(jobQueue=batch.queue, filters=[prefix])["jobSummaryList"]
    assert [job["jobName"] for job in found] == [f"Report-{n}" for n in (*range(249, 239, -1), 24)]
    small = batch.api.list_jobs(jobQueue=batch.queue, jobStatus="RUNNABLE", maxResults=3)
    assert [job["jobId"] for job in small["jobSummaryList"]] == ids[:-4:-1]
    for job_id in [blocker, *ids]:
        batch.api.terminate_job(jobId=job_id, reason="enough")


def test_list_jobs_filters(batch: Batch) -> None:
    # GIVEN jobs of two definitions
    one, two = batch.define("pass"), batch.define("pass")
    batch.define("pass", name=one)
    first, second, third = batch.submit(f"{one}:1"), batch.submit(one), batch.submit(two)
    jobs = [batch.wait(job_id) for job_id in (first, second, third)]

    def listed(name: str, value: str) -> set[str]:
        answer = batch.api.list_jobs(jobQueue=batch.queue, filters=[{"name": name, "values": [value]}])
        return {job["jobId"] for job in answer["jobSummaryList"]}

    # WHEN they are filtered by definition, THEN a name spans revisions and an ARN does not
    assert listed("JOB_DEFINITION", one) == {first, second}
    assert listed("JOB_DEFINITION", jobs[0]["jobDefinition"]) == {first}
    assert listed("JOB_DEFINITION", f"{one[:-1]}*") >= {first, second}
    # AND by time of creation
    assert listed("BEFORE_CREATED_AT", str(jobs[0]["createdAt"])) == set()
    assert listed("AFTER_CREATED_AT", str(jobs[0]["createdAt"] - 1)) == {first, second, third}
    assert "COLOR" in refusal(batch.api.list_jobs, jobQueue=batch.queue, filters=[{"name": "COLOR", "values": ["red"]}])
    assert "Name one of" in refusal(batch.api.list_jobs)


def test_describe_jobs_leaves_out_unknown_ids_and_takes_a_hundred(batch: Batch) -> None:
    job_id = batch.run("pass")
    arn = batch.job(job_id)["jobArn"]
    assert [job["jobId"] for job in batch.api.describe_jobs(jobs=["none", arn])["jobs"]] == [job_id]
    assert "100" in refusal(batch.api.describe_jobs, jobs=["x"] * 101)
