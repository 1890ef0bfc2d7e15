from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.declarations import catalog
from batchtab.errors import UsageError

JOBS = "jobs/my-service/jobs.yaml"
ON_FARGATE = "on Fargate (stage example)"
STEPS = f"vCPU {ON_FARGATE}: 2048 to 8192 in steps of 1024"
Spoil = Callable[[str, str, str], None]


def lines(project: Path, *stages: str) -> list[str]:
    with pytest.raises(UsageError) as error:
        catalog.load_all(project, stages or None)
    return [str(problem).removeprefix(f"{project}/") for problem in error.value.problems]


def on_fargate(project: Path) -> None:
    """Make the example a Fargate stage whose jobs fit, but for what a test changes."""
    path = project / "config" / "example.yaml"
    text = path.read_text(encoding="utf-8").replace("capacity: EC2", "capacity: FARGATE")
    kept = [line for line in text.splitlines() if not line.strip().startswith(("instance_types:", "min_vcpus:"))]
    path.write_text("\n".join(kept), encoding="utf-8")
    for name in (JOBS, "jobs/examples/jobs.yaml"):
        job_file = project / name
        changed = job_file.read_text(encoding="utf-8").replace("memory_mib: 1024", "memory_mib: 2048")
        job_file.write_text(changed.replace("memory_mib: 512", "memory_mib: 2048"), encoding="utf-8")


def test_a_stage_holds_all_services_and_names_what_is_made_of_them(project: Path) -> None:
    loaded = catalog.load("local", project)

    assert [service.service for service in loaded.services] == ["examples", "my-service"]
    assert loaded.job_definition_name("my-service", "do-often") == "batchtab-local-my-service-do-often"
    assert loaded.job_queue_name("default") == "batchtab-local-default"


def test_a_stage_may_choose_its_services(project: Path, spoil: Spoil) -> None:
    spoil("config/local.yaml", "log_retention_days: 30", "log_retention_days: 30\njobs: [my-service]")

    assert [service.service for service in catalog.load("local", project).services] == ["my-service"]


def test_a_service_that_is_not_there_can_not_be_chosen(project: Path, spoil: Spoil) -> None:
    spoil("config/local.yaml", "log_retention_days: 30", "log_retention_days: 30\njobs: [my-servise]")

    (line,) = lines(project, "local")

    assert "jobs[0]: 'my-servise' is not a service: examples, my-service [hint: did you mean 'my-service'?]" in line


def test_a_service_whose_file_can_not_be_read_is_not_called_unknown(project: Path, spoil: Spoil) -> None:
    spoil("config/local.yaml", "log_retention_days: 30", "log_retention_days: 30\njobs: [my-service]")
    spoil(JOBS, "service: my-service", "service: [my-service")
    spoil("jobs/examples/jobs.yaml", "after: extract", "after: my-service/do-often")

    (line,) = lines(project, "local")

    assert line.startswith(f"{JOBS}:3: is not valid YAML")


def test_an_unknown_queue_is_one_line_for_all_stages(project: Path, spoil: Spoil) -> None:
    spoil(JOBS, "queue: default", "queue: defualt")

    assert lines(project) == [
        f"{JOBS}:9: job do-something: queue: 'defualt' is not a queue of stages example, local: default, continuously"
        " [hint: did you mean 'default'?]"
    ]


def test_three_vcpus_are_no_size_on_fargate_but_fine_on_ec2(project: Path, spoil: Spoil) -> None:
    on_fargate(project)
    spoil(JOBS, "timeout_seconds: 60", "timeout_seconds: 60\n    vcpus: 3")

    assert lines(project) == [
        f"{JOBS}:14: job do-often: vcpus: 3 is not a size on Fargate (stage example): 0.25, 0.5, 1, 2, 4, 8, 16, 32"
        " [hint: the next is 4]"
    ]
    assert catalog.load("local", project)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("memory_mib: 1024", f"memory_mib: 1024 does not go with 1 {STEPS} [hint: the nearest that is enough: 2048]"),
        ("memory_mib: 9000", f"memory_mib: 9000 does not go with 1 {STEPS} [hint: more memory needs more vcpus]"),
        ("{vcpus: 0.25, memory_mib: 3072}", f"3072 does not go with 0.25 vCPU {ON_FARGATE}: 512, 1024, 2048"),
        ("timeout_seconds: 1209601", f"1209601 is too long: 60 to 1209600 (seconds) {ON_FARGATE}"),
        ("{vcpus: 32, memory_mib: 61440}", "vcpus: 32 is more than max_vcpus of stage example: 16"),
    ],
)  # fmt: skip
def test_fargate_takes_fixed_sizes_and_no_run_of_over_14_days(project: Path, field: str, expected: str) -> None:
    on_fargate(project)
    extra = project / "jobs" / "extra" / "jobs.yaml"
    extra.parent.mkdir()
    inner = field.strip("{}").replace(", ", "\n    ")
    extra.write_text(f"service: extra\njobs:\n  j:\n    command: [x]\n    {inner}\n", encoding="utf-8")

    (line,) = lines(project, "example")

    assert ": job j: " in line
    assert expected in line


def test_sizes_of_fargate_with_its_own_fields_pass_on_fargate_alone(project: Path) -> None:
    on_fargate(project)
    extra = project / "jobs" / "extra" / "jobs.yaml"
    extra.parent.mkdir()
    fields = "vcpus: 0.25, memory_mib: 512, ephemeral_storage_gib: 21, assign_public_ip: true"
    extra.write_text(f"service: extra\njobs: {{j: {{command: [x], {fields}}}}}\n", encoding="utf-8")

    assert catalog.load("example", project)
    found = lines(project, "local")

    assert [line.split("job j: ")[1].split(":")[0] for line in found] == [
        "vcpus", "ephemeral_storage_gib", "assign_public_ip",
    ]  # fmt: skip
    assert all("the capacity of stage local is EC2" in line for line in found)


def test_a_job_can_not_be_larger_than_the_environment(project: Path, spoil: Spoil) -> None:
    spoil(JOBS, "vcpus: 1", "vcpus: 17")

    assert lines(project, "local") == [
        f"{JOBS}:{line}: job {job}: vcpus: 17 is more than max_vcpus of stage local: 16"
        for line, job in ((6, "do-something"), (11, "do-often"))
    ]


def test_a_fault_of_one_field_does_not_hide_those_that_depend_on_the_stage(project: Path, spoil: Spoil) -> None:
    spoil(JOBS, "timeout_seconds: 60", "timeout_seconds: 59")
    spoil(JOBS, "queue: continuously", "queue: contiuously")
    spoil("config/local.yaml", "port: 4588", "port: 1")

    text = (project / "config" / "local.yaml").read_text(encoding="utf-8")
    port = 1 + text.splitlines().index("  port: 1")

    found = lines(project, "local")

    assert [line.split(" ")[0] for line in found] == [f"config/local.yaml:{port}:", f"{JOBS}:13:", f"{JOBS}:14:"]


def test_a_faulty_field_is_not_blamed_twice(project: Path, spoil: Spoil) -> None:
    on_fargate(project)
    spoil(JOBS, "vcpus: 1", "vcpus: one")

    (line,) = lines(project, "example")

    assert "defaults: vcpus: 'one' is not a number" in line


def test_queues_of_a_faulty_environment_are_not_held_against_the_jobs(project: Path, spoil: Spoil) -> None:
    spoil("config/local.yaml", "queues: {default: 5, continuously: 3}", "queues: {other: many}")

    (line,) = lines(project, "local")

    assert "environment.queues.other: 'many' is not a whole number" in line


def test_a_job_without_image_needs_the_runner_image_of_the_stage(project: Path, spoil: Spoil) -> None:
    spoil("config/local.yaml", "runner_image: {", "tags: {x: y}  # {")

    found = lines(project, "local")

    assert len(found) == 9
    assert all("image: is missing, and stage local has no runner_image" in line for line in found)


def test_a_full_name_must_fit_batch(project: Path, spoil: Spoil) -> None:
    spoil(JOBS, "do-often:", "do-often" * 13 + "x:")

    (line,) = lines(project, "local")

    assert "of 131 characters: at most 128 [hint: shorten it]" in line


def test_two_services_can_not_share_a_full_name(project: Path) -> None:
    extra = project / "jobs" / "extra" / "jobs.yaml"
    extra.parent.mkdir()
    extra.write_text("service: my\njobs: {service-do-often: {command: [x]}}\n", encoding="utf-8")

    found = lines(project, "local")

    assert len(found) == 1
    assert "my-service-do-often [hint: give one of the two another name]" in found[0]


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("job_role_arn: arn:aws:iam::999999999999:role/x", "job_role_arn"),
        ("execution_role_arn: arn:aws:iam::999999999999:role/x", "execution_role_arn"),
        ("secrets: {TOKEN: 'arn:aws:ssm:ap-northeast-2:999999999999:parameter/x'}", "secrets.TOKEN"),
    ],
)
def test_what_belongs_to_another_account_fails_early(project: Path, spoil: Spoil, field: str, named: str) -> None:
    spoil(JOBS, "queue: continuously", f"queue: continuously\n    {field}")

    (line,) = lines(project)

    assert f"job do-often: {named}: 'arn:aws:" in line
    assert "belongs to account 999999999999, and the account of stage example is 123456789012" in line


def test_a_folder_for_local_jobs_must_be_there(project: Path, spoil: Spoil) -> None:
    spoil("config/local.yaml", "my-service: examples/my-service", "my-service: examples/other")

    (line,) = lines(project)

    assert "local.images.my-service: 'examples/other' is not a folder" in line


def test_an_unknown_stage_is_told_with_those_that_are_there(project: Path) -> None:
    (line,) = lines(project, "lokal")

    assert line == "config/lokal.yaml: does not exist: the stages are example, local [hint: did you mean 'local'?]"


def test_a_project_without_stages_is_told(tmp_path: Path) -> None:
    found = lines(tmp_path)

    assert [line.split(" [")[0] for line in found] == ["config: has no stage", "jobs: is not a folder"]


def test_two_jobs_that_differ_in_punctuation_only_are_refused(project: Path, spoil: Callable[..., None]) -> None:
    # GIVEN two names that would have one address in Terraform
    spoil("jobs/examples/jobs.yaml", "  hello:", "  fa_il:\n    command: [a]\n  fa-il:\n    command: [a]\n  hello:")
    # THEN the later one is told
    with pytest.raises(UsageError, match="job fa-il: differs from job fa_il in punctuation only"):
        catalog.load("local", project)


def test_a_job_is_not_called_like_a_rule_of_the_alerts(project: Path, spoil: Callable[..., None]) -> None:
    spoil("jobs/examples/jobs.yaml", "service: examples", "service: alerts")
    spoil("jobs/examples/jobs.yaml", "  hello:", "  sweep:\n    command: [a]\n  hello:")
    with pytest.raises(UsageError, match="job sweep: has the full name alerts-sweep"):
        catalog.load("local", project)


PROD = "config/example.yaml"
OTHER = """
region: ap-northeast-2
account_id: "{account}"
namespace: {namespace}
state: {{bucket: my-state}}
network: {{create: true}}
runner_image: {{repository: batchtab-runner, tag: "1"}}
environment: {{queues: {{default: 5, continuously: 3}}, max_vcpus: 16}}
"""


def beside(project: Path, name: str, *, account: str = "123456789012", namespace: str = "batchtab") -> None:
    (project / "config" / f"{name}.yaml").write_text(OTHER.format(account=account, namespace=namespace))


@pytest.mark.parametrize(
    ("name", "namespace", "longer"),
    [
        ("example-eu", "batchtab", "batchtab-example-eu and batchtab-example"),
        ("eu", "batchtab-example", "batchtab-example-eu and batchtab-example"),
    ],
)
def test_stages_of_one_account_whose_names_begin_alike_are_refused(
    project: Path, name: str, namespace: str, longer: str
) -> None:
    # GIVEN a stage whose names all begin with those of another one of its account
    beside(project, name, namespace=namespace)
    (line,) = lines(project)
    assert line.startswith(f"config/{name}.yaml:3: account_id: '123456789012' is the account of stage example too")
    assert longer in line
    # AND a command for the one or the other says so as well
    assert lines(project, "example") == lines(project, name) == [line]
    # BUT none for a third
    assert catalog.load("local", project)


@pytest.mark.parametrize(
    ("name", "account"), [("example-eu", "999999999999"), ("example2", "123456789012"), ("exam", "123456789012")]
)
def test_stages_of_other_accounts_or_with_other_names_go_together(project: Path, name: str, account: str) -> None:
    beside(project, name, account=account)
    assert len(catalog.load_all(project)) == 3


def test_two_stages_with_the_same_names_are_refused(project: Path) -> None:
    beside(project, "a-b")
    beside(project, "b", namespace="batchtab-a")
    assert len(lines(project, "b")) == 2


@pytest.mark.parametrize(("region", "refused"), [("ap-northeast-2", True), ("eu-west-1", False)])
def test_two_stages_of_one_account_do_not_make_the_same_repository(project: Path, region: str, refused: bool) -> None:
    # GIVEN a stage that uses the repository of another one of its account
    beside(project, "staging")
    assert catalog.load_all(project)
    # WHEN it makes it too
    path = project / "config" / "staging.yaml"
    path.write_text(path.read_text().replace("ap-northeast-2", region) + "repositories: [own, batchtab-runner]\n")
    # THEN it is refused once, where both are in one region
    line = (
        "config/staging.yaml:9: repositories[1]: 'batchtab-runner' is made by stage example in this account and region"
        " too [hint: leave it out here and only pull from it, or rename it]"
    )
    if refused:
        assert lines(project) == lines(project, "example") == lines(project, "staging") == [line]
        assert catalog.load("local", project)
    else:
        assert catalog.load_all(project)


def test_a_boundary_is_of_the_stages_account(project: Path) -> None:
    path = project / PROD
    path.write_text(f"{path.read_text()}permissions_boundary_arn: arn:aws:iam::999999999999:policy/x\n")
    (line,) = lines(project, "example")
    assert (
        "permissions_boundary_arn: 'arn:aws:iam::999999999999:policy/x' belongs to another account than the stage"
        in line
    )
