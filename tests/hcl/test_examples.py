"""`terraform validate` and `terraform test` on each HCL example, as it stands in the repository."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import LocalAws
from tests.hcl.terraform import EXAMPLE_FILES, EXAMPLES, MOCKS, ROOT, Terraform, copy, copy_modules

HERE = Path(__file__).parent / "examples"
NAMES = sorted(path.name for path in EXAMPLES.glob("hcl-*"))


def test_each_example_has_a_test() -> None:
    assert sorted(path.name.removesuffix(".tftest.hcl") for path in HERE.glob("*.tftest.hcl")) == NAMES


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_terraform_tests_the_example(name: str, tmp_path: Path) -> None:
    # GIVEN a copy of an example beside the modules that it names
    copy_modules(tmp_path)
    folder = copy(EXAMPLES / name, tmp_path / "examples" / name, EXAMPLE_FILES)
    copy(HERE, folder, [f"{name}.tftest.hcl"])
    copy(MOCKS, folder / "mocks", ["*.tfmock.hcl"])
    terraform = Terraform(folder)
    terraform.init()
    # THEN Terraform has no objection to it
    assert json.loads(terraform.run("validate", "-json").stdout)["diagnostics"] == []
    # AND its tests pass, without a warning
    out = terraform.do("test")
    assert re.search(r"Success! [1-9]\d* passed, 0 failed\.", out), out
    assert "Warning" not in out, out


@pytest.mark.e2e
@pytest.mark.slow
def test_a_company_that_has_batch_keeps_what_it_has(
    tmp_path: Path,
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
    original_environment: dict[str, Any],
) -> None:
    # GIVEN a queue and roles that were there
    copy_modules(tmp_path)
    folder = copy(EXAMPLES / "hcl-existing", tmp_path / "examples" / "hcl-existing", EXAMPLE_FILES)
    names = {"TF_VAR_job_role_name": "my-service-job-role", "TF_VAR_trigger_role_name": "BatchCronRuleRole"}
    terraform = Terraform(folder, terraform_environment | names)
    terraform.init()
    # WHEN the example is applied
    out = terraform.do("apply", "-auto-approve", "-input=false")
    # THEN three resources are made, and nothing is left to do
    assert "Apply complete! Resources: 3 added, 0 changed, 0 destroyed." in out
    terraform.plan_is_empty()
    (target,) = local_aws.client("events").list_targets_by_rule(Rule="my-service-do-something")["Targets"]
    assert target["Arn"] == original_environment["queues"]["default"]
    assert target["RoleArn"] == original_environment["roles"]["BatchCronRuleRole"]
    assert target["BatchParameters"] == {
        "JobDefinition": "my-service-do-something",
        "JobName": "my-service-do-something",
    }
    # AND destroying it leaves what was there
    assert "3 destroyed" in terraform.do("destroy", "-auto-approve", "-input=false")
    assert len(local_aws.client("batch").describe_job_queues()["jobQueues"]) == 2


def test_one_job_takes_less_than_30_lines() -> None:
    assert len((EXAMPLES / "hcl-minimal" / "main.tf").read_text(encoding="utf-8").splitlines()) < 30


def test_everything_is_formatted() -> None:
    for folder in (EXAMPLES, Path(__file__).parent):
        done = Terraform(ROOT).run("fmt", "-check", "-recursive", str(folder))
        assert done.returncode == 0, f"run: terraform fmt -recursive {folder.relative_to(ROOT)}\n{done.stdout}"
