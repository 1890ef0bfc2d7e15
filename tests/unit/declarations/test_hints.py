"""What is said of another system's words, and of values in another system's form."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from batchtab import frameworks, limits
from batchtab.declarations import command_line, hints
from batchtab.declarations.job import JobSpec
from batchtab.declarations.other_words import COMING, ELSEWHERE, JOB, NO_FIELD
from batchtab.declarations.service import read_services
from batchtab.declarations.stage import read_stage
from batchtab.errors import folded

NO_HINT = "`batchtab schema jobs` has all of them"


def hints_of(tmp_path: Path, text: str) -> dict[str, str]:
    """The hints of a jobs.yaml, by job and field."""
    path = tmp_path / "jobs" / "s" / "jobs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    _, problems = read_services(tmp_path / "jobs")
    return {f"{problem.where} {problem.field}".strip(): problem.hint for problem in problems}


def hint_of(tmp_path: Path, field: str) -> str:
    """The hint of a job's only fault."""
    (hint,) = hints_of(tmp_path, f"service: s\njobs:\n  j:\n    command: [x]\n    {field}\n").values()
    return hint


KUBERNETES = [
    ("activeDeadlineSeconds: 600", "write timeout_seconds: 600"),
    ("backoffLimit: 2", "write attempts: 3"),
    ("startingDeadlineSeconds: 300", "write starting_deadline_seconds: 300"),
    ("concurrencyPolicy: Forbid", "write concurrency_policy: forbid"),
    ("timeZone: Asia/Seoul", "write timezone: Asia/Seoul"),
    ("restartPolicy: Never", "write attempts: 1"),
    ("restartPolicy: OnFailure", "attempts is how often it starts in all"),
    ("completions: 5", "write array_size: 5"),
    ("parallelism: 1", "it is array_size here: 2 to 10000 (children)"),
    ("resources: {limits: {cpu: 500m, memory: 1Gi}}", "write vcpus: 0.5, memory_mib: 1024"),
    ("resources: {requests: {cpu: 2, nvidia.com/gpu: 1}}", "write vcpus: 2, gpus: 1"),
    ("env: [{name: A, value: b}]", "write environment: {NAME: value}"),
    ("serviceAccountName: reader", "did you mean 'permissions'?"),
    ("imagePullSecrets: [{name: x}]", "did you mean 'registry_credentials'?"),
    ("volumeMounts: []", "did you mean 'mounts'?"),
    ("terminationGracePeriodSeconds: 60", "write grace_seconds: 60"),
    ("nodeSelector: {a: b}", "queue names one of the stage's queues"),
    ("labels: {a: b}", "did you mean 'tags'?"),
]
COMPOSE = [
    ("depends_on: [a, b]", "write after: [a, b]"),
    ("depends_on: {a: {condition: service_completed_successfully}}", "write after: [a]"),
    ("mem_limit: 512m", "write memory_mib: 512"),
    ("cpus: '0.5'", "write vcpus: 0.5"),
    ("shm_size: 64mb", "write shared_memory_mib: 64"),
    ("init: true", "write init_process: true"),
    ("read_only: true", "write read_only_root_filesystem: true"),
    ("entrypoint: python main.py", "write command: [python, main.py]"),
    ("restart: on-failure:3", "write attempts: 4"),
    ("stop_grace_period: 1m30s", "write grace_seconds: 90"),
    ("platform: linux/arm64", "write architecture: arm64"),
    ("logging: {driver: json-file}", "did you mean 'log'?"),
    ("ports: ['80:80']", "leave it out: nothing connects to a job"),
    ("container_name: x", "a job's name is its key below jobs"),
    ("env_file: .env", "write environment: {NAME: value}, and what is secret below secrets"),
]
GITLAB_AND_GITHUB = [
    ("script: [pip install x, python main.py > out]", "write command: [sh, -c, pip install x && python main.py > out]"),
    ("variables: {A: b}", "did you mean 'environment'?"),
    ("needs: [{job: a}, b]", "write after: [a, b]"),
    ("retry: {max: 2}", "write attempts: 3"),
    ("retry: 2", "write attempts: 3"),
    ("timeout: 30m", "write timeout_seconds: 1800"),
    ("timeout: 1h 30m", "write timeout_seconds: 5400"),
    ("timeout-minutes: 10", "write timeout_seconds: 600"),
    ("resource_group: x", "write concurrency_policy: queue"),
    ("concurrency: {group: x, cancel-in-progress: true}", "write concurrency_policy: replace"),
    ("runs-on: ubuntu-latest", "queue names one of the stage's queues"),
    ("'on': {schedule: [{cron: '0 9 * * *'}]}", "write schedule: 0 9 * * *"),
    ("services: [postgres]", "did you mean 'containers'?"),
]
AWS_AND_TERRAFORM = [
    ("cpu: 256", "write vcpus: 0.25"),
    ("memory: 512", "write memory_mib: 512"),
    ("memory: 2GB", "write memory_mib: 2048"),
    ("memory: 536870912", "write memory_mib: 512"),
    ("memory_gb: 2", "write memory_mib: 2048"),
    ("taskRoleArn: arn:aws:iam::123456789012:role/x", "did you mean 'job_role_arn'?"),
    ("executionRoleArn: arn:aws:iam::123456789012:role/x", "did you mean 'execution_role_arn'?"),
    ("retryStrategy: {attempts: 3}", "write attempts: 3"),
    ("timeout: {attemptDurationSeconds: 120}", "write timeout_seconds: 120"),
    ("arrayProperties: {size: 5}", "write array_size: 5"),
    ("resourceRequirements: [{type: VCPU, value: '1'}, {type: MEMORY, value: '2048'}, {type: GPU, value: '1'}]",
     "write vcpus: 1, memory_mib: 2048, gpus: 1"),
    ("assignPublicIp: ENABLED", "write assign_public_ip: true"),
    ("scheduleExpression: rate(5 minutes)", "write schedule: rate(5 minutes)"),
    ("schedule_expression_timezone: KST", "write timezone: Asia/Seoul"),
    ("state: DISABLED", "write suspend: true"),
    ("is_enabled: true", "leave it out"),
    ("enable_execute_command: true", "write exec: true"),
    ("mountPoints: []", "did you mean 'mounts'?"),
    ("runtime_platform: {cpu_architecture: ARM64}", "write architecture: arm64"),
    ("instance_type: m5.large", "the stage's file has the instance types: environment: {instance_types: […]}"),
    ("container_properties: {}", "did you mean 'container'?"),
]  # fmt: skip
AIRFLOW_AND_OTHERS = [
    ("bash_command: echo hi", "write command: [echo, hi]"),
    ("schedule_interval: '@daily'", "write schedule: '@daily'"),
    ("cron: 0 0 * * *", "write schedule: 0 0 * * *"),
    ("cron: 0 0 * * * * *", "did you mean 'schedule'?"),
    ("every: 5m", "write schedule: rate(5 minutes)"),
    ("every: 1 day", "write schedule: rate(1 day)"),
    ("at: 2026-12-01T09:00:00", "write schedule: at(2026-12-01T09:00:00)"),
    ("retries: 3", "write attempts: 4"),
    ("execution_timeout: PT2H", "write timeout_seconds: 7200"),
    ("depends_on_past: true", "write pause_on_failure: true"),
    ("trigger_rule: all_done", "write after_status: any"),
    ("max_active_runs: 1", "write concurrency_policy: forbid"),
    ("skip_if_running: true", "write concurrency_policy: forbid"),
    ("catchup: false", "leave it out: times that were missed are not run; `batchtab backfill` runs them"),
    ("priority_weight: 5", "write priority: 5"),
    ("email: a@example.com", "did you mean 'alerts'?"),
    ("notify: '#x'", "write alerts: {channel: '#x'}"),
    ("notify: https://hooks.example.com/T0/B0/x", "did you mean 'alerts'?"),
    ("enabled: false", "write suspend: true"),
    ("task_id: x", "a job's name is its key below jobs"),
    ("params: {A: b}", "did you mean 'parameters'?"),
]


@pytest.mark.parametrize(
    ("field", "hint"), [*KUBERNETES, *COMPOSE, *GITLAB_AND_GITHUB, *AWS_AND_TERRAFORM, *AIRFLOW_AND_OTHERS]
)
def test_another_systems_word_leads_to_what_is_written_here(tmp_path: Path, field: str, hint: str) -> None:
    assert hint_of(tmp_path, field) == hint


def written_out() -> list[str]:
    """The hints that say what to write, of fields that are known by now."""
    every = (*KUBERNETES, *COMPOSE, *GITLAB_AND_GITHUB, *AWS_AND_TERRAFORM, *AIRFLOW_AND_OTHERS)
    found = {hint.removeprefix("write ") for _, hint in every if hint.startswith("write ") and "NAME" not in hint}
    return sorted(text for text in found if {*yaml.safe_load(f"{{{text}}}")} <= {*JobSpec.model_fields})


@pytest.mark.parametrize("text", written_out())
def test_what_is_to_be_written_is_taken(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a provider that sends all of it, and a job that somebody changed as the hint says
    monkeypatch.setattr(frameworks, "without_stop_timeout", lambda: "")
    job = {"command": ["x"], "schedule": "@daily", "read_only_root_filesystem": False, **yaml.safe_load(f"{{{text}}}")}
    if "after_status" in job:
        job["after"] = "k"
    # WHEN it is read THEN nothing is wrong with it
    assert hints_of(tmp_path, yaml.safe_dump({"service": "s", "jobs": {"j": job, "k": {"command": ["x"]}}})) == {}


@pytest.mark.parametrize("field", [*sorted({*COMING} - {*JobSpec.model_fields}), "frobnicate", "tty", "x"])
def test_a_word_that_is_nobodys_gets_no_wrong_hint(tmp_path: Path, field: str) -> None:
    assert hint_of(tmp_path, f"{field}: 1") == NO_HINT


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("memory_mib: 2 GiB", "write memory_mib: 2048"),
        ("memory_mib: '1.5GiB'", "write memory_mib: 1536"),
        ("memory_mib: 1024.0", "write memory_mib: 1024"),
        ("memory_mib: 1KB", "it is memory_mib here: 4 to 2147483647 (MiB)"),
        ("memory_mib: much", ""),
        ("timeout_seconds: 30m", "write timeout_seconds: 1800"),
        ("timeout_seconds: '90s'", "write timeout_seconds: 90"),
        ("timeout_seconds: PT5M", "write timeout_seconds: 300"),
        ("timeout_seconds: 10s", "it is timeout_seconds here: 60 to 2147483647 (seconds)"),
        ("timeout_seconds: '60'", "write it without quotes"),
        ("vcpus: 500m", "write vcpus: 0.5"),
        ("attempts: three", ""),
        ("suspend: 'true'", "write it without quotes"),
        ("suspend: 'yes'", "write suspend: true"),
        ("image: repo:1.10", "write image: {repository: repo, tag: '1.10'}"),
        ("image: repo:v1", "write image: {repository: repo, tag: v1}"),
        ("image: localhost:5000/a/b", "write image: {repository: 'localhost:5000/a/b', tag: latest}"),
        ("image: ghcr.io/a/b@sha256:01", "write image: {repository: ghcr.io/a/b, digest: 'sha256:01'}"),
        ("image: ${IMAGE}", ""),
        ("alerts: '#x'", "write alerts: {channel: '#x'}"),
        ("permissions: {actions: ['s3:GetObject'], resources: ['*']}",
         "write permissions: [{actions: ['s3:GetObject'], resources: ['*']}]"),
        ("environment: [A=1]", "write environment: {NAME: …} or one 'NAME: …' line each"),
        ("permissions: s3:GetObject", "write permissions: [{actions: …}]"),
        ("description: 5", "put it in quotes"),
        ("concurrency_policy: Forbid", "write forbid"),
        ("concurrency_policy: skip", "write forbid"),
        ("after_status: success", "write succeeded"),
        ("concurrency_policy: forbit", "did you mean 'forbid'?"),
    ],
)  # fmt: skip
def test_a_value_in_another_form_is_written_out(tmp_path: Path, field: str, hint: str) -> None:
    assert hint_of(tmp_path, field) == hint


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("sh -c 'echo hi'", "[sh, -c, echo hi]"),
        ("python -m app --name 'a b'", "[python, -m, app, --name, a b]"),
        ("cd /app && python x.py", "[sh, -c, cd /app && python x.py]"),
        ("echo $HOME", "[sh, -c, echo $HOME]"),
        ("echo it's", "[sh, -c, echo it's]"),
    ],
)
def test_a_command_line_is_written_as_a_shell_splits_it(tmp_path: Path, line: str, written: str) -> None:
    found = hints_of(tmp_path, f'service: s\njobs: {{j: {{command: "{line}"}}}}\n')
    assert found == {"job j command": f"write {written}: no shell splits it"}


def test_fields_at_the_wrong_level_are_shown_their_place(tmp_path: Path) -> None:
    # GIVEN a job's fields beside the jobs, the parts of an image and of alerts beside it, and a command for all
    text = """
        service: s
        timeout_seconds: 60
        cron: 0 0 * * *
        defaults: {command: [x]}
        jobs: {j: {command: [x], tag: v1, channel: "#x"}}
        """
    # WHEN they are read THEN each hint names where they belong
    assert hints_of(tmp_path, text) == {
        "timeout_seconds": "write it below defaults or below a name in jobs",
        "cron": "write schedule: 0 0 * * *, below a name in jobs",
        "defaults command": "each job has its own",
        "job j tag": "write it below image",
        "job j channel": "write it below alerts",
    }


def test_the_words_of_a_stage_lead_to_its_fields(tmp_path: Path) -> None:
    # GIVEN a stage's file in the words of Terraform and of compute environments
    path = tmp_path / "config" / "prod.yaml"
    path.parent.mkdir()
    path.write_text(
        "aws_region: eu-west-1\naws_account_id: '123456789012'\nqueues: {a: 1}\nslack: '#x'\n"
        "retention_in_days: 2 weeks\nenvironment: {type: fargate, max_vcpu: 4}\n"
        "network: {subnets: [a], security_groups: [b]}\n",
        encoding="utf-8",
    )
    # WHEN it is read
    _, _, problems, _ = read_stage(path)
    hints = {problem.field: problem.hint for problem in problems if "unknown" in problem.message}
    # THEN each leads to a field, at its place
    assert hints == {
        "aws_region": "write region: eu-west-1",
        "aws_account_id": "did you mean 'account_id'?",
        "queues": "write it below environment",
        "slack": "did you mean 'alerts'?",
        "retention_in_days": "write log_retention_days: 14",
        "environment.type": "write capacity: FARGATE",
        "environment.max_vcpu": "did you mean 'max_vcpus'?",
        "network.subnets": "did you mean 'subnet_ids'?",
        "network.security_groups": "did you mean 'security_group_ids'?",
    }


def test_a_secret_in_another_systems_place_is_not_repeated(tmp_path: Path) -> None:
    text = "service: s\njobs: {j: {command: [x], env: {PASSWORD: hunter2}, password: hunter2, webhook: hunter2}}\n"
    assert "hunter2" not in str(hints_of(tmp_path, text))


ANYTHING = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300),
        st.from_regex(r"[0-9.]{0,5} ?(m|h|s|GB|Mi|d|min|PT5M)?", fullmatch=True),
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["cron", "limits", "memory", "cpu", "max", "attempts", "type", "job"]), inner),
    max_leaves=8,
)  # fmt: skip
WORDS = sorted({word for each in (*JOB, *ELSEWHERE) for word in each.words} | {*NO_FIELD, "memory_gb", "timeout_hours"})
KINDS = ("int_type", "float_type", "bool_type", "tuple_type", "dict_type", "model_type", "string_type")


@settings(max_examples=examples(500))
@given(word=st.sampled_from(WORDS), value=ANYTHING)
def test_whatever_the_value_there_is_a_short_hint(word: str, value: object) -> None:
    hint = hints.of_key(
        word, value, [name.rstrip("_") for name in (*JobSpec.model_fields, *COMING)], {"channel": "below alerts"}
    )
    assert len(hint) < 250
    assert hint or word not in {each for of_a_job in JOB for each in of_a_job.words}


@settings(max_examples=examples(300))
@given(kind=st.sampled_from(KINDS), field=st.sampled_from(["memory_mib", "timeout_seconds", "image"]), value=ANYTHING)
def test_whatever_is_of_the_wrong_kind_is_read(kind: str, field: str, value: object) -> None:
    wanted = ["repository", "tag"] if field == "image" else []
    assert len(hints.of_value(kind, field, value, wanted)) < 250


def test_the_word_of_a_processor_and_a_drivers_name_alone_are_written_out() -> None:
    assert [hints.of_choice(word, ["x86_64", "arm64"]) for word in ("amd64", "aarch64", "ARM64", "x86-64")] == [
        "write x86_64", "write arm64", "write arm64", "write x86_64",
    ]  # fmt: skip
    assert hints.of_value("model_type", "log", "awslogs", ["driver", "mode"]) == "write log: {driver: awslogs}"


def test_a_number_whose_name_has_no_unit_may_have_that_of_another() -> None:
    assert hints.of_value("int_type", "/run", "64m", [], "size_mib") == "write /run: 64"


@given(line=st.text(min_size=1, max_size=300))
def test_any_command_line_is_a_list_in_yaml(line: str) -> None:
    written = command_line.command(line)
    assert isinstance(yaml.safe_load(written), list)
    assert len(written) <= 310


def test_every_word_is_written_as_it_is_looked_up_and_is_in_one_place() -> None:
    words = [word for each in JOB for word in each.words]
    assert len(words) == len({*words})
    assert not {*words} & {*NO_FIELD}
    assert all(word == folded(word) for word in [*words, *NO_FIELD, *(w for each in ELSEWHERE for w in each.words)])
    assert not {*words} & {*JobSpec.model_fields}
    assert {each.field for each in JOB} <= {*JobSpec.model_fields, *COMING, "except"}
    assert limits.TIMEOUT_SECONDS.minimum == 60
