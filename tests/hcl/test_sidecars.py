"""A job with a file system, limits, memory for files and a sidecar is the same by YAML, HCL and Python, and runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.constructs.template import in_python
from tests.e2e.local_helpers import LocalAws, wait_until
from tests.hcl.terraform import Terraform, copy_modules
from tests.projects import PROJECT

from batchtab import app
from batchtab.constructs.scheduled_job import ScheduledJob
from batchtab.declarations.catalog import load
from batchtab.main_container import main_container

FOREVER = "import time\nprint('up', flush=True)\nwhile True: time.sleep(0.05)"
MAIN = "import os, time\ntime.sleep(1)\nprint(os.environ['BATCHTAB_RUN_ID'], flush=True)"
IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-service:1"
JOB: dict[str, Any] = {
    "command": ["python", "-c", MAIN],
    "memory_mib": 64,
    "volumes": {"data": {"efs_file_system_id": "fs-0123456789abcdef0", "root_directory": "/in"}},
    "mounts": [{"volume": "data", "path": "/data", "read_only": True}],
    "ulimits": {"nofile": {"soft": 256, "hard": 512}},
    "tmpfs": {"/scratch": 16},
    "main_depends_on": {"proxy": "START"},
    "containers": {
        "proxy": {
            "command": ["python", "-c", FOREVER],
            "environment": {"MODE": "${quiet}"},
            "vcpus": 1,
            "memory_mib": 32,
            "mounts": [{"volume": "data", "path": "/out"}],
        }
    },
}
_PROVIDER = {"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}}}


def by_hcl(where: dict[str, Any]) -> dict[str, Any]:
    """A call of the module; text that HCL would take for a template is escaped there."""
    given = json.loads(json.dumps(JOB).replace("${", "$${"))
    return {"module": {"job": {"source": "./modules/scheduled_job", "image": IMAGE, **where, **given}}, **_PROVIDER}


def by_python(where: dict[str, Any]) -> dict[str, Any]:
    """The construct."""
    content = in_python(lambda stack: ScheduledJob(stack, "Default", image=IMAGE, **where, **JOB)).content
    return {key: content[key] for key in ("resource", "data", "locals") if key in content} | _PROVIDER


def by_yaml(root: Path) -> dict[str, Any]:
    """The task of the job definition that a project's files are synthesized to."""
    (root / "config").mkdir(parents=True)
    (root / "jobs" / "reports").mkdir(parents=True)
    (root / "config" / "prod.yaml").write_text((PROJECT / "config" / "example.yaml").read_text())
    job = {**JOB, "image": {"repository": "my-service", "tag": "1"}}
    text = yaml.safe_dump({"service": "reports", "jobs": {"nightly": job}})
    (root / "jobs" / "reports" / "jobs.yaml").write_text(text)
    app.synthesize(load("prod", root), outdir=str(root / "out"))
    [path] = root.glob("out/stacks/jobs-reports/cdk.tf.json")
    definition = json.loads(path.read_text())["resource"]["aws_batch_job_definition"]["nightly_job_definition"]
    # Terraform takes `$${` for `${`.
    return task(json.loads(definition["ecs_properties"].replace("$${", "${")))


def task(properties: dict[str, Any]) -> dict[str, Any]:
    """A task without what is another's in each deployment, and without the empty lists that Batch adds."""
    [found] = properties["taskProperties"]
    kept = {key: value for key, value in found.items() if not key.endswith("RoleArn")}
    for container in kept["containers"]:
        del container["logConfiguration"]["options"]["awslogs-group"]
    return without_empty(kept)


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_empty(item) for key, item in value.items() if item != []}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


@pytest.mark.e2e
@pytest.mark.slow
def test_the_job_is_the_same_at_all_doors_and_ends_with_its_own_container(
    tmp_path: Path,
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
    original_environment: dict[str, Any],
) -> None:
    batch, made = local_aws.client("batch"), {}
    queue = original_environment["queues"]["default"]
    for door, content in (("hcl", by_hcl), ("python", by_python)):
        # GIVEN the job at a door
        where = {"name": "reports-nightly", "namespace": f"door-{door}", "job_queue_arn": queue}
        copy_modules(tmp_path / door)
        (tmp_path / door / "main.tf.json").write_text(json.dumps(content(where)), encoding="utf-8")
        terraform = Terraform(tmp_path / door, terraform_environment)
        terraform.init()
        # WHEN it is applied THEN nothing is left to do
        terraform.do("apply", "-auto-approve", "-input=false")
        terraform.plan_is_empty()
        name = f"door-{door}-reports-nightly"
        [definition] = batch.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]
        assert not definition.get("containerProperties")
        made[door] = task(definition["ecsProperties"])
    # AND all doors made the same
    assert made["hcl"] == made["python"] == by_yaml(tmp_path / "yaml")
    # WHEN it runs with a run's variables, as the function submits it
    variables = [{"name": "BATCHTAB_RUN_ID", "value": "reports-nightly@now"}]
    job_id = batch.submit_job(
        jobName="reports-nightly",
        jobQueue=queue,
        jobDefinition=name,
        ecsPropertiesOverride={"taskProperties": [{"containers": [{"name": "main", "environment": variables}]}]},
    )["jobId"]

    def ended() -> dict[str, Any] | None:
        [job] = batch.describe_jobs(jobs=[job_id])["jobs"]
        return job if job["status"] in ("SUCCEEDED", "FAILED") else None

    job: dict[str, Any] = wait_until(ended, "the job to end", 120)
    # THEN it ends when its own container does, though the other would run for ever
    assert job["status"] == "SUCCEEDED", job
    main = main_container(job)
    assert (main["name"], main["exitCode"]) == ("main", 0)
    # AND the variables have reached it
    stream = {
        "logGroupName": f"/aws/batch/{name.replace('-reports', '/reports', 1)}",
        "logStreamName": main["logStreamName"],
    }
    events = local_aws.client("logs").get_log_events(**stream)["events"]
    assert [event["message"] for event in events] == ["reports-nightly@now"]


@pytest.mark.e2e
@pytest.mark.slow
def test_provider_5_sends_exec_and_no_time_to_end(
    tmp_path: Path,
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
    original_environment: dict[str, Any],
) -> None:
    # GIVEN a job with both in plain Terraform, where nothing of ours can refuse it
    where = {"name": "reports-both", "namespace": "both", "job_queue_arn": original_environment["queues"]["default"]}
    call = {"source": "./modules/scheduled_job", "image": IMAGE, "command": ["true"], **where}
    call |= {"exec": True, "read_only_root_filesystem": False, "grace_seconds": 60}
    copy_modules(tmp_path)
    (tmp_path / "main.tf.json").write_text(json.dumps({"module": {"job": call}, **_PROVIDER}), encoding="utf-8")
    terraform = Terraform(tmp_path, terraform_environment)
    terraform.init()
    # WHEN it is applied
    terraform.do("apply", "-auto-approve", "-input=false")
    # THEN the provider has sent one of them, as `frameworks.without_stop_timeout` and the docs say
    definitions = local_aws.client("batch").describe_job_definitions(jobDefinitionName="both-reports-both")
    [sent] = definitions["jobDefinitions"][0]["ecsProperties"]["taskProperties"]
    assert sent["enableExecuteCommand"] is True
    assert "stopTimeout" not in sent["containers"][0]
