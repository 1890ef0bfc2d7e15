"""docs/from-cloudformation.md, done on local AWS: its blocks are applied, its tables are compared with the plans."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import LocalAws, wait_until
from tests.hcl.terraform import ROOT, Terraform, copy_modules

from batchtab.importers import kinds, source_file
from batchtab.importers.options import Options

PAGE = (ROOT / "docs" / "from-cloudformation.md").read_text(encoding="utf-8")
JOBS = {
    "do-something": ("cron(0 0 * * ? *)", "default", 1800),
    "do-often": ("cron(7/10 * * * ? *)", "continuously", 60),
}


def write_blocks(folder: Path) -> None:
    """The page's blocks as files: each begins with its name."""
    found = re.findall(r"^```hcl\n# (\S+\.tf)[^\n]*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for name, text in found:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def table(section: str) -> dict[str, frozenset[str]]:
    """What a section's table says: address to attributes, `made` or `nothing`; rows without an address go on."""
    text = PAGE[PAGE.index(f"\n## {section}") :]
    rows = re.findall(r"^\|(.*?)\|(.*?)\|.*\|$", text[text.index("| address |") :].split("\n\n")[0], re.MULTILINE)
    said: dict[str, set[str]] = defaultdict(set)
    address = ""
    for first, second in rows[2:]:
        address = first.strip("` ") or address
        said[address] |= set(re.findall(r"`(\w+)`", second)) or {second.strip()}
    return {address: frozenset(changes) for address, changes in said.items()}


def planned(plan: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """What a plan does, in the table's words: keys of `for_each` are `…`, a module that is made is one row."""
    done: dict[str, set[str]] = defaultdict(set)
    for resource in plan["resource_changes"]:
        change = resource["change"]
        address = re.sub(r'\["[^"]*"\]', '["…"]', resource["address"])
        if resource["mode"] == "data":
            continue
        assert "delete" not in change["actions"], f"{address} would be destroyed"
        if change["actions"] == ["create"]:
            whole = re.match(r"module\.(environment|alerts)", address)
            done[whole[0] if whole else address].add("made")
        else:
            assert change.get("importing"), address
            done[address] |= changed(change) or {"nothing"}
    return {address: frozenset(changes) for address, changes in done.items()}


def changed(change: Mapping[str, Any]) -> set[str]:
    """The attributes that a change touches."""
    before, after, unknown = change["before"], change["after"], change["after_unknown"]
    names = before.keys() | after.keys() | unknown.keys()
    return {name for name in names if before.get(name) != after.get(name) or "true" in json.dumps(unknown.get(name))}


@pytest.fixture(scope="module")
def old(local_aws: LocalAws, original_environment: dict[str, Any]) -> dict[str, Any]:
    """The original service's stack, and the cron role's policy, as their templates made them."""
    batch, events = local_aws.client("batch"), local_aws.client("events")
    local_aws.client("ecr").create_repository(repositoryName="my-service")
    statement = {"Effect": "Allow", "Action": "batch:SubmitJob", "Resource": "*"}
    local_aws.client("iam").put_role_policy(
        RoleName="BatchCronRuleRole",
        PolicyName="submit-job",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    for job, (schedule, queue, timeout) in JOBS.items():
        name = f"my-service-{job}"
        definition = batch.register_job_definition(
            jobDefinitionName=name,
            type="container",
            retryStrategy={"attempts": 1},
            timeout={"attemptDurationSeconds": timeout},
            containerProperties={
                "image": "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/my-service:latest",
                "command": ["node", f"app/jobs/{job}"],
                "vcpus": 1,
                "memory": 1024,
                "jobRoleArn": original_environment["roles"]["my-service-job-role"],
            },
        )
        events.put_rule(Name=name, ScheduleExpression=schedule, State="ENABLED")
        target = {
            "Id": job,
            "Arn": original_environment["queues"][queue],
            "RoleArn": original_environment["roles"]["BatchCronRuleRole"],
            "BatchParameters": {"JobDefinition": definition["jobDefinitionArn"], "JobName": name},
        }
        events.put_targets(Rule=name, Targets=[target])
    return original_environment


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's two root modules beside the modules."""
    folder = tmp_path_factory.mktemp("roots")
    copy_modules(folder)
    write_blocks(folder)
    return folder


@pytest.mark.e2e
@pytest.mark.slow
def test_a_service_and_its_environment_move_without_being_recreated(
    old: dict[str, Any], roots: Path, local_aws: LocalAws, terraform_environment: dict[str, str]
) -> None:
    batch, events = local_aws.client("batch"), local_aws.client("events")

    # GIVEN the service's root module
    service = Terraform(roots / "service", terraform_environment)
    service.init()
    # WHEN Terraform plans THEN it changes what the page says, and nothing is made anew
    assert planned(service.plan()) == table("2. The service")
    # WHEN it is applied THEN nothing is left to do
    service.do("apply", "-input=false", "plan.bin")
    service.plan_is_empty()
    # AND the rules submit as before: same names, same schedules, same queues, the newest revision
    for job, (schedule, queue, timeout) in JOBS.items():
        name = f"my-service-{job}"
        assert events.describe_rule(Name=name)["ScheduleExpression"] == schedule
        (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
        assert (target["Id"], target["Arn"]) == (job, old["queues"][queue])
        assert target["BatchParameters"] == {"JobDefinition": name, "JobName": name}
        (active,) = batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
        assert active["revision"] == 2
        assert active["timeout"]["attemptDurationSeconds"] == timeout
        assert active["containerProperties"]["command"] == ["node", f"app/jobs/{job}"]

    # GIVEN the environment's root module
    settings = {
        "TF_VAR_subnet_ids": json.dumps(old["subnets"]),
        "TF_VAR_security_group_ids": json.dumps(old["security_groups"]),
    }
    environment = Terraform(roots / "environment", terraform_environment | settings)
    environment.init()
    # WHEN Terraform plans THEN it changes what the page says
    assert planned(environment.plan()) == table("3. The environment")
    # WHEN it is applied THEN nothing is left to do, there and in the service
    environment.do("apply", "-input=false", "plan.bin")
    environment.plan_is_empty()
    service.plan_is_empty()
    # AND the queues are the ones that were there, on another compute environment
    for queue in batch.describe_job_queues(jobQueues=["default", "continuously"])["jobQueues"]:
        assert queue["jobQueueArn"] == old["queues"][queue["jobQueueName"]]
        (order,) = queue["computeEnvironmentOrder"]
        assert order["computeEnvironment"] != old["compute_environment"]
    # AND the old one can go
    batch.update_compute_environment(computeEnvironment="batch-environment", state="DISABLED")

    def gone() -> bool:
        left = batch.describe_compute_environments(computeEnvironments=["batch-environment"])["computeEnvironments"]
        if left and left[0]["status"] == "VALID":
            batch.delete_compute_environment(computeEnvironment="batch-environment")
        return not left

    wait_until(gone, "the old compute environment to be deleted")


def test_the_command_writes_the_blocks_of_the_service(tmp_path: Path) -> None:
    # GIVEN the original templates, and the exports of their account
    templates = ROOT / "tests" / "fixtures" / "importers" / "cloudformation"
    files = [source_file.read(templates / name) for name in ("my-service.yaml", "environment.yaml")]
    options = Options("my-service", settings={"exports": str(templates / "exports.json"), "modules": "../modules"})
    # WHEN they are imported
    written = kinds.read("cloudformation", files, options).files
    # THEN the files are those that the test above applies, but for comments
    write_blocks(tmp_path)
    assert sorted(written) == ["import.tf", "main.tf"]
    for name, text in written.items():
        assert _code(text) == _code((tmp_path / "service" / name).read_text(encoding="utf-8")), name


def _code(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_each_block_of_the_page_is_a_file() -> None:
    # A block that the test above does not read would be a block that nobody has tried.
    names = re.findall(r"^```hcl\n(.*)$", PAGE, re.MULTILINE)
    files = sorted(name.split(":")[0] for name in names)
    assert files == ["# environment/import.tf", "# environment/main.tf", "# service/import.tf", "# service/main.tf"]
    assert all(table(section) for section in ("2. The service", "3. The environment"))
