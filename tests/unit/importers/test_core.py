"""Findings, nodes, names, images, sizes, variables and what is taken out because jobs.yaml refuses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from batchtab.errors import UsageError
from batchtab.importers import checked, jobs_file, kinds, rates
from batchtab.importers.findings import Fate, Finding, Findings, Recorder
from batchtab.importers.images import image_fields, short_ecr
from batchtab.importers.imported import Imported, ImportedJob
from batchtab.importers.naming import job_name, name_of_command, service_name
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.secret_texts import has_secret, masked_command
from batchtab.importers.sizes import fitted
from batchtab.importers.source_file import SourceFile, plain, read, tag_of
from batchtab.importers.triggers import of_fields
from batchtab.importers.variables import carried_variables, take_out_secrets

_END = {"end": "2027-01-01T09:31:00Z"}


def documents(text: str, name: str = "source.yaml") -> list[object]:
    return SourceFile(Path(name), text).documents()


def test_every_key_that_nobody_reads_is_reported_with_its_line() -> None:
    # GIVEN a document with fields at three depths
    (document,) = documents("name: a\nspec:\n  known: 1\n  other: {x: [1, {y: 2}]}\nempty: {}\n")
    findings = Findings()
    node = Node(document, Recorder(findings, "a", "source.yaml:1"))
    # WHEN some are read and the rest is reported
    assert node.carry("name", "the job's name") == "a"
    spec = node.child("spec")
    assert spec.change("known", "vcpus, in another unit") == 1
    spec.rest()
    node.rest()
    # THEN each leaf has a finding with its place
    assert [(each.field, each.place, each.fate) for each in findings] == [
        ("name", "source.yaml:1", Fate.CARRIED),
        ("spec.known", "source.yaml:3", Fate.CHANGED),
        ("spec.other.x[0]", "source.yaml:4", Fate.NOT_CARRIED),
        ("spec.other.x[1].y", "source.yaml:4", Fate.NOT_CARRIED),
        ("empty", "source.yaml:5", Fate.NOT_CARRIED),
    ]


def test_a_value_of_another_kind_is_reported_and_read_as_empty() -> None:
    findings = Findings()
    node = Node({"spec": 3, "list": "text", "mixed": [{"a": 1}, 7]}, Recorder(findings))
    assert not node.child("spec")
    assert node.children("list") == []
    assert len(node.children("mixed")) == 1
    assert [each.field for each in findings.decisions()] == ["spec", "list", "mixed[1]"]


def test_values_that_look_like_secrets_are_masked_in_findings_and_left_out_of_the_jobs() -> None:
    findings = Findings()
    values = {"DB_PASSWORD": "hunter2-and-more", "REGION": "eu-west-1", "EMPTY": "", "N": 3, "B": True, "1X": "a"}
    found = carried_variables(values, Recorder(findings, "a"))
    assert found == {"REGION": "eu-west-1", "N": "3", "B": "true"}
    assert [each.field for each in findings.decisions()] == ["environment.DB_PASSWORD", "environment.1X"]
    assert not any("hunter2" in each.shown for each in findings)


def test_a_command_with_a_secret_is_known() -> None:
    assert has_secret(["curl", "-H", "Authorization: Bearer abcdefghijklmnop"])
    assert not has_secret(["python", "-m", "reports.daily"])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Nightly Report", "nightly-report"),
        ("nightlyReport", "nightly-report"),
        ("  ", "job"),
        ("résumé", "r-sum"),
        ("a" * 200, "a" * 64),
    ],
)
def test_names_of_jobs(text: str, name: str) -> None:
    assert job_name(text) == name
    assert job_name(text, {name}) == f"{name}-2"


def test_names_of_services_and_commands() -> None:
    assert service_name("1. My Service!") == "my-service"
    assert service_name("ci") == service_name("…") == "imported"
    assert name_of_command(["/usr/bin/python3", "-m", "reports.daily", "--all"]) == "reports.daily"
    assert name_of_command(["sh", "/opt/backup.sh", "full"]) == "backup full"
    assert name_of_command(["echo", "hunter2", "|", "sudo", "-S", "x"]) == "echo"


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("python:3.12", {"repository": "docker.io/library/python", "tag": "3.12"}),
        ("team/app", {"repository": "docker.io/team/app", "tag": "latest"}),
        ("ghcr.io/a/b:1", {"repository": "ghcr.io/a/b", "tag": "1"}),
        ("localhost:5000/a:1", {"repository": "localhost:5000/a", "tag": "1"}),
        (f"ghcr.io/a/b:1@sha256:{'0' * 64}", {"repository": "ghcr.io/a/b", "digest": f"sha256:{'0' * 64}"}),
    ],
)
def test_images(address: str, fields: dict[str, str]) -> None:
    assert image_fields(address) == fields


def test_an_image_of_the_stages_own_account_is_named_by_its_repository() -> None:
    fields = image_fields("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:4")
    assert short_ecr(fields, "123456789012", "eu-west-1") == {"repository": "team/app", "tag": "4"}
    assert short_ecr(fields, "210987654321", "eu-west-1") == fields


@pytest.mark.parametrize(
    ("vcpus", "memory", "is_fargate", "size"),
    [
        (0.1, 128, True, (0.25, 512)),
        (0.25, 3000, True, (0.5, 3072)),
        (1, 100, True, (1, 2048)),
        (3, 9000, True, (4, 9216)),
        (33, 100, True, None),
        (1, 300_000, True, None),
        (0.1, 128, False, (1, 128)),
        (2.5, 1, False, (3, 4)),
    ],
)
def test_sizes(vcpus: float, memory: int, is_fargate: bool, size: tuple[float, int] | None) -> None:
    assert fitted(vcpus, memory, is_fargate=is_fargate) == size


@pytest.mark.parametrize(
    ("expression", "is_kubernetes", "schedules"),
    [
        ("*/90 * * * *", False, [("0 * * * *", None)]),
        ("5,* * * * *", False, [("* * * * *", None)]),
        ("? * * * ?", True, [("* * * * *", None)]),
        ("@daily", False, [("@daily", None)]),
        ("0 9 13 * 5", False, [("0 9 13 * *", None), ("0 9 * * 5", ("cron(0 9 13 * ? *)",))]),
        ("0 9 */2 * 1", False, [("0 9 * * 1", ("cron(0 9 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 * ? *)",))]),
        ("0 9 */10 * 1", True, [("0 9 */10 * *", None), ("0 9 * * 1", ("cron(0 9 */10 * ? *)",))]),
        ("0 9 1 * */3", False, [("0 9 1 * *", ("cron(0 9 ? * MON,TUE,THU,FRI *)",))]),
    ],
)  # fmt: skip
def test_five_fields_become_schedules(
    expression: str, is_kubernetes: bool, schedules: list[tuple[str, tuple[str, ...] | None]]
) -> None:
    found = of_fields(expression, is_kubernetes=is_kubernetes)
    assert [(each.schedule, each.except_ or None) for each in found] == schedules


def test_every_hour_needs_no_zone_where_clocks_differ_by_whole_hours() -> None:
    assert of_fields("*/10 * * * *", "Europe/Berlin")[0].timezone is None
    assert of_fields("*/10 * * * *", "Asia/Kolkata")[0].timezone == "Asia/Kolkata"
    assert of_fields("0 9 * * *", "Europe/Berlin")[0].timezone == "Europe/Berlin"


def test_what_jobs_yaml_refuses_is_taken_out_and_reported() -> None:
    # GIVEN jobs with a name that is no tag, a time that is too long, and no command
    imported = Imported(
        jobs=[
            ImportedJob("a", "x:1", {"command": ["true"], "timeout_seconds": 5, "tags": {"aws:x": "1"}}),
            ImportedJob("b", "x:2", {"schedule": "@daily"}),
            ImportedJob("c", "x:3", {"command": ["true"], "schedule": "0 0 31 2 *", "timezone": "Asia/Seoul"}),
        ]
    )
    # WHEN they are checked
    jobs, _ = checked.check(imported, lambda: jobs_file.text_of(imported, "s", "batchtab import x"))
    # THEN the good rest is left, and each fault has a finding that a person reads
    assert sorted(jobs) == ["a", "c"]
    assert (jobs["a"].tags, jobs["c"].schedule) == ({}, None)
    assert {(each.job, each.field.partition(".")[0]) for each in imported.findings.decisions()} == {
        ("a", "timeout_seconds"),
        ("a", "tags"),
        ("b", "command"),
        ("c", "schedule"),
    }


def test_any_reader_of_yaml_reads_jobs_yaml() -> None:
    settings = {
        "command": ["a", "a ? b", "- c", "d: e"],
        "except": ["cron(0 6 * * ? *)"],
        "schedule": "cron(0 6 * * ? *)",
    }
    text = jobs_file.text_of(Imported(jobs=[ImportedJob("a", "x:1", settings)]), "s", "made")
    assert yaml.safe_load(text)["jobs"]["a"] == settings
    assert "schedule: cron(0 6 * * ? *)" in text


def test_two_faults_of_a_field_do_not_cost_the_job() -> None:
    # GIVEN a job with two secrets whose names and values are not allowed, and two volumes that are none
    secrets = {"1A": "ssm:a", "2B": "ssm:b", "C": "ssm:c"}
    volumes = {"a": {"efs_file_system_id": "x"}, "b": {"host_path": "y"}}
    job = ImportedJob("a", "x:1", {"command": ["true"], "secrets": secrets, "volumes": volumes, "tags": 3})
    imported = Imported(jobs=[job])
    # WHEN it is checked THEN what is left of the job is imported, and each fault has a line
    jobs, _ = checked.check(imported, lambda: jobs_file.text_of(imported, "s", "batchtab import x"))
    assert [*jobs] == ["a"]
    fields = [each.field for each in imported.findings.decisions()]
    assert {"secrets.1A", "secrets.2B"} <= {*fields} or fields.count("secrets") >= 2
    # AND a job that is taken out has a line that says so
    imported = Imported(
        jobs=[ImportedJob("a", "x:1", {"schedule": "@daily"}), ImportedJob("b", "x:2", {"command": ["x"]})]
    )
    checked.check(imported, lambda: jobs_file.text_of(imported, "s", "batchtab import x"))
    assert any(each.note.endswith("the job is not imported") for each in imported.findings.of_job("a"))


def test_an_import_without_jobs_is_refused() -> None:
    imported = Imported()
    Recorder(imported.findings, "a", "x:1").not_carried("kind", "DaemonSet", "is no job", "run it on a cluster")
    with pytest.raises(UsageError, match="no job could be imported: a: kind: is no job") as caught:
        checked.check(imported, lambda: "")
    assert caught.value.hint == "run it on a cluster"


@pytest.mark.parametrize(
    "text",
    [
        "a: [1, 2",
        "a: 1\na: 2\n",
        "[" * 3000,
        "\t- x",
        "a: 2026-13-99\n",
    ],
)
def test_a_file_that_is_no_yaml_is_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        documents(text)
    assert "\n" not in str(caught.value)


def test_tags_are_kept_and_run_nothing() -> None:
    (document,) = documents('a: !Sub "${X}-b"\nb: !!python/object/apply:os.system ["exit 1"]\nc: !Ref Y\n')
    assert isinstance(document, dict)
    assert (tag_of(document["a"]), tag_of(document["c"])) == ("!Sub", "!Ref")
    assert plain(document)["a"] == "${X}-b"
    assert plain(document)["b"] == ["exit 1"]


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
    ],
)
def test_aliases_do_not_fill_the_memory(text: str) -> None:
    with pytest.raises(UsageError, match="its aliases repeat too much"):
        documents(text)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * (4 * 2**20 + 1)])
def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "source.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        read(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "missing")


def test_kinds_and_their_settings() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'kubernetes'"):
        kinds.kind_of("kubernete")
    with pytest.raises(UsageError, match="needs a file"):
        kinds.read("kubernetes", [], Options())
    with pytest.raises(UsageError, match="is not a setting of kubernetes"):
        kinds.read("kubernetes", [SourceFile(Path("x"), "")], Options(settings={"a": "b"}))


@pytest.mark.parametrize("value", [f"{'9' * 5000}", f"0x{'f' * 5000}", "2026-02-30"])
def test_a_value_that_python_cannot_read_is_a_users_error(value: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        SourceFile(Path("a.yaml"), f"a: {value}\n").documents()


def test_any_value_of_yaml_is_shown() -> None:
    # GIVEN a key that is a mapping, as an unrendered Helm template has
    found: Any = SourceFile(Path("a.yaml"), "a: {{ .Values.a }}\n").documents()[0]
    # THEN it has a text
    assert ".Values.a" in Finding("", "", "a", found["a"], Fate.CARRIED, "").shown


@pytest.mark.parametrize(
    ("command", "masked"),
    [
        (["/app", "--password=hunter2", "--all"], ["/app", "--password=***", "--all"]),
        (["/app", "--url", "postgres://u:pw@h/db"], ["/app", "--url", "postgres://***@h/db"]),
        (["curl", "https://h/cron.php?cron_key=AbCdEf012&x=1"], ["curl", "https://h/cron.php?cron_key=***&x=1"]),
        (["curl", "https://h/?api-key=$KEY&sort-key=${B}"], None),
        (["/app", "--password=$(PASSWORD)"], None),
        (["/app", "--password", "${PASSWORD}"], None),
        (["/app", "--url", "postgres://u:$(PW)@h/db"], None),
        (["sh", "-c", "mysql -u root --password=$PW < x.sql"], None),
    ],
)
def test_a_secret_in_a_command_is_masked_and_a_reference_is_none(command: list[str], masked: list[str] | None) -> None:
    assert masked_command(command) == (masked or command)


def test_no_importer_can_leave_a_secret_in_the_jobs() -> None:
    # GIVEN what an importer left in a job, a sidecar and the defaults
    settings = {
        "command": ["/app", "--password=hunter2"],
        "environment": {"A": "1", "API_TOKEN": "hunter2-hunter2"},
        "containers": {"proxy": {"command": ["p", "--api-key=hunter2"]}},
    }
    imported = Imported(
        jobs=[ImportedJob("a", "x:1", settings)], defaults={"environment": {"DB_PASSWORD": "hunter2-hunter2"}}
    )
    # WHEN secrets are taken out
    take_out_secrets(imported)
    # THEN none is left, and each has a line that a person reads
    assert "hunter2" not in jobs_file.text_of(imported, "s", "batchtab import x")
    assert [each.field for each in imported.findings.decisions()] == [
        "command",
        "environment.API_TOKEN",
        "containers.proxy.command",
        "defaults.environment.DB_PASSWORD",
    ]


def test_a_line_that_is_no_yaml_is_named_and_not_shown() -> None:
    with pytest.raises(UsageError, match=r"source.yaml:2 is not YAML") as caught:
        documents("a: 1\npassword: hunter2: x\n")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("schedule", "bounds", "expected", "todos"),
    [
        ("rate(7 hours)", {"start": "2027-01-01T09:30:00Z"}, {"schedule": "rate(7 hours)"}, ["start"]),
        (
            "rate(7 hours)",
            {"end": "2027-01-01T09:30:00Z", "flexible_window_minutes": 5},
            {"schedule": "rate(7 hours)"},
            ["end", "flexible_window_minutes"],
        ),
        (
            "rate(1 day)",
            {"start": "2027-01-01T00:00:00Z", "timezone": "Asia/Seoul"},
            {"schedule": "0 0 * * *", "start": "2027-01-01T00:00:00Z"},
            [],
        ),
        (
            "rate(1 day)",
            {"start": "2027-01-01T09:30:00Z"},
            {"schedule": "0 0 * * *", "start": "2027-01-01T09:30:00Z"},
            ["ScheduleExpression"],
        ),
        ("rate(15 minutes)", dict(_END), {"schedule": "*/15 * * * *"} | _END, []),
        ("rate(1 hour)", {}, {"schedule": "rate(1 hour)"}, []),
        ("0 3 * * *", dict(_END), {"schedule": "0 3 * * *"} | _END, []),
    ],
)
def test_a_rate_keeps_its_schedule_and_says_what_of_its_bounds_it_has_not(
    schedule: str, bounds: dict[str, Any], expected: dict[str, Any], todos: list[str]
) -> None:
    settings = {"schedule": schedule, **bounds}
    recorder = Recorder(Findings(), "job")
    recorder.carried("StartDate", "…", "start")
    recorder.carried("ScheduleExpression", schedule, "schedule")
    rates.on_the_clock(settings, recorder, "ScheduleExpression")
    assert settings == expected
    assert [each.field for each in recorder.findings.decisions()] == todos
    if "start" in todos:
        first = next(iter(recorder.findings))
        assert first.note == "a rate of jobs.yaml has no start: it counts from its deployment"
        assert first.fate is Fate.NOT_CARRIED
