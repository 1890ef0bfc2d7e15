"""The whole life of a stage as the roles of CI, where local AWS enforces IAM: nothing that it needs is denied.

Each capacity is one story in order: what is deployed by one part is what the next begins with. Both stories go on at
the same time, each on a local AWS of its own, for they wait most of theirs.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e import granted
from tests.e2e.checkout import Checkout
from tests.e2e.ci_roles import ACCOUNT, NAMESPACE, CiRoles, use_network
from tests.e2e.deployed import started
from tests.e2e.kept_grants import KEPT
from tests.e2e.local_helpers import trust

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("ci_roles")]

REPOSITORY = "my-company/jobs"
SERVICE = "everything"
# Of every kind that a service can have: rules, schedules, a group, chains, arrays, secrets, roles, the submit function.
JOBS: dict[str, Any] = {
    "service": SERVICE,
    "image": {"repository": "plain", "tag": "local"},
    "defaults": {"vcpus": 1, "memory_mib": 2048, "timeout_seconds": 60},
    "jobs": {
        "often": {"command": ["true"], "schedule": "*/7 * * * *"},
        "berlin": {"command": ["true"], "schedule": "0 3 * * *", "timezone": "Europe/Berlin"},
        "once": {"command": ["true"], "schedule": "at(2030-01-01T00:00:00)"},
        "alone": {"command": ["true"], "schedule": "*/9 * * * *", "concurrency_policy": "forbid"},
        "next": {"command": ["true"], "after": "often"},
        "many": {"command": ["true"], "array_size": 2},
        "secret": {"command": ["true"], "secrets": {"TOKEN": "/team/token"}},
        "reader": {
            "command": ["true"],
            "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::my-bucket/*"]}],
            "alerts": {"channel": "#billing", "late_after_seconds": 600},
            "schedule": "5 5 * * *",
        },
    },
}
# Spot in front of what the stage has, in a queue with fair shares.
FAIR = {
    "priority": 1,
    "compute_environments": ["spot", "default"],
    "scheduling_policy": {"share_distribution": {"reports": 1}},
}
SPOT = {"capacity": "SPOT", "min_vcpus": 0, "max_vcpus": 8}
EC2: dict[str, Any] = {
    "network": {"create": True, "cidr": "10.20.0.0/16"},
    "environment": {
        "capacity": "EC2",
        "instance_types": ["optimal"],
        "max_vcpus": 16,
        "queues": {"default": 5, "fair": FAIR},
        "runnable_timeout_seconds": 3600,
    },
    "environments": {"spot": SPOT},
    "alerts": {"function_name": "SendToSlack", "channel": "#cron-error", "quiet": True},
}
OWN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/our-own-role"
# The account's own network, alerts that a webhook gets, and a boundary, without which no role can be made.
FARGATE = {
    "permissions_boundary_arn": f"arn:aws:iam::{ACCOUNT}:policy/{NAMESPACE}-ci-boundary",
    "network": {"subnet_ids": ["subnet-00000000"], "security_group_ids": ["sg-00000000"]},
    "environment": {"capacity": "FARGATE", "max_vcpus": 16, "queues": {"default": 5}},
    "alerts": {
        "webhook_secret_arn": f"arn:aws:secretsmanager:ap-northeast-2:{ACCOUNT}:secret:slack-a1b2c3",
        "quiet": True,
    },
}


@dataclass
class Stage:
    """A stage that only its two roles touch, once they are made."""

    roles: CiRoles

    @property
    def checkout(self) -> Checkout:
        return self.roles.checkout

    def run(self, kind: str, *arguments: str) -> str:
        """Runs `batchtab` as one of the roles."""
        done = self.checkout.run(*arguments, env=self.roles.take(kind))
        assert done.returncode == 0, self.roles.denied() or done.stderr + done.stdout
        return done.stdout + done.stderr

    def change(self, stage: Mapping[str, Any] | None = None, jobs: Mapping[str, Any] | None = None) -> None:
        """Changes keys of the stage's file, and fields of jobs."""
        path = self.checkout.root / "config" / "local.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | dict(stage or {})))
        path = self.checkout.root / "jobs" / SERVICE / "jobs.yaml"
        content = yaml.safe_load(path.read_text())
        for name, fields in (jobs or {}).items():
            if fields is None:
                del content["jobs"][name]
            else:
                content["jobs"].setdefault(name, {}).update(fields)
        path.write_text(yaml.safe_dump(content))

    def deploy(self) -> None:
        """Plans as the role that plans, and deploys just that as the other one."""
        self.run("plan", "plan", "--no-lock", "--out", "plan")
        self.run("deploy", "deploy", "--reviewed", "plan/reviewed.json")
        assert self.roles.denied() == []

    def destroy(self) -> None:
        """Removes all stacks as the role that deploys, as people would: each before those that it reads from.

        cdktf does not know that order, and would remove them side by side.
        """
        keys = self.roles.take("deploy")
        printed = self.checkout.run("env", env=keys).stdout
        network = ["network"] if (self.checkout.root / "cdktf.out" / "stacks" / "network").is_dir() else []
        stacks = " ".join([f"jobs-{SERVICE}", "environment", *network])
        each = "cdktf destroy --skip-provider-lock --skip-synth --auto-approve $stack"
        done = subprocess.run(
            ["bash", "-ec", f"{printed}\nfor stack in {stacks}; do {each}; done"],
            cwd=self.checkout.root,
            env={**self.checkout.environment, **keys},
            capture_output=True,
            text=True,
            timeout=1000,
            check=False,
        )
        assert done.returncode == 0, self.roles.denied() or done.stdout + done.stderr


@contextmanager
def deployable(root: Path, stage: Mapping[str, Any], *options: str, **jobs: Any) -> Iterator[Stage]:
    """A stage whose roles an administrator has made, and nothing else.

    Args:
        root: Where the project is made.
        stage: Keys of the stage's file.
        options: More words for `batchtab ci roles`.
        jobs: More jobs.
    """
    checkout = Checkout.make(root, jobs=[SERVICE], **stage)
    checkout.replace_jobs(SERVICE, yaml.safe_dump({**JOBS, "jobs": {**JOBS["jobs"], **jobs}}))
    with started(root, root / ".batchtab", applies=True) as local:
        roles = CiRoles(Checkout(root, local.port), REPOSITORY)
        use_network(roles.checkout)
        local.client("ssm").put_parameter(Name="/team/token", Value="secret", Type="SecureString")
        local.client("iam").create_role(RoleName="our-own-role", AssumeRolePolicyDocument=trust("ecs-tasks"))
        roles.make(local, *options)
        yield Stage(roles)


Needed = dict[str, bool]  # of each grant whether it was needed


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Needed]]]:
    """Both stories, under way."""
    both: tuple[Callable[[Path], Needed], ...] = (on_ec2, on_fargate)
    with ThreadPoolExecutor(len(both)) as pool:
        yield {story.__name__: pool.submit(story, tmp_path_factory.mktemp(story.__name__)) for story in both}


def test_a_stage_on_ec2_with_its_own_network(stories: dict[str, Future[Needed]]) -> None:
    assert stories["on_ec2"].result()


def test_a_stage_on_fargate_with_a_webhook_a_boundary_and_roles_of_its_own(stories: dict[str, Future[Needed]]) -> None:
    assert stories["on_fargate"].result()


@pytest.mark.last
def test_each_action_that_is_granted_is_needed(stories: dict[str, Future[Needed]]) -> None:
    # GIVEN the calls of the stories above WHEN any single action is taken away
    needed = [story.result() for story in stories.values()]
    # Both roles have the policy that reads, and both stages most of the others.
    unneeded = {granted.short(name) for story in needed for name in story if not any(each.get(name) for each in needed)}
    # THEN one of them is denied, or the action is kept for a reason
    lacking = unneeded - KEPT.keys()
    assert not lacking, "\n".join(sorted(lacking))
    # AND no reason is given for what is needed
    assert sorted(KEPT.keys() - unneeded) == []


def on_ec2(root: Path) -> Needed:
    with deployable(root, EC2) as stage:
        stage.deploy()
        assert "No changes: what is deployed" in stage.run("plan", "plan", "--all", "--no-lock")
        a_change_of_every_kind(stage)
        tags_and_triggers_change_again(stage)
        assert stage.roles.denied() == []
        stage.destroy()
        return nothing_was_denied_to_the_roles(stage)


def on_fargate(root: Path) -> Needed:
    own = {"command": ["true"], "job_role_arn": OWN_ROLE, "execution_role_arn": OWN_ROLE}
    with deployable(root, FARGATE, "--make-boundary", own=own) as stage:
        stage.run("deploy", "deploy", "--unreviewed")
        stage.run("plan", "ci", "runner-image")
        # WHEN roles change and a trigger moves
        permissions = [{"actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::my-bucket/*"]}]
        stage.change(jobs={"reader": {"permissions": permissions}, "often": {"timezone": "Asia/Seoul"}})
        stage.run("deploy", "deploy", "--unreviewed")
        assert stage.roles.denied() == []
        stage.destroy()
        return nothing_was_denied_to_the_roles(stage)


def a_change_of_every_kind(stage: Stage) -> None:
    shares = {"share_decay_seconds": 60, "share_distribution": {"reports": 2}}
    fair = {**FAIR, "priority": 2, "compute_environments": ["default", "spot"], "scheduling_policy": shares}
    stage.change(
        {
            "environment": {**EC2["environment"], "max_vcpus": 32, "queues": {"default": 6, "urgent": 9, "fair": fair}},
            "environments": {"spot": {**SPOT, "root_volume_gib": 50}},
            "log_retention_days": 14,
            "alerts": {**EC2["alerts"], "channel": "#other"},
            "tags": {"team": "one", "cost": "jobs"},
        },
        {
            "often": {"command": ["false"], "schedule": "*/11 * * * *", "queue": "urgent"},
            "berlin": {"timezone": "Europe/Paris"},
            "once": None,
            "reader": {"permissions": [{"actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::my-bucket/*"]}]},
            "new": {"command": ["true"], "schedule": "1 1 * * *"},
        },
    )
    stage.run("deploy", "deploy", "--unreviewed")


def tags_and_triggers_change_again(stage: Stage) -> None:
    # GIVEN a rule that becomes a schedule, one that the submit function decides about, and tags that go and change
    stage.change(
        {"tags": {"team": "two"}},
        {"often": {"timezone": "Asia/Seoul"}, "new": {"concurrency_policy": "queue"}},
    )
    stage.run("deploy", "deploy", "--unreviewed")


def nothing_was_denied_to_the_roles(stage: Stage) -> Needed:
    assert stage.roles.denied("plan", "deploy") == []
    checks = stage.checkout.ask("iam/checks", "GET")
    needed: Needed = {}
    for kind in ("plan", "deploy"):
        mine = [each for each in checks if each["principal"] == stage.roles.arn(kind)]
        assert mine, f"the role {kind} was not asked about"
        policies = granted.documents(stage.checkout.client("iam"), f"{NAMESPACE}-ci-{kind}")
        for name, is_needed in granted.needed(policies, mine).items():
            needed[name] = needed.get(name, False) or is_needed
    return needed
