"""Several environments, the order in which a queue tries them, and what an environment may say."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.declarations.catalog import load
from batchtab.declarations.stage import StageConfig, read_stage
from batchtab.errors import UsageError

STAGE = """\
region: eu-west-1
account_id: "123456789012"
state: {bucket: my-state}
network: {create: true}
"""
SPOT_FIRST = """\
environment:
  queues:
    default: 5
    nightly:
      priority: 3
      compute_environments: [spot, default]
      state: DISABLED
      runnable_timeout_seconds: 900
      scheduling_policy:
        share_decay_seconds: 3600
        compute_reservation: 10
        share_distribution: {reports: 1, "adhoc*": 0.5}
environments:
  spot: {capacity: SPOT, max_vcpus: 64, bid_percentage: 70}
"""


def read(tmp_path: Path, text: str) -> tuple[StageConfig | None, list[str]]:
    path = tmp_path / "prod.yaml"
    path.write_text(STAGE + textwrap.dedent(text), encoding="utf-8")
    stage, _, problems, _ = read_stage(path)
    return stage, [str(problem).rpartition("prod.yaml:")[2] for problem in problems]


def stage_of(tmp_path: Path, text: str) -> StageConfig:
    stage, problems = read(tmp_path, text)
    assert stage is not None
    assert problems == []
    return stage


def test_a_queue_tries_its_environments_in_their_order(tmp_path: Path) -> None:
    # GIVEN a stage with Spot in front of what it had
    stage = stage_of(tmp_path, SPOT_FIRST)
    # THEN one queue has both and the other, an integer, what it had
    assert {queue: list(stage.environments_of(queue)) for queue in stage.environment.queues} == {
        "default": ["default"],
        "nightly": ["spot", "default"],
    }
    assert (stage.capacity_of("nightly"), stage.capacity_of("default"), stage.is_fargate("nightly")) == (
        *("SPOT", "EC2"),
        False,
    )
    assert stage.max_vcpus == 80
    # AND all that was said of it
    queue = stage.environment.queues["nightly"]
    assert (queue.priority, queue.state, queue.runnable_timeout_seconds) == (3, "DISABLED", 900)
    policy = queue.scheduling_policy
    assert policy is not None
    assert (policy.share_decay_seconds, policy.compute_reservation) == (3600, 10)
    assert policy.share_distribution == {"reports": 1, "adhoc*": 0.5}


def test_an_environment_that_no_queue_names_is_not_made(tmp_path: Path) -> None:
    stage = stage_of(
        tmp_path,
        """\
        environment: {queues: {default: {priority: 5, compute_environments: [spot, on_demand]}}}
        environments: {spot: {capacity: SPOT}, on_demand: {}}
        """,
    )
    assert list(stage.compute_environments) == ["spot", "on_demand"]


_QUEUE = "environment: {{queues: {{default: {{priority: 5, {}}}}}}}"
_OWN = "environment: {{{}}}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_QUEUE.format("compute_environments: [spt, default]") + "\nenvironments: {spot: {capacity: SPOT}}",
         "compute_environments[0]: 'spt' is not an environment: default, spot [hint: did you mean 'spot'?]"),
        (_QUEUE.format("compute_environments: [a, default]") + "\nenvironments: {a: {capacity: FARGATE}}",
         "mixes Fargate with EC2 or SPOT, which Batch takes in no queue: a is FARGATE, default is EC2"),
        (_QUEUE.format("compute_environments: [default, default]"),
         "compute_environments[1]: 'default' is named twice"),
        (_QUEUE.format("compute_environments: [default, a, b, c]"), "has 4 environments: at most 3"),
        (_QUEUE.format("compute_environments: []"), "compute_environments: [] is empty: at least one"),
        (_QUEUE.format("state: STOPPED"), "queues.default.state: 'STOPPED' is not allowed: ENABLED or DISABLED"),
        (_QUEUE.format("runnable_timeout_seconds: 1"), "1 is too short: 600 to 86400 (seconds)"),
        (_QUEUE.format("prioritty: 6"), "prioritty: is an unknown key [hint: did you mean 'priority'?]"),
        ("environment: {queues: {default: {state: ENABLED}}}", "queues.default.priority: is missing"),
        ("environment: {queues: {default: '5'}}",
         "'5' is not a whole number, nor a mapping (key: value) [hint: write it without quotes]"),
        ("environment: {queues: {default: true}}", "queues.default: true is not a whole number, nor a mapping"),
        (_QUEUE.format("scheduling_policy: {compute_reservation: 100}"), "100 is too large: 0 to 99 (percent)"),
        (_QUEUE.format("scheduling_policy: {share_decay_seconds: 604801}"), "604801 is too long: 0 to 604800"),
        (_QUEUE.format("scheduling_policy: {share_distribution: {a: 0}}"),
         "share_distribution.a: 0 is not allowed: 0.0001 to 999.9999, and a smaller one gets more"),
        (_QUEUE.format("scheduling_policy: {share_distribution: {a-b: 1}}"),
         "share_distribution.a-b: is not allowed as a name: letters and digits, with '*' at most at the end"),
        (_QUEUE.format("scheduling_policy: {share_distribution: {'a*': 1, ab: 1}}"),
         "share_distribution.ab: overlaps with a*, and Batch requires each share in one place"),
        ("environments: {spot: {capacity: SPOT}}",
         "environments.spot: is used by no queue [hint: queues: {default: {priority: 5, compute_env"),
        ("environments: {default: {}}", "environments.default: is what queues call the one in environment"),
        ("environments: {on-demand: {}}", "environments.on-demand: is not allowed as a name: lower-case letters"),
        ("environments: {spot: {capacity: SPT}}", "environments.spot.capacity: 'SPT' is not allowed: EC2, SPOT"),
        ("environment: {max_vcpus: 32, queues: {default: {priority: 5, compute_environments: [spot]}}}\n"
         "environments: {spot: {capacity: SPOT}}",
         "environment.max_vcpus: has no effect: each queue names its compute_environments, and none default"),
        (_OWN.format("bid_percentage: 70"), "70 is only for SPOT, and the capacity is EC2"),
        (_OWN.format("capacity: SPOT, bid_percentage: 101"), "101 is too large: 1 to 100"),
        (_OWN.format("allocation_strategy: BEST_FIT"),
         "'BEST_FIT' is not allowed: BEST_FIT_PROGRESSIVE, SPOT_CAPACITY_OPTIMIZED or"),
        (_OWN.format("allocation_strategy: SPOT_CAPACITY_OPTIMIZED"),
         "'SPOT_CAPACITY_OPTIMIZED' is only for SPOT, and the capacity is EC2 [hint: BEST_FIT_PROGRESSIVE]"),
        (_OWN.format("image_type: ECS_AL2"),
         "'ECS_AL2' is withdrawn: since June 30, 2026 AWS Batch makes no environment of Amazon Linux 2, whose support"
         " ended then; use ECS_AL2023 or ECS_AL2023_NVIDIA"),
        (_OWN.format("image_type: ECS_AL2_NVIDIA"), "'ECS_AL2_NVIDIA' is withdrawn: since June 30, 2026"),
        (_OWN.format("image_id: ami-1"), "'ami-1' is not allowed: an image's id, such as 'ami-0"),
        (_OWN.format("user_data: echo hello"), "is not allowed: a MIME multi-part archive, beginning with"),
        (_OWN.format("launch_template_id: lt-0123456789abcdef0"),
         "launch_template_version: is missing beside launch_template_id [hint: give both]"),
        (_OWN.format("launch_template_version: 3"),
         "launch_template_id: is missing beside launch_template_version"),
        (_OWN.format("launch_template_id: lt-0123456789abcdef0, launch_template_version: $Latest"),
         "'$Latest' is not a whole number"),
        (_OWN.format("launch_template_id: lt-01234567, launch_template_version: 3, root_volume_gib: 50"),
         "root_volume_gib: cannot be used together with launch_template_id [hint: say it in the template"),
        (_OWN.format("root_volume_gib: 8"), "8 is too small: 30 to 16384 (GiB)"),
        (_OWN.format("instance_profile_arn: my-profile"),
         "'my-profile' is not allowed: an instance profile's ARN"),
        (_OWN.format("job_execution_timeout_minutes: 361"), "361 is too large: 1 to 360 (minutes)"),
        (_OWN.format("terminate_jobs_on_update: 'yes'"), "'yes' is not true or false"),
        (_OWN.format("capacity: FARGATE, user_data: x"), "environment.user_data: "),
        (_OWN.format("capacity: FARGATE, terminate_jobs_on_update: true"),
         "terminate_jobs_on_update: is only for EC2 and SPOT, and the capacity is FARGATE [hint: leave it out]"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    _, problems = read(tmp_path, text)
    (line,) = problems
    assert expected in line


def test_all_of_an_environment_may_be_said(tmp_path: Path) -> None:
    stage = stage_of(
        tmp_path,
        """\
        environment:
          capacity: SPOT
          instance_types: [default_arm64]
          allocation_strategy: SPOT_PRICE_CAPACITY_OPTIMIZED
          bid_percentage: 60
          image_type: ECS_AL2023_NVIDIA
          image_id: ami-0123456789abcdef0
          instance_profile_arn: arn:aws:iam::123456789012:instance-profile/mine
          job_execution_timeout_minutes: 5
          terminate_jobs_on_update: true
          state: DISABLED
          root_volume_gib: 100
          user_data: |
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary="=="

            --==--
        """,
    )
    assert stage.environment.instance_types == ("default_arm64",)
    assert stage.environment.user_data is not None
    assert stage.environment.user_data.endswith("--==--\n")


def test_a_job_is_checked_against_what_its_own_queue_runs_on(
    project: Path, spoil: Callable[[str, str, str], None]
) -> None:
    # GIVEN a stage with a queue on Fargate beside one on EC2, and jobs on both
    queues = "{default: 5, continuously: {priority: 3, compute_environments: [small]}}"
    spoil("config/local.yaml", "{default: 5, continuously: 3}", queues)
    spoil(
        "config/local.yaml", "runner_image:", "environments: {small: {capacity: FARGATE, max_vcpus: 4}}\nrunner_image:"
    )
    # WHEN it is read
    with pytest.raises(UsageError) as caught:
        load("local", project)
    # THEN only sizes of the jobs on Fargate are refused, which EC2 has
    lines = [line.rpartition("jobs.yaml:")[2] for line in str(caught.value).splitlines()]
    assert lines
    assert all("memory_mib" in line and "on Fargate (stage local)" in line for line in lines), lines
    assert {line.split(": ")[1] for line in lines} == {"job tick", "job do-often"}


def test_a_job_has_a_share_where_its_queue_has_shares_and_nowhere_else(
    project: Path, spoil: Callable[[str, str, str], None]
) -> None:
    # GIVEN a job with a share, whose queue has none, and the other way round
    queues = "{default: {priority: 5, scheduling_policy: {}}, continuously: 3}"
    spoil("config/local.yaml", "{default: 5, continuously: 3}", queues)
    spoil("config/local.yaml", "log_retention_days: 30", "log_retention_days: 30\njobs: [my-service]")
    spoil("jobs/my-service/jobs.yaml", "queue: continuously", "queue: continuously\n    share: reports")
    with pytest.raises(UsageError) as caught:
        load("local", project)
    # THEN both are refused
    assert [line.partition(": job ")[2] for line in str(caught.value).splitlines()] == [
        "do-something: share: is missing, and queue default of stage local has a scheduling_policy: it takes no job"
        " without one",
        "do-often: share: 'reports' is for a queue with a scheduling_policy, and continuously of stage local has none"
        " [hint: leave it out]",
    ]
