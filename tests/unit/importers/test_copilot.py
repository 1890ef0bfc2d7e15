"""Scheduled jobs of AWS Copilot: each field, real manifests, and manifests that are broken or mean harm."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.unit.importers import sources

from batchtab.errors import UsageError
from batchtab.importers import importing
from batchtab.importers.findings import Finding
from batchtab.importers.importing import Result
from batchtab.importers.kinds.copilot import schedule
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, read

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "importers" / "copilot"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:r-a1B2c3"
PROD = {"environment": "prod", "application": "shop"}
BASE = {
    "name": "job",
    "type": "Scheduled Job",
    "image": {"location": "ghcr.io/example/app:1"},
    "command": ["run"],
    "on": {"schedule": "@daily"},
}


def of_files(*names: str, settings: dict[str, str] | None = None) -> Result:
    return importing.run(
        "copilot",
        [read(FIXTURES / name) for name in names],
        Options(settings=PROD if settings is None else settings),
        since=sources.SINCE,
        years=2,
        is_proven=True,
        command="batchtab import copilot",
    )


def of(manifest: dict[str, Any] | None = None, settings: dict[str, str] | None = None, **fields: Any) -> Result:
    options = {key: fields.pop(key) for key in ("account", "region", "is_fargate") if key in fields}
    return of_text(json.dumps({**(BASE if manifest is None else manifest), **fields}), settings, **options)


def of_text(text: str, settings: dict[str, str] | None = None, **options: Any) -> Result:
    return importing.run(
        "copilot",
        [SourceFile(Path("copilot/job/manifest.yml"), text)],
        Options(settings=PROD if settings is None else settings, **options),
        since=sources.SINCE,
        years=1,
        is_proven=True,
        command="batchtab import copilot",
    )


def job(result: Result) -> dict[str, Any]:
    (found,) = sources.jobs(result).values()
    return dict(found)


def finding(result: Result, end: str) -> Finding:
    found = [each for each in result.imported.findings if each.field.endswith(end)]
    assert found, [each.field for each in result.imported.findings]
    return sorted(found, key=lambda each: not each.todo)[0]


# --- the schedule, as Copilot's own tests have it (scheduled_job_test.go)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0 * * * *", "cron(0 * * * ? *)"),
        ("0 9 3-15 * *", "cron(0 9 3-15 * ? *)"),
        ("0 9 * * 1-5", "cron(0 9 ? * 2-6 *)"),
        ("0 9 * * MON-FRI", "cron(0 9 ? * MON-FRI *)"),
        ("0 9 * * ?", "cron(0 9 * * ? *)"),
        ("0 9 ? * 0", "cron(0 9 ? * 1 *)"),
        ("*/5   *  * * *", "cron(*/5 * * * ? *)"),
        ("0 0 */2 * *", "cron(0 0 * * ? *)"),
        ("@hourly", "cron(0 * * * ? *)"),
        ("@weekly", "cron(0 0 ? * 1 *)"),
        ("@annually", "cron(0 0 1 1 ? *)"),
        ("@every 5m", "rate(5 minutes)"),
        ("@every 1h30m", "rate(90 minutes)"),
        ("@every 60s", "rate(1 minute)"),
        ("cron(0 9 3W * ? *)", "cron(0 9 3W * ? *)"),
        ("rate(5 minutes)", "rate(5 minutes)"),
    ],
)
def test_copilot_makes_a_rule_of_the_schedule(text: str, rule: str) -> None:
    assert schedule.of_rule(text) == rule
    result = of(on={"schedule": text})
    assert result.proven[0].fires.clock.expression == rule
    assert result.proven[0].is_equal


@pytest.mark.parametrize(
    "text",
    [
        *("0 9 1 * 1", "@every 30s", "@every 1m5s", "@every soon", "@sometimes", "None", "0 9 * *", "0 9 * * 7"),
        *("rate(5 minute)", "cron(0 9 * * *)", "CRON_TZ=Asia/Seoul 0 6 * * *", "0 0 * * 1-5/2", "61 * * * *"),
    ],
)
def test_a_schedule_that_would_not_be_deployed_leaves_the_job_without_one(text: str) -> None:
    result = of(on={"schedule": text})
    assert "schedule" not in job(result)
    assert finding(result, "on.schedule").todo == "write schedule"


def test_a_step_that_copilot_drops_needs_a_decision() -> None:
    result = of(on={"schedule": "0 5 */2 * *"})
    assert job(result)["schedule"] == "cron(0 5 * * ? *)"
    assert "drops the step" in finding(result, "on.schedule").note
    assert result.needs_person


def test_none_is_no_schedule() -> None:
    result = of(on={"schedule": "none"})
    assert "schedule" not in job(result)
    assert not result.needs_person


# --- fields


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"retries": 3}, "attempts", 4),
        ({"timeout": "1h30m"}, "timeout_seconds", 5400),
        ({"timeout": "5s"}, "timeout_seconds", 60),
        ({}, "timeout_seconds", 1_209_600),
        ({"cpu": 1024, "memory": 2048}, "vcpus", 1),
        ({"cpu": 256, "memory": 1024}, "memory_mib", 1024),
        ({}, "memory_mib", 512),
        ({"platform": "linux/arm64"}, "architecture", "arm64"),
        ({"platform": {"osfamily": "linux", "architecture": "arm64"}}, "architecture", "arm64"),
        ({"command": "sh -c 'a b'"}, "command", ["sh", "-c", "a b"]),
        ({}, "assign_public_ip", True),
        ({"exec": True}, "exec", True),
        ({"exec": {"enable": True}}, "exec", True),
        ({"storage": {"ephemeral": 40}}, "ephemeral_storage_gib", 40),
        ({}, "read_only_root_filesystem", False),
        ({"image": {"location": "r.example/x:1", "credentials": SECRET}}, "registry_credentials", SECRET),
        ({"secrets": {"A": "a", "B": "/b/c", "C": {"secretsmanager": "d/e"}}}, "secrets",
         {"A": "ssm:a", "B": "/b/c", "C": "secretsmanager:d/e"}),
    ],
)  # fmt: skip
def test_a_field_of_a_manifest_is_a_jobs_field(fields: dict[str, Any], name: str, value: object) -> None:
    assert job(of(**fields))[name] == value


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"network": {"vpc": {"placement": "private"}}}, "assign_public_ip"),
        ({"network": {"vpc": {"placement": {"subnets": ["subnet-1"]}}}}, "assign_public_ip"),
        ({"storage": {"readonly_fs": True}}, "read_only_root_filesystem"),
        ({"exec": False}, "exec"),
        ({"retries": 0}, "attempts"),
    ],
)
def test_what_is_jobs_yamls_default_is_not_written(fields: dict[str, Any], name: str) -> None:
    assert name not in job(of(**fields))


@pytest.mark.parametrize(
    ("fields", "end", "todo"),
    [
        ({"image": {"build": "./Dockerfile"}}, "image.build", "build and push it"),
        ({"image": {"build": {"dockerfile": "D", "target": "t"}}}, "image.build.dockerfile", "build and push it"),
        ({"entrypoint": ["tini", "--"]}, "entrypoint", "no ENTRYPOINT"),
        ({"command": []}, "command", "write the image's CMD"),
        ({"env_file": "log.env"}, "env_file", "write its variables"),
        ({"retries": 20}, "retries", "at most 10"),
        ({"timeout": "soon"}, "timeout", "write timeout_seconds"),
        ({"platform": "windows/x86_64"}, "platform", "build an image for Linux"),
        ({"variables": {"A": {"from_cfn": "x"}}}, "variables.A", "write environment"),
        ({"variables": {"A": "${GIT_TAG}"}}, "variables.A", "write its value"),
        ({"variables": {"DB_PASSWORD": "hunter2hunter2"}}, "variables.DB_PASSWORD", "store it"),
        ({"secrets": {"A": {"from_cfn": "x"}}}, "secrets.A.from_cfn", "write secrets"),
        ({"storage": {"volumes": {"v": {"path": "/v", "efs": True}}}}, "volumes.v.efs", "make a file system"),
        ({"storage": {"volumes": {"v": {"path": "/v", "efs": {"uid": 1}}}}}, "efs.uid", "make a file system"),
        ({"publish": {"topics": [{"name": "t"}]}}, "topics[0].name", "make a topic"),
        ({"logging": {"destination": {"Name": "x"}}}, "logging.destination", "no FireLens"),
        ({"taskdef_overrides": [{"path": "Cpu", "value": 1}]}, "taskdef_overrides.Cpu", "write it as a field"),
        ({"image": {"location": "x", "depends_on": {"s": "healthy"}}}, "depends_on.s", "choose one of them"),
        ({"network": {"vpc": {"security_groups": ["sg-1"]}}}, "subnets and security groups", "config/<stage>.yaml"),
        ({"new_field": {"a": 1}}, "new_field.a", "decide whether"),
        ({"environments": {"test": {"cpu": 512}}}, "environments.test.cpu", ""),
    ],
)
def test_what_jobs_yaml_does_not_have_is_said(fields: dict[str, Any], end: str, todo: str) -> None:
    result = of(**fields)
    found = finding(result, end)
    assert todo in found.todo
    assert bool(found.todo) is bool(todo)
    assert "hunter2" not in result.jobs_text + result.report_text


def test_an_environment_is_merged_over_the_manifest() -> None:
    manifest = {
        **BASE,
        "cpu": 256,
        "variables": {"A": "1", "B": "2"},
        "environments": {
            "prod": {"cpu": 1024, "memory": 2048, "variables": {"A": "9"}, "image": {"build": "./D"}, "timeout": None},
            "test": {"cpu": 512},
        },
    }
    result = of(manifest)
    found = job(result)
    assert (found["vcpus"], found["environment"]["A"], found["environment"]["B"]) == (1, "9", "2")
    assert finding(result, "location").note == "environments.prod.image replaces it"
    # AND without a choice a person has to make it
    assert "choose an environment: --set environment=prod" in finding(of(manifest, settings={}), "prod.cpu").todo


def test_application_environment_account_and_region_complete_the_job() -> None:
    fields: dict[str, Any] = {
        "publish": {"topics": [{"name": "orders", "fifo": True}]},
        "secrets": {"A": "/copilot/${COPILOT_APPLICATION_NAME}/${COPILOT_ENVIRONMENT_NAME}/secrets/A"},
        "image": {"build": "./Dockerfile"},
    }
    found = job(of(**fields, account="123456789012", region="eu-west-1"))
    arn = "arn:aws:sns:eu-west-1:123456789012:shop-prod-job-orders.fifo"
    assert found["permissions"] == [{"actions": ["sns:Publish"], "resources": [arn]}]
    assert found["secrets"] == {"A": "/copilot/shop/prod/secrets/A"}
    assert found["image"] == {"repository": "shop/job", "tag": "latest"}
    assert found["environment"]["COPILOT_APPLICATION_NAME"] == "shop"
    assert finding(of(**fields, settings={}), "secrets.A").todo == "import with --set application=NAME"


def test_volumes_and_sidecars_are_carried() -> None:
    result = of_files("02-job-manifest.yml")
    found = job(result)
    assert found["volumes"]["byo"]["access_point_id"] == "fsap-0123456789abcdef0"
    assert found["mounts"][0] == {"volume": "byo", "path": "/data", "read_only": True}
    assert found["containers"]["nginx"]["essential"] is True
    assert found["containers"]["nginx"]["mounts"] == [{"volume": "byo", "path": "/var/www", "read_only": True}]
    assert found["main_depends_on"] == {"nginx": "START"}


def test_on_ec2_sidecars_have_a_size_and_instance_types_decide() -> None:
    sidecars = {"s": {"image": "ghcr.io/example/s:1"}}
    found = job(of(sidecars=sidecars, platform="linux/arm64", is_fargate=False))
    assert (found["containers"]["s"]["vcpus"], found["containers"]["s"]["memory_mib"]) == (1, 512)
    assert "architecture" not in found
    assert "assign_public_ip" not in found


def test_a_setting_that_copilot_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="environment, application"):
        of(settings={"stage": "prod"})


# --- real manifests

REAL = [path.name for path in sorted(FIXTURES.glob("*.yml")) if not path.name.startswith("12")]


@pytest.mark.parametrize("name", REAL)
def test_real_manifests_are_imported(name: str) -> None:
    result = of_files(name)
    golden = json.loads((FIXTURES / "golden.json").read_text(encoding="utf-8"))
    assert sources.jobs(result) == golden[name]
    assert result.needs_person
    assert all(each.is_equal for each in result.proven)
    assert len(result.proven) == (0 if name.startswith("06") else 1)
    fates = Counter(str(each.fate) for each in result.imported.findings)
    assert fates == golden["findings"][name]


def test_all_real_manifests_are_one_service() -> None:
    result = of_files(*REAL)
    assert result.service == "shop"
    assert len(sources.jobs(result)) == len(REAL) == 11
    assert result.imported.jobs[0].origin == "copilot/01-report-generator.yml:2"


def test_another_type_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="type 'Load Balanced Web Service'"):
        of_files("12-service.yml")
    # AND among jobs it is a finding
    result = of_files("01-report-generator.yml", "12-service.yml")
    assert finding(result, "type").value == "Load Balanced Web Service"
    assert [*sources.jobs(result)] == ["report-generator"]


# --- no field is dropped silently


def outcome(document: Any) -> str:
    stream = io.StringIO()
    YAML().dump(document, stream)
    try:
        return sources.outcome(of_text(stream.getvalue()))
    except UsageError as error:
        return str(error)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["01-report-generator.yml", "02-job-manifest.yml", "10-us-price-updater.yml"])
def test_no_field_of_a_manifest_is_without_effect(name: str) -> None:
    document = YAML().load((FIXTURES / name).read_text(encoding="utf-8"))
    whole = outcome(document)
    assert [path for path, changed in sources.without_one(document) if outcome(changed) == whole] == []


# --- broken and harmful manifests


@pytest.mark.parametrize(
    "text",
    [
        *("", "hello", "- a\n- b\n", "type: Scheduled Job\n  x: 1", "type: !!python/object/apply:os.system [ls]"),
        *("name: a", "type: {a: b}", "on:\n  schedule: @daily\ntype: Scheduled Job\n", "a: " + "[" * 4000),
        "a0: &a0 [x,x,x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{f'*a{n},' * 9}]\n" for n in range(9)),
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        of_text(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": None, "image": 7, "on": ["x"], "cpu": "lots", "memory": 10**30, "retries": -1, "timeout": ["1h"]},
        {"name": "ジョブ", "variables": {"é": "ü", "A": [1]}, "secrets": ["x"], "sidecars": {"s": 7}, "storage": "x"},
        {
            "command": "a 'b",
            "entrypoint": {"a": 1},
            "network": {"vpc": 7},
            "publish": {"topics": [7, {"name": {"a": 1}}]},
        },
        {
            "storage": {"volumes": {"v": 7, "w": {"path": ["x"], "efs": [1]}}},
            "sidecars": {"main": {"image": {"build": "x"}}},
        },
        {
            "environments": {"prod": 7},
            "taskdef_overrides": 7,
            "logging": [1],
            "exec": "maybe",
            "count": {"range": "1-10"},
        },
        {"secrets": {"A": 7, "B": None, "C": {"x": "y"}, "D": {"secretsmanager": ["x"]}}, "image": {"location": ["x"]}},
        {
            "environments": 7,
            "image": {"depends_on": {"x": 1}, "healthcheck": {"a": 1}},
            "platform": 7,
            "on": {"schedule": 5},
        },
    ],
)
def test_values_of_the_wrong_kind_are_findings(fields: dict[str, Any]) -> None:
    assert of(**fields).needs_person


@pytest.mark.parametrize(
    ("address", "field", "takes"),
    [
        ("my image:1", "image.repository", "a registry's host, '/' and a path"),
        ("my image:::1", "image.tag", "letters, digits"),
        ("nginx@sha256:abc", "image.digest", "'sha256:' and 64 hexadecimal digits"),
        ("nginx:a:b", "image.tag", "letters, digits"),
        ("@", "image.digest", "'sha256:'"),
    ],
)
def test_a_malformed_image_is_said_to_be_malformed_and_not_to_be_missing(address: str, field: str, takes: str) -> None:
    text = json.dumps(
        {
            "name": "nightly",
            "type": "Scheduled Job",
            "on": {"schedule": "@daily"},
            "image": {"location": address},
            "command": "run",
        }
    )
    result = sources.imported("copilot", text, "manifest.yml")
    assert "image" not in sources.jobs(result)["nightly"]
    found = {each.field: each.note for each in result.imported.findings.decisions()}
    assert found[field].startswith(f"jobs.yaml refuses it, and takes: {takes}")
    assert not any("is missing" in each or "neither tag nor" in each for each in found.values())
