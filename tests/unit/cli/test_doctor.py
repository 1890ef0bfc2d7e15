"""`batchtab doctor`: what is printed, in which form, and with which exit status."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.aws.stage_on_aws import ACCOUNT, DENIED, PREFIX, World, answered_by
from tests.unit.cli.test_asking import HEEDS_CTRL_C

from batchtab import frameworks
from batchtab.aws.checkup.survey import Survey
from batchtab.cli.deployment import doctor, project_checkup
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.main import main
from batchtab.declarations.catalog import load
from batchtab.project.version import installed
from batchtab.terraform.session import Session
from batchtab.toolchain.errors import ToolchainError
from batchtab.toolchain.terraform import Program, Terraform

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture(autouse=True)
def whole_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tools are there, and the provider is pinned."""
    monkeypatch.setattr(project_checkup, "made", lambda *_: True)
    monkeypatch.setattr(Terraform, "program", Program(Path("terraform"), "Terraform", (1, 14), "1.14.0"))
    monkeypatch.setattr(frameworks, "choose", lambda: "cdktf")
    (project / ".terraform.lock.hcl").write_text("")


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command on AWS, after a change of the stage: its status, what it says as JSON, and stderr."""

    def doctor_says(change: Callable[[World], Any] = lambda _: None, *more: str) -> tuple[int, Any, str]:
        world = World(load("example", project))
        for number, service in enumerate(world.catalog.services):
            name = f"{PREFIX}-{service.service}"
            states = [
                {"attributes": {"name": each, "revision": 1}} for each in world.definitions if each.startswith(name)
            ]
            definitions = {"mode": "managed", "type": "aws_batch_job_definition", "instances": states}
            world.objects[f"example/jobs-{service.service}.tfstate"] = {"serial": number, "resources": [definitions]}
        change(world)
        monkeypatch.setattr("batchtab.cli.connection.Aws", lambda *_: answered_by(world))
        status = main(["doctor", "--stage", "example", "-o", "json", *more])
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out else None, said.err

    return doctor_says


def of(found: Any, status: str) -> list[tuple[str, str | None, str | None]]:
    return [(each["subject"], each["problem"], each["fix"]) for each in found if each["status"] == status]


def test_a_whole_stage_is_ok_and_status_0(run: Run) -> None:
    status, found, err = run()
    assert (status, of(found, "warn"), of(found, "fail")) == (0, [], [])
    assert [each["subject"] for each in found][:5] == [
        "config/ and jobs/ have no errors",
        f"Batchtab {installed()} is the project's version",
        "Terraform 1.14.0, Node, cdktf",
        ".terraform.lock.hcl pins the provider",
        f"account {ACCOUNT}, ap-northeast-2",
    ]
    assert "jobs run the revisions that Terraform deployed" in [each["subject"] for each in found]
    assert err.splitlines()[-1] == "Checking stage example: 17 ok, 0 warn, 0 fail"


def test_a_warning_is_status_0_and_a_failure_is_status_1(run: Run) -> None:
    status, found, _ = run(lambda world: world.letters.update({f"{PREFIX}-trigger-dead-letter": 1}))
    assert (status, len(of(found, "warn")), of(found, "fail")) == (0, 1, [])
    status, found, _ = run(lambda world: world.roles.clear())
    assert (status, len(of(found, "fail"))) == (1, 12)


def test_everything_that_is_denied_is_warnings_alone(run: Run) -> None:
    # GIVEN a profile that may see the bucket and nothing else
    def change(world: World) -> None:
        for name in (
            *("DescribeJobQueues", "DescribeComputeEnvironments", "DescribeJobDefinitions", "ListRules"),
            *("ListSchedules", "GetRole", "BatchGetImage", "DescribeSubnets", "GetQueueUrl", "GetServiceQuota"),
            *("GetBucketVersioning", "GetBucketEncryption", "GetPublicAccessBlock", "GetBucketPolicy", "ListObjectsV2"),
        ):
            world.refusals[name] = DENIED

    status, found, _ = run(change)
    assert (status, of(found, "fail")) == (0, [])
    assert all(str(problem).startswith("not checked: AWS denied ") for _, problem, _ in of(found, "warn"))
    assert len(of(found, "warn")) >= 12


# --- another revision than was deployed


def test_a_job_that_runs_another_revision_is_a_warning(run: Run) -> None:
    def change(world: World) -> None:
        newer = {**world.definition_of("examples-tick"), "revision": 3}
        world.definitions["newer"] = newer

    _, found, _ = run(change)
    (line,) = of(found, "warn")
    assert line[:2] == ("job examples-tick", "runs revision 3; Terraform deployed revision 1")
    assert line[2] is not None
    assert line[2].startswith(f"aws batch deregister-job-definition --job-definition {PREFIX}-examples-tick:3")


def test_states_that_may_not_be_read_are_a_warning(run: Run) -> None:
    _, found, _ = run(lambda world: world.refusals.update(GetObject=DENIED))
    assert of(found, "warn") == [
        ("revisions", "not checked: AWS denied s3:GetObject", "allow s3:GetObject, or AWS_PROFILE=NAME")
    ]


# --- the forms


def test_a_table_that_is_piped_has_a_line_for_each_finding(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run()  # has the world answer
    world = World(load("example", project))
    world.letters[f"{PREFIX}-job-alerts-dead-letter"] = 1
    monkeypatch.setattr("batchtab.cli.connection.Aws", lambda *_: answered_by(world))
    assert main(["doctor", "--stage", "example"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["status", "what", "problem"]
    assert lines[1].split("  ", 1)[0] == "ok"
    assert lines[1].endswith("config/ and jobs/ have no errors")
    (warned,) = (line for line in lines if line.startswith("warn"))
    assert warned.endswith(
        "1 alert could not be delivered"
        " [fix: batchtab alerts list --stage example, then batchtab alerts redrive --stage example]"
    )
    assert len(lines) == 18
    assert main(["doctor", "--stage", "example", "-o", "name"]) == 0
    assert f"queue {PREFIX}-job-alerts-dead-letter" in capsys.readouterr().out.splitlines()


# --- the project


def test_files_with_errors_are_one_failure_and_aws_is_not_asked(
    spoil: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil("jobs/examples/jobs.yaml", "queue: continuously", "queue: nowhere")
    assert main(["doctor", "--stage", "example", "-o", "json"]) == 1
    said = capsys.readouterr()
    ((subject, problem, fix),) = of(json.loads(said.out), "fail")
    assert (subject, fix) == ("config/ and jobs/", "batchtab check --stage example")
    assert problem is not None
    assert problem.startswith("have an error: ")
    assert "'nowhere' is not a queue" in problem
    assert "What needs AWS was not checked." in said.err.splitlines()


def test_a_stage_that_there_is_not_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--stage", "nowhere"]) == 2
    assert "does not exist: the stages are example, local" in capsys.readouterr().err
    assert main(["doctor", "--nonsense"]) == 2


def test_another_version_than_the_projects_is_a_warning(project: Path) -> None:
    def manifest(version: str) -> None:
        answers_ = {"name": "my-jobs", "service": "my-service", "stages": ["prod"], "github": None}
        content = {"version": version, "answers": answers_, "files": {}}
        (project / "batchtab-project.json").write_text(json.dumps(content))

    manifest("99.0.0")
    (project / "pyproject.toml").write_text('dependencies = ["batchtab==99.0.0"]\n')
    (found,) = project_checkup.version(project)
    assert (found.status.value, found.problem, found.fix) == (
        "warn",
        "runs, and the project's files are of 99.0.0",
        "pip install .",
    )
    manifest("0.0.1")
    files, pin = project_checkup.version(project)
    assert files.fix == "pip install ., or batchtab upgrade"
    assert pin.problem == "runs, and pyproject.toml pins 99.0.0"
    (project / "batchtab-project.json").write_text("{")
    assert next(project_checkup.version(project)).status.value == "fail"


def test_tools_that_are_missing_fail_with_the_part_to_set_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_checkup, "made", lambda _, part, __: part not in ("cdktf", "local"))
    found = list(project_checkup.tools(project, is_local=True))
    assert [(each.status.value, each.subject, each.fix) for each in found] == [
        ("fail", "cdktf", "batchtab setup cdktf"),
        ("fail", "local", "batchtab setup local"),
    ]
    # AND a local AWS of before an upgrade is a warning, and of no interest to a stage on AWS
    (project / ".batchtab" / "local-venv").mkdir(parents=True)
    assert [each.status.value for each in project_checkup.tools(project, is_local=True)] == ["fail", "warn"]
    assert [each.subject for each in project_checkup.tools(project, is_local=False)] == ["cdktf"]


def test_a_terraform_or_a_framework_that_cannot_be_used_fails(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> Any:
        raise ToolchainError(["TERRAFORM_BINARY_NAME='x' is not a program"])

    def lacks() -> str:
        raise frameworks.FrameworkError("cdktf is not installed", "pip install 'batchtab[synth]'")

    monkeypatch.setattr(Terraform, "program", property(refuse))
    monkeypatch.setattr(frameworks, "choose", lacks)
    found = list(project_checkup.tools(project, is_local=False))
    assert [(each.status.value, each.problem, each.fix) for each in found] == [
        ("fail", "TERRAFORM_BINARY_NAME='x' is not a program", "TERRAFORM_BINARY_NAME=terraform"),
        ("fail", "cdktf is not installed", "pip install 'batchtab[synth]'"),
    ]


def test_a_project_that_pins_no_provider_is_a_warning_where_it_deploys_to_aws(run: Run, project: Path) -> None:
    (project / ".terraform.lock.hcl").unlink()
    status, found, _ = run()
    assert status == 0
    assert [fix for _, _, fix in of(found, "warn")] == ["batchtab lock --stage example"]


# --- a local stage


def test_a_local_aws_that_is_away_fails_with_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Daemon, "health", lambda *_: None)
    assert main(["doctor", "-o", "json"]) == 1
    said = capsys.readouterr()
    assert of(json.loads(said.out), "fail") == [
        ("local AWS", "does not answer on port 4588", "batchtab up --stage local")
    ]
    assert said.err.splitlines()[-1] == "What needs AWS was not checked."


def test_of_local_aws_nothing_is_asked_that_it_does_not_have(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a local stage of which nothing is deployed
    world = World(load("local", project))
    for name in ("queues", "environments", "definitions", "roles", "rules", "letters"):
        getattr(world, name).clear()
    monkeypatch.setattr(Daemon, "health", lambda *_: {"folder": str(project.resolve())})
    monkeypatch.setattr("batchtab.cli.connection.Aws", lambda *_: answered_by(world))
    assert main(["doctor", "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    # THEN `up` helps, no quota and no image is looked at, and nobody asks whose the keys are
    assert {fix for _, _, fix in of(found, "fail")} == {"batchtab up --stage local"}
    assert not {"quotas", "images"} & {each["check"] for each in found}
    assert not {"GetCallerIdentity", "GetServiceQuota", "BatchGetImage"} & set(world.calls)


def test_a_command_for_local_aws_has_its_address(project: Path) -> None:
    survey = Survey(load("local", project), answered_by(World(load("local", project))), (), "http://127.0.0.1:1")
    assert survey.where == "--region ap-northeast-2 --endpoint-url http://127.0.0.1:1"


def test_a_local_aws_of_another_project_fails(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Daemon, "health", lambda *_: {"folder": "/elsewhere"})
    assert main(["doctor", "-o", "json"]) == 1
    ((_, problem, fix),) = of(json.loads(capsys.readouterr().out), "fail")
    assert problem is not None
    assert "belongs to another project: /elsewhere" in problem
    assert fix == "batchtab up --stage local starts this project's own"
    assert Session.open("local", project).endpoint_url


def test_faults_of_ours_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(doctor, "connect", broken)
    with pytest.raises(RuntimeError):
        main(["doctor", "--stage", "example"])


def test_ctrl_c_ends_it_at_once_with_130(project: Path) -> None:
    # GIVEN an AWS that takes connections and says nothing
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code = (
            "import sys\n"
            "from batchtab.cli.deployment import doctor\n"
            "from batchtab.aws.client import Aws\n"
            f"doctor.connect = lambda _: Aws('eu-west-1', 'http://127.0.0.1:{silent.getsockname()[1]}')\n"
            "Aws.bucket_exists = lambda *_: True\n"
            "from batchtab.cli.main import main\n"
            "sys.exit(main(['doctor', '--stage', 'example']))\n"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", HEEDS_CTRL_C + code],
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            silent.settimeout(60)
            connection, _ = silent.accept()
            # WHEN somebody presses Ctrl-C meanwhile
            pressed = time.monotonic()
            child.send_signal(signal.SIGINT)
            _, err = child.communicate(timeout=300)
            took = time.monotonic() - pressed
            connection.close()
        finally:
            child.kill()
    # THEN nobody waits for the answers
    assert took < 8  # the shortest time-out of a call is ten seconds
    assert child.returncode == 130
    assert err.splitlines()[-1] == "batchtab: interrupted"
