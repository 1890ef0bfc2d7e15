"""From a pull request to what is deployed: the workflows' own steps, on local AWS and a small GitHub."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.checkout import ROOT, Checkout
from tests.e2e.ci_roles import CiRoles, use_network
from tests.e2e.deployed import started
from tests.unit.github import fake_github
from tests.unit.github.fake_github import REPOSITORY, TOKEN, FakeGitHub

from batchtab.runner_image import build

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("pull_request"), pytest.mark.timeout(3600)]

ZEROS = f"sha256:{'0' * 64}"
# The real one fetches a base image, which not every machine can; what counts here is that it is built, and its digest.
DOCKERFILE = "FROM scratch\nCOPY jobs /app/jobs\n"
# One job in the shared image, one in its own: each further stack or queue costs each of some fifteen plans.
JOBS = """
service: my-service
defaults: {vcpus: 1, memory_mib: 512, timeout_seconds: 60}
jobs:
  do-something: {command: [node, app/jobs/do-something], schedule: cron(0 0 * * ? *)}
  do-often:
    command: [node, app/jobs/do-often]
    image: {repository: my-service, tag: latest}
    schedule: cron(7/10 * * * ? *)
"""
FINDINGS = json.dumps({"summary": {"passed": 3, "failed": 0, "skipped": 0, "parsing_errors": 0}, "results": {}})
SUBNET, SECURITY_GROUP = "subnet-00000000", "sg-00000000"


@dataclass
class Runner:
    """Runs a workflow's commands as GitHub's machine would: one after the other, variables and outputs in between."""

    checkout: Checkout
    roles: CiRoles
    hub: FakeGitHub
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 100)))

    def run(self, workflow: str, event: str, *, pull_request: int | None = None, sha: str = "abc123") -> list[str]:
        """Runs all jobs of a workflow; what each command said.

        Raises:
            Failed: a command ended with another status than 0.
        """
        body = yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text())
        files = {name: self.folder / f"{name}-{next(self.numbers)}" for name in ("env", "output", "event")}
        files["event"].write_text(json.dumps({"pull_request": {"number": pull_request}} if pull_request else {}))
        files["env"].touch()
        base = {
            "BATCHTAB_STAGE": "local",
            "BATCHTAB_STAGES": '["local"]',
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": str(files["event"]),
            "GITHUB_ENV": str(files["env"]),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_SHA": sha,
        }
        said = []
        for job in body["jobs"].values():
            files["env"].write_text("")  # variables end with their job
            digest = _last_digest(files["output"])
            given = {"BATCHTAB_SYNTHESIZED_DIGEST": digest} if "BATCHTAB_SYNTHESIZED_DIGEST" in job["env"] else {}
            keys: dict[str, str] = {}
            for step in job["steps"]:
                if (match := re.search(r"event_name == '(\w+)'", step.get("if", ""))) and match[1] != event:
                    continue
                if taken := re.search(r"outputs\.(\w+)_role_arn", step.get("with", {}).get("role-to-assume", "")):
                    keys = self.roles.take(taken[1])
                if "run" not in step:
                    continue
                words = shlex.split(step["run"])
                if words[0] != ".venv/bin/batchtab":  # set-up is the machine's
                    continue
                words = [word for word in words if word != "--scan"]  # and so is checkov
                if words[1:3] == ["ci", "summary"]:
                    (self.checkout.root / "plan" / "checkov.json").write_text(FINDINGS)
                variables = dict(line.split("=", 1) for line in files["env"].read_text().splitlines())
                token = {"GITHUB_TOKEN": TOKEN} if "GITHUB_TOKEN" in step.get("env", {}) else {}
                done = self.checkout.run(*words[1:], env={**base, **given, **variables, **token, **keys})
                if done.returncode and not step.get("continue-on-error"):
                    raise Failed(step["run"], done)
                said.append(done.stdout)
        return said


def _last_digest(outputs: Path) -> str:
    """What the job that synthesizes said to the others."""
    lines = outputs.read_text().splitlines() if outputs.exists() else []
    return next((line.removeprefix("digest=") for line in reversed(lines) if line.startswith("digest=")), "")


class Failed(Exception):  # noqa: N818
    def __init__(self, command: str, done: subprocess.CompletedProcess[str]) -> None:
        super().__init__(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        self.status, self.stderr = done.returncode, done.stderr


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A checkout with a local AWS of its own, an account that has a network only, and a GitHub."""
    root = tmp_path_factory.mktemp("pull-request")
    Checkout.make(
        root,
        jobs=["my-service"],
        network={"subnet_ids": [SUBNET], "security_group_ids": [SECURITY_GROUP]},
        environment={"capacity": "EC2", "queues": {"default": 5}},
        alerts={"channel": "#cron-error"},
    )
    (root / "jobs" / "examples" / "jobs.yaml").unlink()  # its queues are not there
    (root / "jobs" / "my-service" / "jobs.yaml").write_text(JOBS)
    (root / "jobs" / "Dockerfile").write_text(DOCKERFILE)
    with started(root, root / ".batchtab") as local, fake_github.running() as hub:
        roles = CiRoles(Checkout(root, local.port), REPOSITORY)
        use_network(roles.checkout)
        roles.make(local)
        folder = root / ".batchtab" / "actions"
        folder.mkdir()
        yield Runner(roles.checkout, roles, hub, folder)
        assert roles.denied() == []


def merge(runner: Runner, pull_request: int, sha: str) -> None:
    """What GitHub knows when a pull request whose plan was made is merged."""
    run = 1 + len(runner.hub.runs)
    head = {"sha": f"{run:040x}", "ref": f"branch-{run}", "repo": {"full_name": REPOSITORY}}
    runner.hub.add_pull(pull_request, sha, head=head)
    runner.hub.add_run(run, head["sha"], head_branch=head["ref"])
    reviewed = (runner.checkout.root / "plan" / "reviewed.json").read_bytes()
    runner.hub.add_artifact(run, f"reviewed-local-{pull_request}", reviewed_json=reviewed)


def spoil(runner: Runner, old: str, new: str) -> None:
    path = runner.checkout.root / "jobs" / "my-service" / "jobs.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def comment(runner: Runner, number: int) -> str:
    (only,) = runner.hub.comments[number]
    return str(only["body"])


def rule(runner: Runner) -> str:
    found: dict[str, Any] = runner.checkout.client("events").describe_rule(Name="batchtab-local-my-service-do-often")
    return str(found["ScheduleExpression"])


def image(runner: Runner, name: str) -> str:
    found = runner.checkout.client("batch").describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    newest = max(found["jobDefinitions"], key=lambda definition: int(definition["revision"]))
    return str(newest["containerProperties"]["image"])


def can_build() -> bool:
    try:
        build.find_builder()
    except build.BuildError:
        return False
    return True


# One story in order: what is deployed by one part is what the next begins with.


def test_from_an_empty_account_by_pull_requests(runner: Runner) -> None:
    if not can_build():
        pytest.skip("nothing here builds images")
    first_deployment(runner)
    schedule_change(runner)
    not_what_was_reviewed(runner)
    pushed_to_again(runner)
    second_run_does_nothing(runner)
    by_hand(runner)
    drift(runner)


def first_deployment(runner: Runner) -> None:
    # GIVEN an account without anything of ours, and a pull request
    runner.run("plan", "pull_request", pull_request=1)
    # THEN its comment tells all jobs as new, though no stack but the first can be planned as it is
    told = comment(runner, 1)
    assert re.match(r"<!-- batchtab: plan of local -->\n## batchtab-local: \d+ jobs are new \(\d+ to create\)\n", told)
    for name in ("my-service-do-something", "my-service-do-often"):
        assert f"<b>{name}</b> (new): " in told
    assert "planned before what it reads from is deployed" in told
    assert "checkov: nothing found (3 checks passed" in told
    # AND the image that nobody has built yet is told so
    assert "batchtab-runner (to be built by the deployment)" in told
    # WHEN it is merged
    merge(runner, 1, "c1")
    said = runner.run("deploy", "push", sha="c1")
    # THEN all stacks are applied, each with what was reviewed
    applied = re.findall(r"^(\S+): applied: (\d+) to add, 0 to change, 0 to destroy", "\n".join(said), re.MULTILINE)
    assert [stack for stack, _ in applied] == ["environment", "jobs-my-service"]
    # AND jobs without an image run the very one that was built and pushed
    digest = pushed_digest(runner)
    assert digest != ZEROS
    assert image(runner, "batchtab-local-my-service-do-something").endswith(f"/batchtab-runner@{digest}")
    # AND those with an image of their own keep it
    assert image(runner, "batchtab-local-my-service-do-often").endswith("/my-service:latest")


def pushed_digest(runner: Runner) -> str:
    images = runner.checkout.client("ecr").describe_images(repositoryName="batchtab-runner")["imageDetails"]
    (only,) = images
    assert re.fullmatch(r"src-[0-9a-f]{32}", only["imageTags"][0])
    return str(only["imageDigest"])


def schedule_change(runner: Runner) -> None:
    # GIVEN a pull request that changes a schedule
    spoil(runner, "cron(7/10 * * * ? *)", "cron(2/5 * * * ? *)")
    runner.run("plan", "pull_request", pull_request=2)
    told = comment(runner, 2)
    # THEN the comment names the job, the old and the new schedule, and the next runs
    assert re.search(
        r"\*\*my-service-do-often\*\* \(changed\): every 10 minutes from minute 7 → every 5 minutes from minute 2,"
        r" next runs .*\d\d:\d[27], .*\d\d:\d[27], .*\d\d:\d[27]\n",
        told,
    )
    assert "`cron(7/10 * * * ? *)`" in told
    assert "`cron(2/5 * * * ? *)`" in told
    # (the trigger is tried for less long as well, since a late run would start beside the next)
    assert told.splitlines()[1] == "## batchtab-local: 1 job changes (2 to update)"
    # AND only its service was planned, which the comment says
    assert "Not planned (unchanged since the last deployment): `environment`." in told
    assert [path.name for path in (runner.checkout.root / "plan").glob("*.plan.json")] == ["jobs-my-service.plan.json"]


def not_what_was_reviewed(runner: Runner) -> None:
    # GIVEN a merge that brings something else than its plan showed
    merge(runner, 2, "unlike")
    spoil(runner, "cron(2/5 * * * ? *)", "cron(3/5 * * * ? *)")
    # WHEN it is to be deployed
    with pytest.raises(Failed) as caught:
        runner.run("deploy", "push", sha="unlike")
    # THEN nothing is applied, and it says what differs
    assert caught.value.status == 3
    assert "update aws_cloudwatch_event_rule.do_often_rule: its values are not the reviewed ones" in caught.value.stderr
    assert "not applied: this is not the plan that was reviewed" in caught.value.stderr
    assert rule(runner) == "cron(7/10 * * * ? *)"
    # AND a commit that nobody reviewed is not deployed either
    with pytest.raises(Failed) as unseen:
        runner.run("deploy", "push", sha="unseen")
    assert unseen.value.status == 3
    assert "it came by no pull request" in unseen.value.stderr


def pushed_to_again(runner: Runner) -> None:
    # WHEN the pull request is pushed to again THEN the same comment says what is new
    runner.run("plan", "pull_request", pull_request=2)
    assert "every 5 minutes from minute 3" in comment(runner, 2)
    # WHEN it is merged THEN the rule has it
    merge(runner, 2, "c2")
    said = "\n".join(runner.run("deploy", "push", sha="c2"))
    assert "jobs-my-service: applied: 0 to add, 2 to change, 0 to destroy" in said
    assert rule(runner) == "cron(3/5 * * * ? *)"


def second_run_does_nothing(runner: Runner) -> None:
    before = pushed_digest(runner)
    said = runner.run("deploy", "push", sha="c2")
    assert "Nothing to apply" in said[-1]
    assert "applied" not in "\n".join(said)
    # AND no image was built
    assert pushed_digest(runner) == before


def by_hand(runner: Runner) -> None:
    # GIVEN a change that came by no pull request
    spoil(runner, "cron(3/5 * * * ? *)", "rate(6 minutes)")
    # WHEN the workflow is started by hand, its own plan is what the approval is for
    said = runner.run("deploy", "workflow_dispatch", sha="c3")
    assert any(
        "my-service-do-often (changed): every 5 minutes from minute 3 → every 6 minutes" in text for text in said
    )
    assert rule(runner) == "rate(6 minutes)"


def drift(runner: Runner) -> None:
    # GIVEN somebody who changes a rule by hand
    events = runner.checkout.client("events")
    events.put_rule(Name="batchtab-local-my-service-do-often", ScheduleExpression="rate(9 minutes)")
    # WHEN the night comes THEN there is an issue
    runner.run("drift", "schedule")
    (issue,) = runner.hub.issues
    assert issue["state"] == "open"
    assert "every 9 minutes → every 6 minutes" in issue["body"]
    # AND it says that no deployment is missing
    assert "Changed in AWS since the last deployment: `jobs-my-service`." in issue["body"]
    assert "Not deployed yet" not in issue["body"]
    # WHEN it is put right THEN the issue is closed
    events.put_rule(Name="batchtab-local-my-service-do-often", ScheduleExpression="rate(6 minutes)")
    runner.run("drift", "schedule")
    assert issue["state"] == "closed"
