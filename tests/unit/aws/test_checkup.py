"""Each check of `batchtab doctor`: a whole stage, one thing that is wrong, and what AWS denies."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.aws.stage_on_aws import ACCOUNT, DENIED, PREFIX, REGION, TASKS, RefusedError, World, answered_by, trust

from batchtab.aws import job_definitions
from batchtab.aws.checkup.bucket import denies_plain_http
from batchtab.aws.checkup.check import conduct
from batchtab.aws.checkup.definition import Definition
from batchtab.aws.checkup.finding import Finding, Status
from batchtab.aws.checkup.permissions import ACTIONS
from batchtab.aws.checkup.stage_checks import checks
from batchtab.aws.checkup.survey import Survey
from batchtab.declarations.catalog import load

DEPLOY = "batchtab deploy --stage example"
BOOTSTRAP = "batchtab bootstrap --stage example"
BUCKET = "state bucket my-company-terraform-state"
Change = Callable[[World], None]
Line = tuple[str, str, str, str]


@pytest.fixture
def find(project: Path) -> Callable[..., list[Finding]]:
    """What is found of the stage after a change; `files` are changed first."""

    def look(change: Change = lambda _: None, *, is_local: bool = False, others: tuple[str, ...] = ()) -> list[Finding]:
        world = World(load("example", project))
        change(world)
        survey = Survey(world.catalog, answered_by(world), others).read()
        return conduct(checks(survey), is_local=is_local)

    return look


def problems(found: list[Finding]) -> list[Line]:
    return [(each.status.value, each.subject, each.problem, each.fix) for each in found if each.status != Status.OK]


def test_of_a_whole_stage_each_check_says_in_one_line_that_all_is_well(find: Callable[..., list[Finding]]) -> None:
    assert [(each.status.value, each.check, each.subject) for each in find()] == [
        ("ok", "state", BUCKET),
        ("ok", "locks", "no state is locked"),
        ("ok", "queues", "2 queues ENABLED and VALID, none blocked"),
        ("ok", "capacity", "1 compute environment ENABLED and VALID"),
        ("ok", "definitions", "definitions of all 11 jobs are ACTIVE"),
        ("ok", "triggers", "7 triggers of declared jobs, and no other"),
        ("ok", "roles", "12 roles exist and trust the services that take them"),
        ("ok", "images", "2 images of ECR can be pulled"),
        ("ok", "network", "ECR, S3 and CloudWatch Logs can be reached from 2 subnets"),
        ("ok", "quotas", "less than 80 % of 3 quotas are used"),
        ("ok", "dead letters", "no undelivered run or alert"),
    ]


def _set(name: str, **values: Any) -> Change:
    """Changes something of a queue, an environment or the bucket."""

    def change(world: World) -> None:
        of = getattr(world, name)
        (of if name == "bucket" else next(iter(of.values()))).update(values)

    return change


def _all(*changes: Change) -> Change:
    def change(world: World) -> None:
        for each in changes:
            each(world)

    return change


def _remove(name: str, *keys: Any) -> Change:
    def change(world: World) -> None:
        for key in keys:
            del getattr(world, name)[key]

    return change


def _put(name: str, key: Any, value: Any) -> Change:
    return lambda world: getattr(world, name).update({key: value})


ENVIRONMENT = f"compute environment {PREFIX}-20260101"
UPDATE = f"aws batch update-compute-environment --compute-environment {PREFIX}-20260101 --region {REGION}"
QUEUE = f"queue {PREFIX}-default"

BLOCKING = "abcdef00-0000-0000-0000-000000000000"
WIDE = {
    "jobId": BLOCKING,
    "jobName": "examples-hello",
    "status": "RUNNABLE",
    "jobQueue": f"{PREFIX}-default",
    "createdAt": 1,
    "statusReason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU) is too high.",
}

CASES: dict[str, tuple[Change, list[Line]]] = {
    "a queue that a job blocks": (
        _put("next_jobs", f"{PREFIX}-default", WIDE),
        [
            (
                "fail",
                QUEUE,
                f"is blocked: examples-hello (abcdef00) cannot be placed: {WIDE['statusReason']}",
                f"batchtab stop {BLOCKING} --stage example",
            )
        ],
    ),
    "a queue whose next job waits for its turn": (
        _put("next_jobs", f"{PREFIX}-default", {**WIDE, "statusReason": ""}),
        [],
    ),
    "a queue whose next job may not be seen": (
        _put("refusals", "GetJobQueueSnapshot", DENIED),
        [
            (
                "warn",
                f"next job of {QUEUE} and 1 more",
                "not checked: AWS denied batch:GetJobQueueSnapshot",
                "allow batch:GetJobQueueSnapshot, or AWS_PROFILE=NAME",
            )
        ],
    ),
    "no old versions": (
        _set("bucket", versioning="Suspended"),
        [("warn", BUCKET, "keeps no old versions: a state that is lost cannot be restored", BOOTSTRAP)],
    ),
    "no encryption": (_set("bucket", encryption=False), [("warn", BUCKET, "has no default encryption", BOOTSTRAP)]),
    "public": (_set("bucket", blocked=False), [("warn", BUCKET, "does not block public access", BOOTSTRAP)]),
    "no policy": (_set("bucket", policy=None), [("warn", BUCKET, "takes requests without TLS", BOOTSTRAP)]),
    "another policy": (
        _set("bucket", policy={"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}}),
        [("warn", BUCKET, "takes requests without TLS", BOOTSTRAP)],
    ),
    "no bucket": (
        lambda world: setattr(world, "bucket", None),
        [("fail", BUCKET, "does not exist", BOOTSTRAP)],
    ),
    "queue disabled": (
        _set("queues", state="DISABLED"),
        [
            (
                "fail",
                QUEUE,
                "is DISABLED and takes no jobs",
                f"aws batch update-job-queue --job-queue {PREFIX}-default --state ENABLED --region {REGION}",
            )
        ],
    ),
    "queue missing": (_remove("queues", f"{PREFIX}-default"), [("fail", QUEUE, "does not exist", DEPLOY)]),
    "queue busy": (
        _set("queues", status="UPDATING"),
        [("warn", QUEUE, "is UPDATING", "wait, and run this again")],
    ),
    "environment invalid": (
        _set("environments", status="INVALID", statusReason="CLIENT_ERROR - Access denied"),
        [("fail", ENVIRONMENT, "is INVALID: CLIENT_ERROR - Access denied", DEPLOY)],
    ),
    "environment disabled": (
        _set("environments", state="DISABLED"),
        [("fail", ENVIRONMENT, "is DISABLED and starts no jobs", f"{UPDATE} --state ENABLED")],
    ),
    "old AMI": (
        lambda world: next(iter(world.environments.values()))["computeResources"].update(
            ec2Configuration=[{"imageType": "ECS_AL2023", "batchImageStatus": "UPDATE_AVAILABLE"}]
        ),
        [
            (
                "warn",
                ENVIRONMENT,
                "runs an AMI of which AWS has a newer one",
                f"{UPDATE} --compute-resources updateToLatestImageVersion=true",
            )
        ],
    ),
    "definition missing": (
        _remove("definitions", f"{PREFIX}-examples-tick"),
        [("fail", "job examples-tick", "has no ACTIVE definition and cannot run", DEPLOY)],
    ),
    "rule missing": (
        _remove("rules", f"{PREFIX}-examples-tick"),
        [("fail", "job examples-tick", f"has no rule {PREFIX}-examples-tick, so nothing starts it", DEPLOY)],
    ),
    "rule after another missing": (
        _remove("rules", f"{PREFIX}-examples-load.after"),
        [("fail", "job examples-load", f"has no rule {PREFIX}-examples-load.after, so nothing starts it", DEPLOY)],
    ),
    "schedule missing": (
        lambda world: world.schedules.clear(),
        [("fail", "job examples-report", f"has no schedule {PREFIX}-examples-report, so nothing starts it", DEPLOY)],
    ),
    "paused": (
        _put("rules", f"{PREFIX}-examples-tick", "DISABLED"),
        [
            (
                "warn",
                "job examples-tick",
                f"is paused: its rule {PREFIX}-examples-tick is DISABLED",
                "batchtab resume examples-tick --stage example",
            )
        ],
    ),
    "rule without a job": (
        _put("rules", f"{PREFIX}-examples-gone", "ENABLED"),
        [
            (
                "warn",
                f"rule {PREFIX}-examples-gone",
                "belongs to no job of the files",
                f"aws events disable-rule --name {PREFIX}-examples-gone --region {REGION}",
            )
        ],
    ),
    "schedule without a job": (
        _put("schedules", (f"{PREFIX}-gone", f"{PREFIX}-gone-nightly"), "ENABLED"),
        [
            (
                "warn",
                f"schedule {PREFIX}-gone-nightly",
                "belongs to no job of the files",
                f"aws scheduler delete-schedule --name {PREFIX}-gone-nightly --group-name {PREFIX}-gone"
                f" --region {REGION}",
            )
        ],
    ),
    "role missing": (
        _remove("roles", f"{PREFIX}-examples-tick-job"),
        [("fail", f"role {PREFIX}-examples-tick-job", "does not exist, needed by job examples-tick", DEPLOY)],
    ),
    "role of another service": (
        _put("roles", f"{PREFIX}-examples-tick-job", trust("lambda.amazonaws.com")),
        [
            (
                "fail",
                f"role {PREFIX}-examples-tick-job",
                f"does not trust {TASKS}, needed by job examples-tick",
                f"{DEPLOY}, or aws iam update-assume-role-policy --role-name {PREFIX}-examples-tick-job"
                " --policy-document file://FILE",
            )
        ],
    ),
    "trigger role": (
        _put("roles", f"{PREFIX}-trigger", trust("events.amazonaws.com")),
        [
            (
                "fail",
                f"role {PREFIX}-trigger",
                "does not trust scheduler.amazonaws.com, needed by the triggers",
                f"{DEPLOY}, or aws iam update-assume-role-policy --role-name {PREFIX}-trigger"
                " --policy-document file://FILE",
            )
        ],
    ),
    "repository missing": (
        _remove("images", "my-service"),
        [
            (
                "fail",
                "repository my-service",
                "does not exist, and job my-service-do-something runs its image",
                f"aws ecr create-repository --repository-name my-service --region {REGION}",
            )
        ],
    ),
    "tag missing": (
        _put("images", "my-service", {}),
        [
            (
                "fail",
                "image my-service:latest",
                "is not in ECR, and job my-service-do-something and 1 more runs it",
                f"docker push the image, or {DEPLOY} with a tag that exists",
            )
        ],
    ),
    "shared image missing": (
        _put("images", "batchtab-runner", {}),
        [
            (
                "fail",
                "image batchtab-runner:1.0.0",
                "is not in ECR, and job examples-hello and 8 more runs it",
                "batchtab ci runner-image --build --stage example",
            )
        ],
    ),
    "another processor": (
        _put(
            "images",
            "my-service",
            {
                "latest": {
                    "manifests": [
                        {"platform": {"os": "linux", "architecture": "arm64"}},
                        {"platform": {"os": "unknown", "architecture": "unknown"}},
                    ]
                }
            },
        ),
        [
            (
                "fail",
                "image my-service:latest",
                "is for arm64, and job my-service-do-something and 1 more runs on amd64",
                "docker buildx build --platform linux/amd64 --push",
            )
        ],
    ),
    "subnet missing": (
        _remove("subnets", "subnet-0a1b2c3d4e5f60718"),
        [
            (
                "fail",
                "subnet subnet-0a1b2c3d4e5f60718",
                f"does not exist in {REGION}",
                f"network.subnet_ids in config/example.yaml, then {DEPLOY}",
            )
        ],
    ),
    "runs that were not submitted": (
        _put("letters", f"{PREFIX}-trigger-dead-letter", 2),
        [
            (
                "warn",
                f"queue {PREFIX}-trigger-dead-letter",
                "2 runs could not be submitted, nor reported",
                f"aws sqs receive-message --queue-url https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/"
                f"{PREFIX}-trigger-dead-letter --region {REGION}, then batchtab backfill",
            )
        ],
    ),
    "alerts that were not delivered": (
        _put("letters", f"{PREFIX}-job-alerts-dead-letter", 1),
        [
            (
                "warn",
                f"queue {PREFIX}-job-alerts-dead-letter",
                "1 alert could not be delivered",
                "batchtab alerts list --stage example, then batchtab alerts redrive --stage example",
            )
        ],
    ),
    "no queue of dead letters": (
        _remove("letters", f"{PREFIX}-trigger-dead-letter"),
        [("fail", f"queue {PREFIX}-trigger-dead-letter", "does not exist", DEPLOY)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_thing_that_is_wrong_is_one_line_with_what_helps(case: str, find: Callable[..., list[Finding]]) -> None:
    change, expected = CASES[case]
    assert problems(find(change)) == expected


@pytest.mark.parametrize("operation", sorted({*ACTIONS} - {"DescribeSecret", "DescribeParameters", "ListRoles"}))
def test_what_is_denied_is_a_warning_with_the_permission_and_the_other_checks_go_on(
    operation: str, find: Callable[..., list[Finding]], spoil: Callable[..., None]
) -> None:
    # GIVEN credentials that may do all but one thing, where each of them is needed
    spoil("jobs/examples/jobs.yaml", "usual_duration_seconds: 60", "pause_on_failure: true")

    def change(world: World) -> None:
        world.refusals[operation] = DENIED if operation != "HeadBucket" else RefusedError("403", "Forbidden", 403)
        world.objects["example/network.tfstate.tflock"] = {"ID": "1"}
        world.next_jobs[f"{PREFIX}-default"] = {**WIDE, "statusReason": ""}
        for number in range(290):
            world.rules[f"other-{number}"] = "ENABLED"

    # WHEN the stage is checked
    found = find(change)
    lines = [line for line in problems(found) if ACTIONS[operation] in line[2]]
    # THEN a warning names the permission; of the bucket nobody can say whose it is
    assert lines
    if operation != "HeadBucket":
        assert {line[0] for line in lines} == {"warn"}
        assert {line[2] for line in lines} == {f"not checked: AWS denied {ACTIONS[operation]}"}
        assert all(line[3] == f"allow {ACTIONS[operation]}, or AWS_PROFILE=NAME" for line in lines)
    # AND there is no failure that only the refusal makes up, and the others are ok
    others = [line for line in problems(found) if line not in lines]
    assert not [line for line in others if line[0] == "fail"]
    assert len([each for each in found if each.status is Status.OK]) >= 6


def test_a_role_that_is_denied_many_times_is_one_line(find: Callable[..., list[Finding]]) -> None:
    found = find(lambda world: world.refusals.update(GetRole=DENIED))
    (line,) = problems(found)
    assert line[1] == f"role {PREFIX}-examples-hello-job and 11 more"


def test_a_service_that_is_away_is_a_warning(find: Callable[..., list[Finding]]) -> None:
    away = RefusedError("ServiceUnavailableException", "come back later", 400)
    found = find(lambda world: world.refusals.update(GetQueueUrl=away))
    assert [line[2] for line in problems(found)] == [
        "not checked: AWS refused GetQueueUrl: come back later (ServiceUnavailableException)"
    ]
    assert problems(found)[0][0] == "warn"


@pytest.mark.parametrize("code", ["InvalidAction", "UnknownOperationException"])
def test_what_an_emulator_does_not_have_is_left_out(code: str, find: Callable[..., list[Finding]]) -> None:
    def change(world: World) -> None:
        world.refusals["GetQueueUrl"] = RefusedError(code, "Unknown action: GetQueueUrl")

    assert problems(find(change, is_local=True)) == []
    assert "dead letters" not in [each.check for each in find(change, is_local=True)]
    # BUT on AWS it is a warning
    assert [line[0] for line in problems(find(change))] == ["warn"]


def test_a_stage_that_is_not_deployed_is_not_a_line_for_each_thing(find: Callable[..., list[Finding]]) -> None:
    def change(world: World) -> None:
        for name in ("queues", "environments", "definitions", "roles", "rules", "schedules", "letters"):
            getattr(world, name).clear()

    assert problems(find(change)) == [
        ("fail", QUEUE, "does not exist", DEPLOY),
        ("fail", f"queue {PREFIX}-continuously", "does not exist", DEPLOY),
        ("fail", "job definitions", "none of 11 jobs has one: nothing is deployed", DEPLOY),
    ]


@pytest.mark.parametrize(
    ("condition", "principal", "denies"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, "*", True),
        ({"BoolIfExists": {"aws:SecureTransport": ["false"]}}, {"AWS": ["*"]}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, "*", False),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"AWS": "arn:aws:iam::1:root"}, False),
        ({}, "*", False),
    ],
)
def test_a_policy_denies_requests_without_tls_to_everybody(condition: Any, principal: Any, denies: bool) -> None:
    statement = {"Effect": "Deny", "Action": "s3:*", "Principal": principal, "Condition": condition}
    assert denies_plain_http({"Statement": [statement]}) is denies


# --- locks


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(minutes=5, seconds=10), "5 min"),
        (timedelta(hours=3, minutes=20), "3 h"),
        (timedelta(days=4, hours=1), "4 days"),
    ],
)
def test_a_lock_is_a_warning_with_its_age_and_unlock(
    age: timedelta, said: str, find: Callable[..., list[Finding]]
) -> None:
    created = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    lock = {"ID": "7", "Who": "runner@ci", "Created": created, "Operation": "OperationTypeApply"}
    assert problems(find(lambda world: world.objects.update({"example/jobs-examples.tfstate.tflock": lock}))) == [
        (
            "warn",
            "state of stack jobs-examples",
            f"is locked for {said} by runner@ci (apply)",
            "if that run is gone: batchtab unlock jobs-examples --stage example",
        )
    ]


# --- secrets

SECRETS = "{DB: secretsmanager:db, TOKEN: /my/token, PLAIN: 'ssm:plain', FAR: 'FAR_ARN'}"
FAR = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:far-AbCdEf:key::"


@pytest.fixture
def secret_files(spoil: Callable[..., None]) -> None:
    spoil(
        "jobs/examples/jobs.yaml",
        "  fail:\n    description: Fails on purpose, so that the alert can be seen. Run it manually.\n",
        "  fail:\n    description: Fails.\n    secrets: " + SECRETS.replace("FAR_ARN", FAR) + "\n",
    )


def _with_secrets(world: World) -> None:
    world.secrets["db"] = {}
    world.parameters += ["/my/token", "/plain"]  # an ARN does not say whether the second has a slash


@pytest.mark.usefixtures("secret_files")
def test_secrets_that_are_there_are_one_line_and_no_value_is_read(find: Callable[..., list[Finding]]) -> None:
    worlds: list[World] = []
    found = find(_all(_with_secrets, worlds.append))
    assert [each.subject for each in found if each.check == "secrets"] == [
        "3 secrets and parameters exist (1 elsewhere not checked)"
    ]
    assert not [name for name in worlds[0].calls if re.search("GetSecretValue|GetParameter", name)]


@pytest.mark.usefixtures("secret_files")
def test_secrets_that_are_missing_or_about_to_be_deleted_fail(find: Callable[..., list[Finding]]) -> None:
    def change(world: World) -> None:
        world.secrets["db"] = {"DeletedDate": datetime(2026, 11, 3, tzinfo=UTC)}
        world.parameters.append("plain")

    assert problems(find(change)) == [
        (
            "fail",
            "secret db",
            "is scheduled for deletion on 2026-11-03, and job examples-fail reads it",
            f"aws secretsmanager restore-secret --secret-id db --region {REGION}",
        ),
        (
            "fail",
            "parameter /my/token",
            "does not exist, and job examples-fail reads it",
            "aws ssm put-parameter --name /my/token --type SecureString --value file://FILE --region " + REGION,
        ),
    ]

    def missing(world: World) -> None:
        _with_secrets(world)
        world.secrets.clear()

    (line,) = problems(find(missing))
    assert line[1:3] == ("secret db", "does not exist, and job examples-fail reads it")
    assert line[3].startswith("aws secretsmanager create-secret --name db")


@pytest.mark.usefixtures("secret_files")
@pytest.mark.parametrize("operation", ["DescribeSecret", "DescribeParameters"])
def test_of_secrets_and_parameters_the_one_is_checked_where_the_other_is_denied(
    operation: str, find: Callable[..., list[Finding]]
) -> None:
    def change(world: World) -> None:
        world.refusals[operation] = DENIED  # and what is not denied is missing

    lines = problems(find(change))
    assert [line[2] for line in lines if line[0] == "warn"] == [f"not checked: AWS denied {ACTIONS[operation]}"]
    assert {line[0] for line in lines} == {"warn", "fail"}


def test_what_a_definition_reads_is_checked_too(find: Callable[..., list[Finding]]) -> None:
    # GIVEN a revision that reads what the files do not name
    def change(world: World) -> None:
        container = world.definition_of("examples-tick")["containerProperties"]
        value = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:old:password::"
        container["secrets"] = [{"name": "P", "valueFrom": value}]

    assert [line[1] for line in problems(find(change))] == ["secret old"]


# --- definitions


def test_the_parts_of_a_task_and_of_nodes_are_found() -> None:
    task = {
        "taskRoleArn": "r1",
        "executionRoleArn": "r2",
        "runtimePlatform": {"cpuArchitecture": "ARM64"},
        "containers": [
            {"image": "a", "secrets": [{"name": "n", "valueFrom": "s1"}]},
            {
                "image": "b",
                "logConfiguration": {"secretOptions": [{"name": "n", "valueFrom": "s2"}]},
                "repositoryCredentials": {"credentialsParameter": "s3"},
            },
        ],
    }
    nodes = {"nodeRangeProperties": [{"container": {"image": "c", "jobRoleArn": "r3"}}]}
    whole = Definition({"revision": 1, "ecsProperties": {"taskProperties": [task]}, "nodeProperties": nodes})
    assert whole.images == {"a", "b", "c"}
    assert whole.secrets == {"s1", "s2", "s3"}
    assert whole.role_arns == {"r1", "r2", "r3"}
    assert whole.architecture == "ARM64"
    assert Definition({"revision": 1, "containerProperties": {}}).architecture == ""


def test_where_not_all_definitions_were_read_none_is_called_missing(
    find: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an account with more pages of definitions than are read
    monkeypatch.setattr(job_definitions, "_ASKED_FOR", 0)
    monkeypatch.setattr(job_definitions, "_MOST_PAGES", 1)

    def change(world: World) -> None:
        page = {"jobDefinitions": [world.definition_of("examples-hello")], "nextToken": "2"}
        world.__dict__["describe_job_definitions"] = lambda _: page

    (line,) = problems(find(change))
    assert line[:3] == (
        "warn",
        "job definitions",
        "not checked: 10 jobs have no definition among the 1 that were read of more",
    )


# --- roles


def test_many_roles_are_listed_in_place_of_a_call_for_each(
    find: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchtab.aws.checkup.roles._ONE_BY_ONE", 5)
    worlds: list[World] = []

    def change(world: World) -> None:
        worlds.append(world)
        del world.roles[f"{PREFIX}-examples-hello-job"]

    assert [line[1] for line in problems(find(change))] == [f"role {PREFIX}-examples-hello-job"]
    assert (worlds[0].calls["GetRole"], worlds[0].calls["ListRoles"]) == (0, 1)
    (line,) = problems(find(lambda world: world.refusals.update(ListRoles=DENIED)))
    assert line[:3] == ("warn", "12 roles", "not checked: AWS denied iam:ListRoles")


# --- images


def test_images_of_other_registries_are_ok_and_said_not_to_be_checked(
    find: Callable[..., list[Finding]], spoil: Callable[..., None]
) -> None:
    old, new = "{repository: my-service, tag: latest}", "{repository: public.ecr.aws/docker/python, tag: '3'}"
    spoil("jobs/my-service/jobs.yaml", old, new)
    found = [(each.status.value, each.subject) for each in find() if each.check == "images"]
    assert ("ok", "1 image of other registries (not checked)") in found


def test_an_image_for_arm_fits_instances_of_graviton_alone(
    find: Callable[..., list[Finding]], spoil: Callable[..., None]
) -> None:
    spoil("config/example.yaml", "instance_types: [optimal] ", "instance_types: [m7g, c6gn.large] ")
    for processor, status in (("arm64", []), ("amd64", ["fail"])):
        index = {"manifests": [{"platform": {"architecture": processor}}]}
        assert [line[0] for line in problems(find(_put("images", "my-service", {"latest": index})))] == status


def test_of_mixed_instances_and_of_a_manifest_without_a_platform_nothing_is_said(
    find: Callable[..., list[Finding]], spoil: Callable[..., None]
) -> None:
    spoil("config/example.yaml", "instance_types: [optimal] ", "instance_types: [m7g, m6i] ")
    index = {"manifests": [{"platform": {"architecture": "amd64"}}]}
    assert problems(find(_put("images", "my-service", {"latest": index}))) == []


# --- network


def _endpoint(name: str, **more: Any) -> dict[str, Any]:
    kind = {"ServiceName": f"com.amazonaws.{REGION}.{name}", "VpcEndpointType": "Interface", "State": "available"}
    return {"VpcId": "vpc-1", **kind, **more}


def _endpoints(*without: str) -> list[dict[str, Any]]:
    names = {"ecr.api", "ecr.dkr", "logs", "ecs", "ecs-agent", "ecs-telemetry"} - set(without)
    gateway = _endpoint("s3", VpcEndpointType="Gateway", RouteTableIds=["rtb-1"])
    return [*map(_endpoint, sorted(names)), *([] if "s3" in without else [gateway])]


def test_a_subnet_without_a_way_out_needs_endpoints(find: Callable[..., list[Finding]]) -> None:
    def change(world: World) -> None:
        world.route_by()

    lines = problems(find(change))
    assert [line[1] for line in lines] == ["subnet subnet-0a1b2c3d4e5f60718", "subnet subnet-18f70615243f4e5d6"]
    assert lines[0][2] == (
        "has no default route, and no VPC endpoint for ecr.api, ecr.dkr, logs, s3, ecs, ecs-agent, ecs-telemetry"
    )
    assert lines[0][3] == (
        "aws ec2 create-route --route-table-id rtb-1 --destination-cidr-block 0.0.0.0/0 --nat-gateway-id NAT"
        f" --region {REGION}, or the endpoints"
    )

    def with_endpoints(*without: str) -> Change:
        return _all(World.route_by, lambda world: world.endpoints.extend(_endpoints(*without)))

    assert problems(find(with_endpoints())) == []
    assert "no VPC endpoint for logs, s3" in problems(find(with_endpoints("logs", "s3")))[0][2]


def test_an_endpoint_of_another_table_and_one_that_is_not_ready_do_not_count(
    find: Callable[..., list[Finding]],
) -> None:
    def change(world: World) -> None:
        world.route_by()
        world.endpoints += _endpoints("s3", "logs")
        world.endpoints.append(_endpoint("s3", VpcEndpointType="Gateway", RouteTableIds=["rtb-2"]))
        world.endpoints.append(_endpoint("logs", State="pending"))

    assert "no VPC endpoint for logs, s3" in problems(find(change))[0][2]


def test_a_route_to_what_is_gone_is_none(find: Callable[..., list[Finding]]) -> None:
    def change(world: World) -> None:
        world.table["Routes"][1]["State"] = "blackhole"

    assert "has no default route" in problems(find(change))[0][2]


def test_a_subnets_own_table_counts_before_the_main_one(find: Callable[..., list[Finding]]) -> None:
    def change(world: World) -> None:
        own = {"Associations": [{"SubnetId": "subnet-0a1b2c3d4e5f60718"}], "RouteTableId": "rtb-9", "VpcId": "vpc-1"}
        world.tables.append({**own, "Routes": []})

    (line,) = problems(find(change))
    assert line[1] == "subnet subnet-0a1b2c3d4e5f60718"
    assert "--route-table-id rtb-9" in line[3]


def test_instances_in_a_public_subnet_need_a_public_address(find: Callable[..., list[Finding]]) -> None:
    def change(world: World) -> None:
        world.route_by(GatewayId="igw-1")

    assert problems(find(change))[0] == (
        "fail",
        "subnet subnet-0a1b2c3d4e5f60718",
        "leads to igw-1, and instances in it get no public address",
        "aws ec2 modify-subnet-attribute --subnet-id subnet-0a1b2c3d4e5f60718 --map-public-ip-on-launch"
        f" --region {REGION}, or a NAT gateway",
    )

    def mapped(world: World) -> None:
        world.route_by(GatewayId="igw-1")
        for subnet in world.subnets.values():
            subnet["MapPublicIpOnLaunch"] = True

    assert problems(find(mapped)) == []


@pytest.fixture
def on_fargate(spoil: Callable[..., None]) -> None:
    spoil("config/example.yaml", "  capacity: EC2\n", "  capacity: FARGATE\n")
    spoil("config/example.yaml", "  instance_types: [optimal]       # or families (m6i) and types (m6i.large)\n", "")
    spoil("config/example.yaml", "  min_vcpus: 2\n", "")
    spoil("jobs/examples/jobs.yaml", "memory_mib: 512", "memory_mib: 2048")
    spoil("jobs/my-service/jobs.yaml", "memory_mib: 1024", "memory_mib: 2048")


@pytest.mark.usefixtures("on_fargate")
def test_tasks_in_a_public_subnet_need_a_public_address(
    find: Callable[..., list[Finding]], spoil: Callable[..., None]
) -> None:
    def change(world: World) -> None:
        world.route_by(GatewayId="igw-1")

    lines = problems(find(change))
    assert lines[0][2] == (
        "leads to igw-1, and tasks of examples-hello, examples-fail, examples-tick and 8 more get no public address"
    )
    assert lines[0][3] == f"assign_public_ip: true in jobs.yaml, then {DEPLOY}; or a NAT gateway"
    # BUT those that have one can reach it
    spoil("jobs/examples/jobs.yaml", "memory_mib: 2048", "memory_mib: 2048, assign_public_ip: true")
    assert "tasks of my-service-do-something, my-service-do-often get" in problems(find(change))[0][2]


@pytest.mark.usefixtures("on_fargate")
def test_of_fargate_the_account_must_have_the_vcpus_that_are_asked_for(find: Callable[..., list[Finding]]) -> None:
    assert problems(find()) == []
    (line,) = problems(find(_put("applied_quotas", "L-3032A538", 6.0)))
    assert line == (
        "warn",
        "FARGATE vCPUs",
        f"the account may run 6 in {REGION}, and max_vcpus asks for 16",
        "aws service-quotas request-service-quota-increase --service-code fargate --quota-code L-3032A538"
        f" --desired-value 16 --region {REGION}",
    )
    # AND a region without that quota is no fault
    assert problems(find(_remove("applied_quotas", "L-3032A538"))) == []


# --- quotas


def test_a_quota_that_is_nearly_used_up_is_a_warning(find: Callable[..., list[Finding]]) -> None:
    def rules(number: int) -> Change:
        return lambda world: world.rules.update({f"other-{n}": "ENABLED" for n in range(number - len(world.rules))})

    def queues(world: World) -> None:
        for number in range(38):
            world.queues[f"other-{number}"] = {**world.queues[f"{PREFIX}-default"], "jobQueueName": f"other-{number}"}

    assert problems(find(queues)) == [
        ("warn", "job queues", f"40 of 50 in {REGION} are there", "another account or region for a stage")
    ]
    assert problems(find(rules(239))) == []
    (line,) = problems(find(rules(240)))
    assert line[:3] == ("warn", "EventBridge rules", f"240 of 300 in {REGION} are there")
    assert "--service-code events --quota-code L-244521F2" in line[3]
    # BUT AWS may have raised it
    raised = find(_all(rules(240), _put("applied_quotas", "L-244521F2", 1000.0)))
    assert problems(raised) == []


# --- triggers


def test_a_suspended_job_has_a_disabled_trigger(find: Callable[..., list[Finding]], spoil: Callable[..., None]) -> None:
    spoil("jobs/examples/jobs.yaml", "schedule: rate(1 minute)", "schedule: rate(1 minute)\n    suspend: true")
    assert problems(find(_put("rules", f"{PREFIX}-examples-tick", "DISABLED"))) == []
    (line,) = problems(find())
    assert line[2] == f"says suspend: true, and its rule {PREFIX}-examples-tick is ENABLED"


def test_rules_of_another_stage_whose_name_begins_alike_are_not_without_jobs(
    find: Callable[..., list[Finding]],
) -> None:
    change = _put("rules", f"{PREFIX}-eu-examples-tick", "ENABLED")
    assert [line[0] for line in problems(find(change))] == ["warn"]
    assert problems(find(change, others=(f"{PREFIX}-eu",))) == []


def test_of_many_triggers_without_jobs_the_first_are_named(find: Callable[..., list[Finding]]) -> None:
    lines = problems(find(lambda world: world.rules.update({f"{PREFIX}-x-{n:02}": "ENABLED" for n in range(14)})))
    assert len(lines) == 11
    assert lines[-1][1:3] == ("4 more", f"belong to no job of the files, such as rule {PREFIX}-x-10")


def test_a_job_that_a_failure_has_paused_is_named(
    find: Callable[..., list[Finding]], spoil: Callable[..., None]
) -> None:
    # GIVEN a job that a failure pauses THEN it is asked for, and named if one has
    spoil("jobs/examples/jobs.yaml", "usual_duration_seconds: 60", "pause_on_failure: true")
    assert ("pauses", "no job is paused by a failure") in [(each.check, each.subject) for each in find()]
    paused = {"paused": {"since": "2026-11-28T09:00:00Z", "reason": "exit code 1"}}
    change = _put("states", "examples-report", paused)
    assert problems(find(change)) == [
        (
            "warn",
            "job examples-report",
            "is paused since 2026-11-28T09:00:00Z: exit code 1",
            "batchtab resume examples-report --stage example",
        )
    ]


# --- the calls


def test_the_number_of_calls_is_what_the_command_states(find: Callable[..., list[Finding]]) -> None:
    worlds: list[World] = []
    find(worlds.append)
    calls = worlds[0].calls
    assert calls.pop("DescribeJobDefinitions") == 11  # one for each job
    assert calls.pop("GetRole") == 12
    assert calls.pop("BatchGetImage") == 2
    assert calls.pop("GetJobQueueSnapshot") == 2
    assert (calls.pop("GetQueueUrl"), calls.pop("GetQueueAttributes")) == (2, 2)
    assert set(calls.values()) == {1}
    assert {*calls} <= {*ACTIONS}


def test_an_account_with_more_than_is_read_is_a_warning(
    find: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "batchtab.aws.checkup.survey._PAGES", {"queues": 1, "environments": 1, "rules": 2, "schedules": 1}
    )
    worlds: list[World] = []

    def change(world: World) -> None:
        worlds.append(world)
        world.__dict__["list_rules"] = lambda _: {"Rules": [], "NextToken": "more"}

    assert "not checked: there are more than 200 rules" in [line[2] for line in problems(find(change))]
    assert worlds[0].calls["ListRules"] == 2


def test_the_permissions_are_those_of_the_page() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "operate-doctor.md").read_text(encoding="utf-8")
    assert {*ACTIONS.values()} <= {*re.findall(r"`([a-z0-9]+:[A-Za-z]+)`", page)}
