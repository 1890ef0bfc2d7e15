"""Python's door: an app of a company's own, and wrong programs, which are refused as `batchtab check` refuses files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.constructs.template import QUEUE_ARN, in_python

import batchtab
from batchtab import BatchEnvironment, Capacity, Permission, Queue, Schedule, ScheduledJob, SchedulingPolicy

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "examples" / "python-app" / "main.py"
JOB: dict[str, Any] = {"image": "busybox:1", "command": ["true"], "schedule": "cron(0 2 * * ? *)"}
WHOLE = JOB | {"name": "nightly", "namespace": "reports", "capacity": "FARGATE"}


def environment(stack: Any, id_: str = "Default", **arguments: Any) -> BatchEnvironment:
    given: dict[str, Any] = {
        "namespace": "reports",
        "subnet_ids": ["subnet-0123456789abcdef0"],
        "security_group_ids": ["sg-0123456789abcdef0"],
        "capacity": "FARGATE",
    }
    return BatchEnvironment(stack, id_, **given | arguments)


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the example's app writes."""
    folder = tmp_path_factory.mktemp("app")
    # It imports the whole package of the provider, which Python compiles the first time.
    subprocess.run([sys.executable, str(APP)], cwd=folder, check=True, capture_output=True, timeout=1100)
    stack = json.loads((folder / "cdktf.out" / "stacks" / "reports" / "cdk.tf.json").read_text(encoding="utf-8"))
    return dict(stack["resource"])


@pytest.mark.slow
def test_the_examples_app_is_short_and_whole(resources: dict[str, Any]) -> None:
    # GIVEN the app of 40 lines
    assert len(APP.read_text(encoding="utf-8").splitlines()) <= 45
    # THEN its jobs have the environment's queue, role and log group
    definition = resources["aws_batch_job_definition"]["nightly_job_definition"]
    container = json.loads(definition["container_properties"])
    assert definition["name"] == "reports-nightly"
    assert definition["platform_capabilities"] == ["FARGATE"]
    options = container["logConfiguration"]["options"]
    assert options["awslogs-group"] == "${aws_cloudwatch_log_group.log_group.name}"
    target = resources["aws_cloudwatch_event_target"]["probe_target"]
    assert target["arn"] == '${aws_batch_job_queue.job_queue["default"].arn}'
    assert target["role_arn"] == "${aws_iam_role.trigger_role.arn}"
    # AND the job that may not overlap asks the function, in a group that the environment's role works for
    schedule = resources["aws_scheduler_schedule"]["nightly_schedule"]
    assert schedule["target"]["arn"] == "${aws_lambda_function.runs_function.arn}"
    assert "schedule_group" in schedule["group_name"]
    # AND a role may submit it, and an alarm counts its failures
    assert '"Action" = ["batch:SubmitJob"]' in resources["aws_iam_role_policy"]["nightly_submit_policy"]["policy"]
    alarm = resources["aws_cloudwatch_metric_alarm"]["nightly_failed_alarm"]
    assert alarm["dimensions"] == {"RuleName": "${aws_cloudwatch_event_rule.nightly_failed.name}"}


def test_the_page_shows_the_example() -> None:
    # GIVEN the code of the page about Python
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    # THEN the first is the example
    assert blocks[0] == APP.read_text(encoding="utf-8")
    # AND the others run
    names = {name: getattr(batchtab, name) for name in batchtab.__all__}
    in_python(lambda stack: [exec(block, {**names, "stack": stack}) for block in blocks[1:]])  # noqa: S102 - ours


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            lambda s, e: ScheduledJob(s, "n", **WHOLE, job_queue_arn=e.job_queue_arn("defualt")),
            "queue: 'defualt' is not a queue of the environment: continuously, default [hint: did you mean 'default'?]",
        ),
        (lambda _, e: e.add_job("n", queue="nope", **JOB), "queue: 'nope' is not a queue of the environment"),
        (lambda _, e: e.trigger_role["arnn"], "aws_iam_role.trigger_role has no attribute 'arnn'"),
        (
            lambda s, e: ScheduledJob(
                s, "n", **WHOLE | {"namespace": "other", "job_queue_arn": e.job_queue_arn("default")}
            ),
            "namespace: 'other' is not that of the queue's environment, 'reports'",
        ),
        (
            lambda s, e: ScheduledJob(
                s, "n", **WHOLE | {"capacity": "EC2", "job_queue_arn": e.job_queue_arn("default")}
            ),
            "capacity: 'EC2' is not that of the queue's environment, 'FARGATE'",
        ),
        (
            lambda _, e: e.add_job("n", **JOB | {"command": "python x.py"}),
            "command: 'python x.py' is not a list [hint: write [python, x.py]: no shell splits it]",
        ),
        (
            lambda _, e: e.add_job("n", **JOB, permissions=[{"action": ["s3:GetObject"], "resources": ["*"]}]),
            "permissions[0].action: is an unknown key",
        ),
        (
            lambda s, e: [ScheduledJob(s, i, **WHOLE, job_queue_arn=e.job_queue_arn("default")) for i in "ab"],
            "name: 'nightly' is the name of test/a too",
        ),
        (lambda _, e: [e.add_job("n", **JOB) for _ in "ab"], "n: is the id of another construct here"),
        (lambda _, e: e.add_job("n", **JOB, vcpus="1"), "vcpus: '1' is not a number"),
        (
            lambda s, _: environment(s, "Other", queues={"x": "high"}),
            "'high' is not a number: 0 to 1000",
        ),
        (lambda _, e: e.add_job("n", **JOB, tags={"a": 1}), "tags.a: 1 is not text"),
        (lambda _, e: e.add_job("n", **JOB | {"after": "ab", "schedule": None}, subnet=1), "subnet: is an unknown key"),
        (
            lambda _, e: e.add_job("n", **JOB, enviroment={}),
            "enviroment: is an unknown key [hint: did you mean 'environment'?]",
        ),
        (lambda _, e: e.add_job("n", image="busybox:1"), "command: is missing: command as a list"),
        (
            lambda _, e: e.add_job("n", **JOB, share="reports"),
            "share: 'reports' is for a queue with a scheduling_policy, and default has none [hint: leave it out]",
        ),
        (
            lambda s, _: environment(
                s, "Other", queues={"fair": Queue(priority=1, scheduling_policy=SchedulingPolicy())}
            ).add_job("n", queue="fair", **JOB),
            "share: is missing, and queue fair has a scheduling_policy: it takes no job without one",
        ),
        (
            lambda _, e: e.add_job("n", **JOB, capacity="EC2"),
            "test/n: capacity: is the environment's, which says it for its jobs [hint: leave it out]",
        ),
        (
            lambda s, _: BatchEnvironment.from_arns(
                namespace="reports", capacity="EC2", queues={"default": QUEUE_ARN}
            ).add_job(s, "n", **JOB, job_queue_arn=QUEUE_ARN),
            "test/n: job_queue_arn: is the environment's, which says it for its jobs [hint: leave it out]",
        ),
    ],
)
def test_a_wrong_program_is_refused_in_one_line(program: Callable[[Any, Any], Any], message: str) -> None:
    with pytest.raises((ValueError, LookupError), match=re.escape(message)):
        in_python(
            lambda stack: program(stack, environment(stack)) if "queues" not in str(program) else program(stack, None)
        )


def test_what_runs_after_one_job_may_name_it_alone() -> None:
    # GIVEN `after` as a text, which a careless loop would take for its letters
    made = in_python(lambda stack: environment(stack).add_job("n", image="busybox:1", command=["true"], after="load"))
    # THEN it is one job's name
    (pattern,) = [json.loads(rule["event_pattern"]) for rule in made.all("aws_cloudwatch_event_rule").values()]
    assert [each["prefix"].rpartition("/")[2] for each in pattern["detail"]["jobDefinition"]] == ["reports-load:"]


def test_enumerations_and_models_write_what_text_and_mappings_write() -> None:
    # GIVEN the same job in both ways
    ways: list[dict[str, Any]] = [
        {"permissions": [Permission(actions=("s3:GetObject",), resources=("*",))]},
        {"permissions": [{"actions": ["s3:GetObject"], "resources": ["*"]}]},
    ]
    texts = [
        in_python(lambda stack, way=way, c=c: environment(stack, capacity=c).add_job("n", **JOB, **way)).content
        for way, c in zip(ways, (Capacity.FARGATE, "FARGATE"), strict=True)
    ]
    # THEN they are one
    assert texts[0]["resource"] == texts[1]["resource"]


def test_an_environment_that_exists_gives_its_arns_to_jobs() -> None:
    # GIVEN an environment of another app
    arn = "arn:aws:batch:ap-northeast-2:123456789012:job-queue/reports-default"
    place = BatchEnvironment.from_arns(
        namespace="reports",
        capacity="FARGATE",
        queues={"default": arn},
        trigger_role_arn="arn:aws:iam::123456789012:role/reports-trigger",
        execution_role_arn="arn:aws:iam::123456789012:role/reports-execution",
        log_group_name="/aws/batch/reports",
    )
    made = in_python(lambda stack: place.add_job(stack, "nightly", **JOB))
    # THEN the job uses them, and makes a role for its program alone
    assert made.one("aws_cloudwatch_event_target")["arn"] == arn
    assert set(made.all("aws_iam_role")) == {"nightly_job_role"}


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (Schedule.cron(hour=2), "cron(0 2 * * ? *)"),
        (Schedule.cron(hour=9, minute=30, day_of_week="MON-FRI"), "cron(30 9 ? * MON-FRI *)"),
        (Schedule.cron(day_of_month="L", hour=0), "cron(0 0 L * ? *)"),
        (Schedule.rate(timedelta(minutes=5)), "rate(5 minutes)"),
        (Schedule.rate(timedelta(hours=1)), "rate(1 hour)"),
        (Schedule.rate(timedelta(days=2)), "rate(2 days)"),
        (Schedule.at(datetime(2030, 1, 2, 3, 4)), "at(2030-01-02T03:04:00)"),
        (Schedule.crontab("*/15 9-17 * * 1-5"), "*/15 9-17 * * 1-5"),
    ],
)
def test_a_schedule_is_the_text_that_every_door_takes(schedule: Schedule, text: str) -> None:
    assert schedule == text
    assert in_python(lambda stack: environment(stack).add_job("n", **JOB | {"schedule": schedule}))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Schedule.cron(day_of_month=1, day_of_week="MON"),
        lambda: Schedule.rate(timedelta(seconds=90)),
        lambda: Schedule.rate(timedelta(0)),
        lambda: Schedule.at(datetime(2030, 1, 1, tzinfo=ZoneInfo("Asia/Seoul"))),
    ],
)
def test_a_schedule_that_aws_cannot_have_is_refused(make: Callable[[], Schedule]) -> None:
    with pytest.raises(ValueError, match=r"does not go|is not a rate|has a time zone"):
        make()


@pytest.mark.slow
def test_a_type_checker_finds_most_wrong_programs(tmp_path: Path) -> None:
    # GIVEN a program with mistakes
    program = tmp_path / "program.py"
    program.write_text(
        "from typing import Any\n"
        "from batchtab import BatchEnvironment, ScheduledJob\n"
        "def f(stack: Any, env: BatchEnvironment) -> None:\n"
        '    env.add_job("a", image="x", command="python x.py")\n'
        '    env.add_job("b", image="x", command=["true"], concurrency_policy="forbit")\n'
        '    env.add_job("c", image="x", command=["true"], vcpus="1")\n'
        '    env.add_job("d", image="x", command=["true"], tags={"a": 1})\n'
        '    env.add_job("e", image="x", command=["true"], enviroment={})\n'
        '    env.add_job("f", image="x", command=["true"], permissions=[{"action": ["x"], "resources": ["*"]}])\n'
        "    env.trigger_role_arnn\n"
        '    ScheduledJob(stack, "g", name="g", namespace="n", image="x", command=["true"], job_queue_arn="q",'
        ' capacity="FARGTE")\n',
        encoding="utf-8",
    )
    # WHEN mypy reads it
    cache = ROOT / ".mypy_cache" / "wrong-programs"  # of its own: `make types` may write to the other meanwhile
    mypy = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), str(program)]
    said = subprocess.run(mypy, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False).stdout
    # THEN each line has an error
    assert sorted({int(line) for line in re.findall(r"program\.py:(\d+): error", said)}) == list(range(4, 12)), said


@pytest.mark.parametrize("capacity", ["EC2", "FARGATE"])
def test_an_image_of_a_cache_is_gotten_by_a_role_of_the_jobs_own(capacity: str) -> None:
    # GIVEN an image that ECR gets from another registry
    image = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/docker-hub/library/python:3.13"
    made = in_python(lambda stack: environment(stack, capacity=capacity).add_job("n", image=image, command=["true"]))
    # THEN the job's own execution role may let it, which no role that jobs share may
    statements = made.statements("aws_iam_role_policy", "n_execution_role_policy")
    (resources,) = [each["Resource"] for each in statements if "ecr:BatchImportUpstreamImage" in each["Action"]]
    assert [arn.partition(":ecr:")[2] for arn in resources] == [
        "ap-northeast-2:123456789012:repository/docker-hub/library/python"
    ]
