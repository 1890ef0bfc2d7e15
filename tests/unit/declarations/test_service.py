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

from batchtab.declarations.job import JobSpec
from batchtab.declarations.service import ServiceSpec, load_services
from batchtab.errors import UsageError


def load(tmp_path: Path, text: str, folder: str = "a") -> list[ServiceSpec]:
    path = tmp_path / "jobs" / folder / "jobs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load_services(tmp_path / "jobs")


def lines(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(UsageError) as error:
        load(tmp_path, text)
    return [str(problem).split("jobs/a/", 1)[1] for problem in error.value.problems]


def fault(tmp_path: Path, field: str, command: str = "[x]") -> list[str]:
    """The faults of a job with one more field, without their place."""
    found = lines(tmp_path, f"service: s\njobs:\n  j:\n    command: {command}\n    {field}\n")
    assert all(line.startswith(("jobs.yaml:4: job j: ", "jobs.yaml:5: job j: ")) for line in found)
    return [line.split(": job j: ", 1)[1] for line in found]


def test_the_two_jobs_of_the_original_system_are_read_as_declared() -> None:
    services = {service.service: service for service in load_services(PROJECT / "jobs")}
    job = services["my-service"].jobs["do-often"]

    assert list(services["my-service"].jobs) == ["do-something", "do-often"]
    assert job.command == ("node", "app/jobs/do-often")
    assert (job.vcpus, job.memory_mib, job.timeout_seconds, job.attempts) == (1, 1024, 60, 1)
    assert (job.queue, job.schedule) == ("continuously", "cron(7/10 * * * ? *)")
    assert str(job.image) == "my-service:latest"


def test_a_job_takes_what_it_does_not_say_from_defaults_and_then_from_the_limits(tmp_path: Path) -> None:
    # GIVEN a service with defaults, of which one job says something else
    text = """
        service: s
        defaults: {memory_mib: 512, environment: {A: 1, B: 1}, tags: {team: x}, attempts: 3}
        jobs:
          one: {command: [x]}
          two: {command: [x], memory_mib: 4096, environment: {B: 2, C: 2}}
        """

    # WHEN it is loaded
    one, two = load(tmp_path, text)[0].jobs.values()

    # THEN single values are replaced and maps are merged by their keys
    assert (one.memory_mib, one.attempts, one.timeout_seconds) == (512, 3, 3600)
    assert (two.memory_mib, two.attempts) == (4096, 3)
    assert one.environment == {"A": "1", "B": "1"}
    assert two.environment == {"A": "1", "B": "2", "C": "2"}
    assert two.tags == {"team": "x"}


def test_a_jobs_image_beats_that_of_defaults_and_that_of_the_service(tmp_path: Path) -> None:
    text = """
        service: s
        image: {repository: a, tag: 1.10}
        jobs:
          own: {command: [x], image: {repository: public.ecr.aws/docker/python, tag: "3"}}
          of-service: {command: [x]}
        """
    jobs = load(tmp_path, text)[0].jobs

    assert str(jobs["own"].image) == "public.ecr.aws/docker/python:3"
    assert not jobs["own"].image.in_ecr
    assert str(jobs["of-service"].image) == "a:1.10", "a tag is a text: 1.10 is not 1.1"
    assert jobs["of-service"].image.in_ecr


def test_no_image_means_the_shared_runner_image(tmp_path: Path) -> None:
    assert load(tmp_path, "service: s\njobs: {j: {command: [x]}}")[0].jobs["j"].image is None


def test_services_are_sorted_by_name_and_jobs_stay_in_the_order_of_the_file(tmp_path: Path) -> None:
    load(tmp_path, "service: b\njobs: {z: {command: [x]}, a: {command: [x]}}", "1")
    services = load(tmp_path, "service: a\njobs: {j: {command: [x]}}", "2")

    assert [service.service for service in services] == ["a", "b"]
    assert list(services[1].jobs) == ["z", "a"]


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    # GIVEN two files, both with faults, one of them in the defaults
    other = tmp_path / "jobs" / "b" / "jobs.yaml"
    other.parent.mkdir(parents=True)
    other.write_text("service: a\njobs: {j: {}}", encoding="utf-8")
    text = """\
        service: a
        defaults: {vcpu: 1, attempts: 0}
        jobs:
          one: {command: [x], timeout_seconds: 59}
          two: {command: [x], schedule: cron(0 0 * * *), attempts: 2}
        """

    # WHEN they are loaded
    with pytest.raises(UsageError) as error:
        load(tmp_path, text)

    # THEN each fault is told once, with its line
    found = [(problem.line, problem.where, problem.field) for problem in error.value.problems]
    assert found == [
        (2, "defaults", "attempts"), (2, "defaults", "vcpu"), (4, "job one", "timeout_seconds"),
        (5, "job two", "schedule"), (1, "", "service"), (2, "job j", "command"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("timeout_seconds: 59", "timeout_seconds: 59 is too short: 60 to 2147483647 (seconds)"),
        ("timeout_seconds: '60'", "timeout_seconds: '60' is not a whole number [hint: write it without quotes]"),
        ("timeout_seconds: 60.5", "timeout_seconds: 60.5 is not a whole number"),
        ("timeout_seconds: yes", "timeout_seconds: true is not a whole number"),
        ("timeout_seconds:", "timeout_seconds: has no value"),
        ("timeout: 60", "timeout: is an unknown key [hint: write timeout_seconds: 60]"),
        ("attempts: 11", "attempts: 11 is too large: 1 to 10 (attempts)"),
        ("array_size: 1", "array_size: 1 is too small: 2 to 10000 (children)"),
        ("ephemeral_storage_gib: 20", "ephemeral_storage_gib: 20 is too small: 21 to 200 (GiB)"),
        ("vcpus: 0.3", "vcpus: 0.3 is not allowed: a whole number on EC2, or one of 0.25, 0.5,"),
        ("vcpus: 0", "vcpus: 0 is not allowed"),
        ("vcpus: .nan", "vcpus: nan is not a number"),
        ("vcpus: .inf", "vcpus: inf is not a number"),
        ("queue: a b", "queue: 'a b' is not allowed: letters, digits, '-' and '_'"),
        ("num_nodes: 2", "num_nodes: is an unknown key [hint: did you mean 'nodes'?]"),
        ("multi_node: {}", "multi_node: is an unknown key [hint: did you mean 'nodes'?]"),
        ("node_properties: {}", "node_properties: is an unknown key [hint: did you mean 'nodes'?]"),
        ("environment: {AWS_BATCH_JOB_ID: x}", "environment.AWS_BATCH_JOB_ID: is reserved"),
        ("environment: {A: ''}", "environment.A: '' is empty, and Batch drops variables without a value"),
        ("environment: {A: [1]}", "environment.A: [1] is not text"),
        ("environment: {1A: x}", "environment.1A: is not allowed as a name"),
        ("environment: [A]", 'environment: ["A"] is not a mapping (key: value)'),
        (
            "image: python:3",
            "image: 'python:3' is not a mapping (key: value) [hint: write image: {repository: python, tag: '3'}]",
        ),
        ("image: {repository: a}", "image: has neither tag nor digest: exactly one of the two"),
        ("image: {repository: a, tag: b, digest: 'sha256:1'}", "image.digest: 'sha256:1' is not allowed"),
        ("image: {repository: 'a:b', tag: c}", "image.repository: 'a:b' is not allowed"),
        ("image: {repository: a, tga: c}", "image.tga: is an unknown key [hint: did you mean 'tag'?]"),
        ("permissions: [{actions: ['*'], resources: ['*']}]", "permissions[0].actions[0]: '*' is not allowed"),
        ("permissions: [{actions: [], resources: ['*']}]", "permissions[0].actions: [] is empty: at least one"),
        ("permissions: [{actions: [s3:Get*], resources: [x]}]", "resources[0]: 'x' is not allowed: an ARN, such as"),
        ("evaluate_on_exit: [{action: retry, on_exit_code: 1}]", "RETRY or EXIT [hint: write RETRY]"),
        ("evaluate_on_exit: [{action: RETRY}]", "evaluate_on_exit[0]: has no condition: at least one of on_exit_code"),
        ("evaluate_on_exit: [{action: RETRY, on_exit_code: '1*2'}]", "on_exit_code: '1*2' is not allowed: digits"),
        ("schedule: cron(0 0 * * * *)", "schedule: 'cron(0 0 * * * *)' has no '?'"),
        ("suspend: maybe", "suspend: 'maybe' is not true or false"),
        ("job_role_arn: my-role", "job_role_arn: 'my-role' is not allowed: a role's ARN"),
        ("tags: {aws:x: y}", "tags.aws:x: is reserved: AWS sets the tags that begin with aws:"),
        ("tags: {Batchtab:x: y}", "tags.Batchtab:x: is reserved: Batchtab sets the tags that begin with batchtab:"),
        ("permissions: [{actions: [s3], resources: ['*']}]", "actions[0]: 's3' is not allowed: a service"),
        ("permissions: [{actions: ['s3:Get*'], resources: []}]", "permissions[0].resources: [] is empty: at least one"),
        ("permissions: [{actions: ['s3:Get*'], resources: ['']}]", "resources[0]: '' is not allowed: an ARN, such as"),
        ("after_status: any", "after_status: 'any' has no effect: the job comes after no other [hint: leave it out]"),
        ("secrets: {A: null}", "secrets.A: has no value"),
        ("environment: {A: null}", "environment.A: has no value"),
        ("tags: {a: null}", "tags.a: has no value"),
        ("containers: {a: {command: ['']}}", "command[0]: '' has an empty first word, which is the program: name it"),
        ("schedule: 0 25 * * *", "schedule: '0 25 * * *' has '25' as hours: 0 to 23"),
        ("schedule: rate(1 minutes)", "schedule: 'rate(1 minutes)' says '1 minutes', which AWS refuses"),
        ("schedule: 'at(2026-13-01T00:00:00)'", "schedule: 'at(2026-13-01T00:00:00)' is not a date and time"),
        (f"description: {'x' * 513}", "is 513 characters long: a text (at most 512 characters)"),
        ("command: [y]", "command: is given twice, first in line 4"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_field_value_and_what_is_allowed(tmp_path: Path, field: str, expected: str) -> None:
    (line,) = fault(tmp_path, field)

    assert expected in line


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("node app/x", "command: 'node app/x' is not a list [hint: write [node, app/x]: no shell splits it]"),
        ("[]", "command: [] is empty: at least one word"),
        ("['']", "command[0]: '' has an empty first word, which is the program: name it"),
        ("[yes]", "command[0]: 'yes' means true or false in YAML, but a text is wanted: put it in quotes"),
        ("[{a: b}]", 'command[0]: {"a": "b"} is not text'),
    ],
)
def test_a_command_is_a_list_of_texts(tmp_path: Path, command: str, expected: str) -> None:
    (line,) = fault(tmp_path, "attempts: 1", command)

    assert expected in line


def test_figures_and_truths_in_a_command_are_read_as_they_are_written(tmp_path: Path) -> None:
    (service,) = load(tmp_path, "service: s\njobs: {j: {command: [sleep, 010, 1.50, true]}}")

    assert service.jobs["j"].command == ("sleep", "010", "1.50", "true")


def test_a_secret_that_was_written_down_is_not_repeated(tmp_path: Path) -> None:
    (line,) = fault(tmp_path, "secrets: {PASSWORD: hunter2}")

    assert "secrets.PASSWORD: is not allowed: the ARN of an SSM parameter" in line
    assert "hunter2" not in line


def test_a_job_has_the_volumes_of_its_service_that_it_mounts(tmp_path: Path) -> None:
    # GIVEN volumes of a service, of which each job mounts some
    text = (
        "service: s\n"
        "defaults: {volumes: {data: {efs_file_system_id: fs-00000000}, scratch: {}}}\n"
        "jobs:\n"
        "  j: {command: [x], mounts: [{volume: data, path: /data}]}\n"
        "  k: {command: [x], containers: {l: {mounts: [{volume: scratch, path: /s}]}}}\n"
        "  m: {command: [x]}\n"
    )
    # WHEN they are read
    (service,) = load(tmp_path, text)
    # THEN each job has just those
    assert {name: list(job.volumes) for name, job in service.jobs.items()} == {"j": ["data"], "k": ["scratch"], "m": []}


def test_a_name_is_either_a_variable_or_a_secret(tmp_path: Path) -> None:
    found = lines(
        tmp_path, "service: s\ndefaults: {environment: {A: x}}\njobs:\n  j: {command: [x], secrets: {A: /a}}\n"
    )

    assert found == ["jobs.yaml:4: job j: secrets.A: is in environment and in secrets: one name, one value"]


def test_permissions_of_a_role_that_is_managed_elsewhere_are_refused(tmp_path: Path) -> None:
    found = lines(
        tmp_path,
        """\
        service: s
        jobs:
          j:
            command: [x]
            job_role_arn: arn:aws:iam::123456789012:role/x
            permissions: [{actions: [s3:GetObject], resources: ['*']}]
        """,
    )

    assert len(found) == 1
    assert found[0].startswith("jobs.yaml:6: job j: permissions: cannot be used together with job_role_arn")


def rules(number: int, last: str) -> str:
    return f"evaluate_on_exit: [{'{action: RETRY, on_exit_code: 1}, ' * (number - 1)}{last}]"


def test_five_rules_leave_room_for_the_exit_that_batch_needs(tmp_path: Path) -> None:
    for five in (rules(5, "{action: EXIT, on_reason: '*'}"), rules(4, "{action: RETRY, on_reason: x}")):
        load(tmp_path, f"service: s\njobs:\n  j:\n    command: [x]\n    {five}\n")

    assert "at most 4" in fault(tmp_path, rules(5, "{action: RETRY, on_reason: x}"))[0]
    assert "at most 4" in fault(tmp_path, rules(5, "{action: EXIT, on_exit_code: '*'}"))[0], "no exit code, no match"
    assert "at most 5" in fault(tmp_path, rules(6, "{action: EXIT, on_reason: '*'}"))[0]


def test_two_jobs_of_one_name_are_refused(tmp_path: Path) -> None:
    found = lines(tmp_path, "service: s\njobs:\n  j: {command: [x]}\n  k: {command: [x]}\n  j: {command: [y]}\n")

    assert found == ["jobs.yaml:5: job j: is declared twice, first in line 3 [hint: give one of the two another name]"]


def test_two_services_of_one_name_are_refused(tmp_path: Path) -> None:
    load(tmp_path, "service: s\njobs: {j: {command: [x]}}", "a")
    with pytest.raises(UsageError, match=r"b/jobs.yaml:1: service: 's' is also the service of .*a/jobs.yaml"):
        load(tmp_path, "service: s\njobs: {j: {command: [x]}}", "b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service: s", "jobs.yaml: jobs: is missing: name to job"),
        ("jobs: {j: {command: [x]}}", "jobs.yaml: service: is missing: the service's name"),
        ("service: S\njobs: {j: {command: [x]}}", "jobs.yaml:1: service: 'S' is not allowed: lower-case letters"),
        ("service: s\njobs: {}", "jobs.yaml:2: jobs: {} is empty: at least one"),
        ("service: s\njobs: [j]", 'jobs.yaml:2: jobs: ["j"] is not a mapping (key: value)'),
        ("service: s\njobs: {j: }", "jobs.yaml:2: job j: has no value"),
        ("service: s\njobs: {j: 5}", "jobs.yaml:2: job j: 5 is not a mapping (key: value)"),
        ("service: s\njobs: {j: {}}", "jobs.yaml:2: job j: command: is missing: command as a list"),
        ("service: s\njobs: {j k: {command: [x]}}", "jobs.yaml:2: job j k: is not allowed as a name"),
        ("service: s\nimages: x\njobs: {j: {command: [x]}}", "images: is an unknown key [hint: did you mean 'image'?]"),
        ("service: s\ndefaults: {command: [x]}\njobs: {j: {command: [x]}}", "defaults: command: is an unknown key"),
        (
            "service: s\njobs: {j: {command: [x]",
            "jobs.yaml:2: is not valid YAML: did not find expected ',' or '}' (while",
        ),
    ],
)
def test_a_file_of_the_wrong_shape_is_one_line(tmp_path: Path, text: str, expected: str) -> None:
    (line,) = lines(tmp_path, text)

    assert expected in line


def test_a_file_by_a_near_name_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "jobs" / "a").mkdir(parents=True)
    (tmp_path / "jobs" / "a" / "jobs.yml").touch()

    with pytest.raises(UsageError, match=r"jobs.yml: is not read \[hint: call it jobs.yaml\]"):
        load_services(tmp_path / "jobs")


def test_links_to_nothing_are_faults(tmp_path: Path) -> None:
    # GIVEN a service whose file was moved away, one whose folder was, and a file that is a folder
    for name in ("a", "b", "c"):
        (tmp_path / "jobs" / name).mkdir(parents=True)
    (tmp_path / "jobs" / "a" / "jobs.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "jobs" / "b" / "jobs.yaml").symlink_to("jobs.yaml")
    (tmp_path / "jobs" / "c" / "jobs.yaml").mkdir()
    (tmp_path / "jobs" / "d").symlink_to("nowhere")
    # WHEN they are read
    with pytest.raises(UsageError) as caught:
        load_services(tmp_path / "jobs")
    # THEN none is passed over, for a deployment would destroy its jobs
    lines = [line.removeprefix(f"{tmp_path.as_posix()}/") for line in str(caught.value).splitlines()]
    assert lines == [
        "jobs/a/jobs.yaml: can't be read: no such file or directory",
        "jobs/b/jobs.yaml: can't be read: too many levels of symbolic links",
        "jobs/c/jobs.yaml: can't be read: is a directory",
        "jobs/d: is a link to nothing [hint: remove it]",
    ]


def test_no_folder_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        load_services(tmp_path / "none")


def test_a_spec_made_in_python_keeps_the_same_rules() -> None:
    assert JobSpec(command=("x",)).queue == "default"
    with pytest.raises(ValueError, match="is too short: 60 to 2147483647"):
        JobSpec(command=("x",), timeout_seconds=59)
    with pytest.raises(ValueError, match="frozen"):
        JobSpec(command=("x",)).queue = "other"  # type: ignore[misc]


WIDE = "lets the job give itself or others more than is said here"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:*", "*"),
        ("iam:putrolepolicy", "arn:aws:iam::123456789012:role/x"),
        ("iam:P*", "*"),
        ("iam:PassRole", "*"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/x-*"),
        ("sts:*", "*"),
        ("sts:AssumeRole", "*"),
        ("organizations:LeaveOrganization", "*"),
        ("account:CloseAccount", "*"),
    ],
)
def test_what_gives_a_job_more_than_is_said_needs_a_word(tmp_path: Path, action: str, resource: str) -> None:
    (line,) = fault(tmp_path, f'permissions: [{{actions: ["s3:GetObject", "{action}"], resources: ["{resource}"]}}]')
    assert f"permissions[0].actions[1]: '{action}' {WIDE}" in line
    assert "allow_wide: true" in line
    # WITH the word it is taken
    said = f'permissions: [{{actions: ["{action}"], resources: ["{resource}"], allow_wide: true}}]'
    (service,) = load(tmp_path, f"service: s\njobs: {{j: {{command: [x], {said}}}}}")
    assert service.jobs["j"].permissions[0].allow_wide


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:GetRole", "*"),
        ("iam:List*", "*"),
        ("sts:GetCallerIdentity", "*"),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/x"),
        ("sts:AssumeRole", "arn:aws:iam::123456789012:role/x"),
        ("s3:*", "arn:aws:s3:::my-bucket/*"),
        ("organizations:Describe*", "*"),
    ],
)
def test_looking_and_one_named_role_need_none(tmp_path: Path, action: str, resource: str) -> None:
    said = f'permissions: [{{actions: ["{action}"], resources: ["{resource}"]}}]'
    assert load(tmp_path, f"service: s\njobs: {{j: {{command: [x], {said}}}}}")


def test_a_service_is_not_called_as_the_workflows_roles_are(tmp_path: Path) -> None:
    (line,) = lines(tmp_path, "service: ci\njobs: {j: {command: [x]}}")
    assert line.startswith("jobs.yaml:1: service: 'ci' is reserved: the roles for workflows are called")


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 10**20), st.floats(), st.text(max_size=10), st.just("*")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
JOB = st.dictionaries(st.sampled_from([*JobSpec.model_fields, "bad"]), ANYTHING, max_size=5)
FILE = st.fixed_dictionaries(
    {"service": st.one_of(st.just("s"), ANYTHING), "jobs": st.dictionaries(st.text(max_size=5), JOB, max_size=3)},
    optional={"defaults": st.one_of(JOB, ANYTHING), "image": ANYTHING, "other": ANYTHING},
)


@settings(max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=FILE)
def test_any_file_is_a_service_or_lines(tmp_path: Path, data: dict[str, Any]) -> None:
    told: tuple[object, ...] = ()
    services = []
    try:
        services = load(tmp_path, yaml.safe_dump(data))
    except UsageError as problems:  # any other exception fails the test
        told = problems.problems

    assert all(len(str(problem).splitlines()) == 1 for problem in told)
    assert bool(told) != bool(services)
