"""A module by its git address, five jobs with `for_each`, on local AWS: applied, nothing left to do, run, destroyed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import LocalAws, wait_until
from tests.hcl.terraform import ROOT, Terraform

TAG = "v0.0.1-test"
JOBS = ("settle", "sync-stock", "rebuild-index", "mail", "clean-up")

ROOT_MODULE = """
variable "job_queue_arn" {{ type = string }}
variable "before" {{ default = "once" }}

resource "terraform_data" "before" {{
  input = var.before
}}

locals {{
  jobs = {{
    settle        = {{ schedule = "cron(0 0 * * ? *)" }}
    sync-stock    = {{ schedule = "cron(7/10 * * * ? *)" }}
    rebuild-index = {{ schedule = null }}
    mail          = {{ schedule = "rate(1 day)" }}
    clean-up      = {{ schedule = "rate(1 hour)" }}
  }}
}}

module "job" {{
  source   = "git::file://{repository}//modules/scheduled_job?ref={tag}"
  for_each = local.jobs

  name          = "my-service-${{each.key}}"
  namespace     = "from-git"
  image         = "my-service:latest"
  command       = ["sh", "-c", "echo ${{each.key}} for $AWS_BATCH_JQ_NAME"]
  job_queue_arn = var.job_queue_arn
  schedule      = each.value.schedule
  environment   = {{ JOB = each.key, LITERAL = "$${{HOME}}" }}

  depends_on = [terraform_data.before]
}}

module "counted" {{
  source = "git::file://{repository}//modules/scheduled_job?ref={tag}"
  count  = 1

  name          = "my-service-counted"
  namespace     = "from-git"
  image         = "my-service:latest"
  command       = ["true"]
  job_queue_arn = var.job_queue_arn
}}

output "job_definition_names" {{
  value = {{ for name, job in module.job : name => job.job_definition_name }}
}}
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that holds the working tree's tracked and new files under a tag, as a release would."""
    folder = tmp_path_factory.mktemp("repository")

    def git(*arguments: str, cwd: Path = folder) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, text=True, timeout=300
        ).stdout

    for name in git("ls-files", "--cached", "--others", "--exclude-standard", "modules", cwd=ROOT).splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "release")
    git("tag", TAG)
    bare = tmp_path_factory.mktemp("bare")
    git("clone", "-q", "--bare", str(folder), str(bare / "batchtab.git"), cwd=bare)
    return bare / "batchtab.git"


@pytest.mark.e2e
@pytest.mark.slow
def test_five_jobs_from_a_tag(
    repository: Path,
    tmp_path: Path,
    local_aws: LocalAws,
    terraform_environment: dict[str, str],
    original_environment: dict[str, Any],
) -> None:
    # GIVEN a root module that takes the job module by its git address and tag
    (tmp_path / "main.tf").write_text(ROOT_MODULE.format(repository=repository, tag=TAG), encoding="utf-8")
    queue = original_environment["queues"]["default"]
    terraform = Terraform(tmp_path, {**terraform_environment, "TF_VAR_job_queue_arn": queue})
    terraform.init()
    # WHEN it is applied
    out = terraform.do("apply", "-auto-approve", "-input=false")
    assert "Warning" not in out, out
    # THEN nothing is left to do
    terraform.plan_is_empty()
    # AND when something that the jobs wait for changes, nothing but that does
    done = terraform.run("plan", "-input=false", "-no-color", "-var=before=twice")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in done.stdout, done.stdout
    # AND each job runs, by the name of its definition alone
    batch, logs = local_aws.client("batch"), local_aws.client("logs")
    ids = {
        name: batch.submit_job(
            jobName=f"my-service-{name}", jobQueue=queue, jobDefinition=f"from-git-my-service-{name}"
        )["jobId"]
        for name in JOBS
    }

    def ended() -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = batch.describe_jobs(jobs=list(ids.values()))["jobs"]
        return jobs if all(job["status"] in {"SUCCEEDED", "FAILED"} for job in jobs) else []

    jobs = {job["jobName"]: job for job in wait_until(ended, "five jobs to end", seconds=60)}
    assert {job["status"] for job in jobs.values()} == {"SUCCEEDED"}, jobs
    # AND writes to its own log group
    for name in JOBS:
        stream = jobs[f"my-service-{name}"]["container"]["logStreamName"]
        group = f"/aws/batch/from-git/my-service-{name}"
        events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
        assert [event["message"] for event in events] == [f"{name} for default"]
    # WHEN it is destroyed
    destroyed = terraform.do("destroy", "-auto-approve", "-input=false")
    assert "Destroy complete!" in destroyed
    # THEN nothing of it is left
    left = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert [d["jobDefinitionName"] for d in left if d["jobDefinitionName"].startswith("from-git")] == []
    rules = local_aws.client("events").list_rules(NamePrefix="from-git")["Rules"]
    assert rules == []
