from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.projects import PROJECT

from batchtab.declarations.stage import StageConfig, StageFile, read_stage

SMALLEST = """\
region: eu-west-1
account_id: "123456789012"
state: {bucket: my-state}
network: {create: true}
"""

SECRET = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:slack-AbCdEf"
KEY = "arn:aws:kms:ap-northeast-2:123456789012:key/k"


def found(path: Path) -> StageConfig:
    stage, _, problems, _ = read_stage(path)
    assert stage is not None
    assert not problems
    return stage


def written(tmp_path: Path, text: str, name: str = "prod") -> Path:
    path = tmp_path / f"{name}.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def load(tmp_path: Path, text: str, name: str = "prod") -> StageConfig:
    return found(written(tmp_path, text, name))


def priorities(stage: StageConfig) -> dict[str, int]:
    return {name: queue.priority for name, queue in stage.environment.queues.items()}


def lines(tmp_path: Path, text: str, name: str = "prod") -> list[str]:
    _, _, problems, _ = read_stage(written(tmp_path, text, name))
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in problems]


def test_the_local_stage_is_the_original_environment_on_local_aws() -> None:
    stage = found(PROJECT / "config" / "local.yaml")

    assert (stage.name, stage.prefix, stage.is_local) == ("local", "batchtab-local", True)
    assert (stage.region, stage.timezone) == ("ap-northeast-2", "Asia/Seoul")
    assert (stage.environment.capacity, stage.environment.min_vcpus, stage.environment.max_vcpus) == ("EC2", 2, 16)
    assert priorities(stage) == {"default": 5, "continuously": 3}
    assert (stage.alerts.function_name, stage.alerts.channel) == ("SendToSlack", "#cron-error")
    assert stage.alerts.stand_in
    assert (stage.alerts.quiet, stage.alerts.repeat_seconds) == (True, 0)
    assert stage.local_aws.port == 4588


def test_the_example_is_a_real_account_with_a_network_that_exists() -> None:
    stage = found(PROJECT / "config" / "example.yaml")

    assert not stage.is_local
    assert len(stage.network.subnet_ids) == 2
    assert not stage.network.create


def test_what_a_stage_leaves_out_has_a_default(tmp_path: Path) -> None:
    stage = load(tmp_path, SMALLEST)

    assert (stage.namespace, stage.timezone, stage.log_retention_days) == ("batchtab", "UTC", 30)
    assert stage.runs.history_days == 90
    assert priorities(stage) == {"default": 5, "continuously": 3}
    assert stage.environment.runnable_timeout_seconds == 3600
    assert stage.jobs is None


def test_null_turns_the_limit_for_runnable_jobs_off(tmp_path: Path) -> None:
    assert (
        load(tmp_path, SMALLEST + "environment: {runnable_timeout_seconds: null}").environment.runnable_timeout_seconds
        is None
    )


def test_runs_are_remembered_for_as_long_as_the_stage_says(tmp_path: Path) -> None:
    assert load(tmp_path, SMALLEST + "runs: {history_days: 7}").runs.history_days == 7
    # (a delivery may be a day late, and must then still find the run's record)
    assert lines(tmp_path, SMALLEST + "runs: {history_days: 1}") == [
        "prod.yaml:5: runs.history_days: 1 is too short: 2 to 3650 (days)"
    ]


def test_a_tag_and_an_account_are_texts_even_without_quotes(tmp_path: Path) -> None:
    text = (
        SMALLEST.replace('"123456789012"', "012345670123")
        + "runner_image: {repository: r, tag: 1.10}\ntags: {n: 010}\n"
    )
    stage = load(tmp_path, text)

    assert (stage.account_id, str(stage.runner_image), stage.tags) == ("012345670123", "r:1.10", {"n": "010"})


@pytest.mark.parametrize(
    ("region", "reference", "arn"),
    [
        ("eu-west-1", "/team/token", "arn:aws:ssm:eu-west-1:123456789012:parameter/team/token"),
        ("cn-north-1", "/team/token", "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/team/token"),
        ("us-gov-west-1", "/x", "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/x"),
        ("eu-west-1", "arn:aws:secretsmanager:us-east-1:1:secret:x", "arn:aws:secretsmanager:us-east-1:1:secret:x"),
    ],
)
def test_a_parameters_name_becomes_the_arn_of_this_stage(tmp_path: Path, region: str, reference: str, arn: str) -> None:
    assert load(tmp_path, SMALLEST.replace("eu-west-1", region)).secret_arn(reference) == arn


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("regoin: x", "prod.yaml:5: regoin: is an unknown key [hint: did you mean 'region'?]"),
        ("namespace: My_team", "prod.yaml:5: namespace: 'My_team' is not allowed: lower-case letters"),
        ("timezone: Asia/Seuol", "is not a time zone, such as Asia/Seoul [hint: did you mean 'Asia/Seoul'?]"),
        ("timezone: ../../etc/passwd", "is not a time zone"),
        ("timezone: ''", "is not a time zone"),
        ("log_retention_days: 31", "log_retention_days: 31 is not allowed: 1, 3, 5, 7, 14, 30, 60"),
        ("log_retention_days: '30'", "log_retention_days: '30' is not a whole number [hint: write it without quotes]"),
        ("environment: {capacity: FARGET}", "capacity: 'FARGET' is not allowed: EC2, SPOT, FARGATE or FARGATE_SPOT"),
        ("environment: {capacity: FARGATE, min_vcpus: 0}", "environment.min_vcpus: is only for EC2 and SPOT"),
        ("environment: {min_vcpus: 20}", "environment.min_vcpus: 20 is more than max_vcpus, 16"),
        ("environment: {queues: {}}", "environment.queues: {} is empty: at least one"),
        ("environment: {queues: {a: 1001}}", "environment.queues.a: 1001 is too large: 0 to 1000"),
        ("environment: {queues: {a b: 1}}", "environment.queues.a b: is not allowed as a name"),
        ("environment: {queue: {a: 1}}", "environment.queue: is an unknown key [hint: did you mean 'queues'?]"),
        ("environment: {runnable_timeout_seconds: 599}", "599 is too short: 600 to 86400 (seconds)"),
        ("alerts: {channel: #cron-error\n  }", "alerts.channel: has no value [hint: a '#' begins a comment in YAML"),
        ("alerts: {stand_in: true}", "alerts.stand_in: true is only for a local stage"),
        ("alerts: {channel: 'my channel'}", "alerts.channel: 'my channel' is not allowed: a channel's name"),
        ("alerts: {quiet: yes please}", "alerts.quiet: 'yes please' is not true or false"),
        ("alerts: {quiet: true, repeat_seconds: -1}", "alerts.repeat_seconds: -1 is too short: 0 to 604800"),
        ("alerts: {repeat_seconds: 60}", "prod.yaml:5: alerts.repeat_seconds: has no effect without quiet [hint:"),
        (f"alerts: {{webhook_kms_key_arn: '{KEY}'}}", "webhook_kms_key_arn: is the key of webhook_secret_arn, which"),
        (f"alerts: {{webhook_secret_arn: '{SECRET}', webhook_kms_key_arn: k}}", "'k' is not allowed: the ARN of a KMS"),
        (f"alerts: {{webhook_secret_arn: '{SECRET}', function_name: F}}", "function_name: cannot be used together"),
        ("local: {port: 4566}", 'local: is only for a local stage [hint: a local stage has account_id: "0000'),
        ("repositories: [A]", "repositories[0]: 'A' is not allowed: lower-case letters and digits"),
        ("runner_image: {repository: r}", "runner_image: has neither tag nor digest"),
        ("tags: {aws:x: y}", "tags.aws:x: is reserved"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_file_line_field_and_what_is_allowed(tmp_path: Path, more: str, expected: str) -> None:
    (line,) = lines(tmp_path, SMALLEST + more)

    assert expected in line


def test_a_webhook_that_stands_where_its_secret_belongs_is_not_shown(tmp_path: Path) -> None:
    # GIVEN somebody who wrote the address itself
    (line,) = lines(tmp_path, SMALLEST + "alerts: {webhook_secret_arn: 'https://hooks.slack.example/T0/B0/xyz'}")

    # THEN the line, which CI's log may keep, doesn't repeat it
    assert "alerts.webhook_secret_arn: is not allowed: the ARN of an SSM parameter or a Secrets Manager secret" in line
    assert "hooks" not in line


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("{}", "network.subnet_ids: is missing [hint: give subnet_ids and security_group_ids, or create: true]"),
        ("{subnet_ids: [subnet-0123456789]}", "network.security_group_ids: is missing"),
        ("{create: true, subnet_ids: [subnet-0123456789]}", "network.subnet_ids: is given beside create: true"),
        ("{create: true, cidr: 10.20.0.1/16}", "network.cidr: '10.20.0.1/16' is not a range of addresses"),
        (
            "{create: true, cidr: 10.0.0.0/8}",
            "network.cidr: '10.0.0.0/8' has a prefix that is too small: 16 to 24 (bits)",
        ),
        ("{subnet_ids: [vpc-1], security_group_ids: [sg-01234567]}", "network.subnet_ids[0]: 'vpc-1' is not allowed"),
        ("{cidr: 10.20.0.0/16}", "network.cidr: '10.20.0.0/16' is only for a network that is made"),
    ],
)
def test_a_network_is_made_or_given_and_never_both(tmp_path: Path, network: str, expected: str) -> None:
    (line,) = lines(tmp_path, SMALLEST.replace("{create: true}", network))

    assert expected in line


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    found = lines(tmp_path, "namespace: a\n")

    assert [line.split(": ")[1] for line in found] == ["region", "account_id", "state", "network"]


def test_a_stages_name_is_its_files(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, SMALLEST, "My_Stage")

    assert "names a stage 'My_Stage', which is not allowed: lower-case letters" in line


def test_a_stage_can_not_give_itself_another_name(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, SMALLEST + "name: other\n")

    assert "name: is an unknown key" in line


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 10**20), st.floats(), st.text(max_size=10)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.dictionaries(st.sampled_from([*StageFile.model_fields, "name", "bad"]), ANYTHING, min_size=1, max_size=6)
)
def test_any_file_is_a_stage_or_lines(tmp_path: Path, data: dict[str, Any]) -> None:
    complete = {**yaml.safe_load(SMALLEST), **data}
    # any exception fails the test
    stage, _, problems, _ = read_stage(written(tmp_path, yaml.safe_dump(complete)))

    assert all(len(str(problem).splitlines()) == 1 for problem in problems)
    assert problems or stage


def test_a_stage_is_not_called_as_the_states_of_the_workflows_roles_are(tmp_path: Path) -> None:
    assert lines(tmp_path, SMALLEST, "ci") == [
        "ci.yaml: names a stage 'ci', and the states of the roles for workflows are below ci/ [hint: rename the file]"
    ]


def test_the_tags_that_say_whose_it_is_are_not_given_in_a_file(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, SMALLEST + "tags: {batchtab:namespace: other}\n")
    assert "tags.batchtab:namespace: is reserved" in line


def test_a_stage_names_its_boundary_and_the_keys_of_its_secrets(tmp_path: Path) -> None:
    own = "arn:aws:iam::123456789012:policy/batchtab-prod-ci-boundary"
    stage = load(tmp_path, SMALLEST + f"permissions_boundary_arn: {own}\nsecrets_kms_key_arns: [{KEY}]\n")
    assert stage.permissions_boundary_arn == stage.own_boundary_arn == own
    assert stage.secrets_kms_key_arns == (KEY,)


@pytest.mark.parametrize("given", ["permissions_boundary_arn: boundary", "secrets_kms_key_arns: [alias/x]"])
def test_what_is_no_arn_is_refused(tmp_path: Path, given: str) -> None:
    (line,) = lines(tmp_path, SMALLEST + given + "\n")
    assert f"{given.partition(':')[0]}" in line
    assert "is not allowed" in line
