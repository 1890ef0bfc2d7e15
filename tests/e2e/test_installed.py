"""Batchtab from its wheel, in a project of one's own, with this repository out of reach: one deployment for the file.

A project is made and deployed by an older version, upgraded, emptied of its examples, and taken down. Each of these
steps is a fixture that keeps what was said, so that tests may run in any order, and alone.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.e2e.checkout import ROOT
from tests.e2e.installed import Installed, build, build_older, links_into_repository

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OLD = "0.1.9"
NEW = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
PLAN = ("plan", "--all", "--fail-on-changes")
STACKS = ["network", "environment", "jobs-reports"]


@dataclass
class Seen:
    """What a step of the project's life said, and the local AWS that ran at its end."""

    installed: Installed
    said: dict[str, CompletedProcess[str]]
    pid: int = 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside of the repository, with a space in its name."""
    made = tmp_path_factory.mktemp("installed project")
    assert not made.is_relative_to(ROOT.resolve())
    return made


@pytest.fixture(scope="module")
def wheels(folder: Path) -> tuple[Path, Path]:
    """The wheel of an older version, and today's."""
    current = build(folder / "dist")
    return build_older(folder / "older", current, OLD).wheel, current.wheel


@pytest.fixture(scope="module")
def base(folder: Path, wheels: tuple[Path, Path]) -> Iterator[Seen]:
    """A project of the older version, made with nothing but the base of the package (and uv, as its users have it)."""
    installed = Installed.make(folder)
    installed.install(str(wheels[0]), "uv")
    installed.call("batchtab", "init", str(installed.root), "--service", "reports", check=True)
    place = "import batchtab, sys; print(batchtab.__file__, *sys.path, sep='\\n')"
    commands = ("check", "next --stage local", "plan", "up", "ci scan")
    yield Seen(
        installed,
        {command: installed.run(*command.split()) for command in commands}
        | {"place": installed.call("python", "-c", place), "cdktf": installed.call("python", "-c", "import cdktf")},
    )
    installed.clean_up()
    shutil.rmtree(folder)  # over a gigabyte, of which pytest would keep three


@pytest.fixture(scope="module")
def deployed(base: Seen, wheels: tuple[Path, Path]) -> Seen:
    """The project with all that its pyproject.toml names, set up and deployed to local AWS."""
    project = base.installed
    project.install(f"batchtab[synth] @ {wheels[0].as_uri()}", str(project.root))
    project.run("setup", check=True)
    again = project.run("setup", check=True)
    project.take_free_port()
    up = project.run("up", check=True)
    return Seen(project, {"setup": again, "up": up}, project.local_pid())


@pytest.fixture(scope="module")
def upgraded(deployed: Seen, wheels: tuple[Path, Path]) -> Seen:
    """The project after an upgrade to today's version."""
    project, wheel = deployed.installed, f"batchtab[synth] @ {wheels[1].as_uri()}"
    assert (project.root / "main.py").read_text().startswith(f'"""The app of {OLD}:')
    project.install("--reinstall-package", "batchtab", wheel)
    said = {"upgrade": project.run("upgrade", check=True), "again": project.run("upgrade")}
    project.install(wheel, str(project.root))  # fails unless the wheel is what the new pin wants
    project.run("setup", check=True)
    script = 'eval "$(batchtab env)" && exec cdktf deploy --skip-provider-lock --auto-approve environment'
    names = "import batchtab; print(*[getattr(batchtab, name).__name__ for name in dir(batchtab)])"
    said |= {"plan": project.run(*PLAN), "cdktf": project.call("bash", "-c", script), "env": project.run("env")}
    return Seen(project, said | {"names": project.call("python", "-c", names)}, project.local_pid())


@pytest.fixture(scope="module")
def changed(upgraded: Seen) -> Seen:
    """The project without the service that `init` wrote, and with another one on a queue of another name."""
    project = upgraded.installed
    shutil.rmtree(project.root / "jobs" / "reports")
    (project.root / "jobs" / "billing").mkdir()
    (project.root / "jobs" / "billing" / "jobs.yaml").write_text(
        "service: billing\n"
        "defaults: {vcpus: 1, memory_mib: 2048, timeout_seconds: 300}\n"
        "jobs:\n"
        "  invoices: {command: [python, -V], queue: nightly, schedule: 30 2 * * *, timezone: Asia/Seoul}\n"
    )
    for stage in ("local", "prod"):
        path = project.root / "config" / f"{stage}.yaml"
        path.write_text(re.sub(r"queues: \{.*?\}", "queues: {nightly: 1}", path.read_text()))
    found = ("--json", ".batchtab/scan/checkov.json")
    said = {
        "check": project.run("check"),
        "plan": project.run("plan", "--out", "plan"),
        "scan": project.run("ci", "scan", *found),
        "summary": project.run("ci", "summary", "plan", "--checkov", found[1], "--format", "markdown"),
    }
    return Seen(project, said, project.local_pid())


@pytest.fixture(scope="module")
def removed(changed: Seen) -> Seen:
    """The project after `batchtab down`."""
    os.kill(changed.pid, 0)
    return Seen(changed.installed, {"down": changed.installed.run("down")}, changed.pid)


def test_the_wheel_alone_is_imported(base: Seen) -> None:
    # WHEN Python is asked where Batchtab is
    first, *path = base.said["place"].stdout.splitlines()
    # THEN it is in the environment
    assert Path(first).is_relative_to(base.installed.venv)
    # AND nothing leads to this repository
    assert not any(str(ROOT) in text for text in (*path, *base.installed.environment.values()))


def test_the_base_checks_files_and_says_which_extra_writes_terraform(base: Seen) -> None:
    # GIVEN no cdktf
    assert "No module named 'cdktf'" in base.said["cdktf"].stderr
    # THEN files are checked, and the next runs shown
    checked, coming = base.said["check"], base.said["next --stage local"]
    assert (checked.returncode, coming.returncode) == (0, 0), checked.stderr + coming.stderr
    assert len(re.findall(r"^stage (?:local|prod): .*: ok$", checked.stdout, re.MULTILINE)) == 2
    assert "reports-hello" in coming.stdout
    # AND what writes Terraform says in one line what is missing
    for command in ("plan", "up", "ci scan"):
        refused = base.said[command]
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == f"batchtab: cdktf is not installed [hint: pip install 'batchtab[synth]=={OLD}']\n"


def test_set_up_makes_all_in_the_project(deployed: Seen) -> None:
    project, state = deployed.installed, deployed.installed.root / ".batchtab"
    # THEN the programs are there, and nothing leads to this repository
    assert {"python", "node", "npm", "npx", "cdktf", "checkov"} <= {path.name for path in (state / "bin").iterdir()}
    assert links_into_repository(state) == []
    # AND local AWS imports the package of the environment
    python = state / "local-venv" / "bin" / "python"
    found = project.call(str(python), "-c", "import batchtab.local_aws as found; print(found.__file__)").stdout
    assert Path(found).resolve().is_relative_to(project.venv)
    # AND they answer
    assert project.call(str(state / "bin" / "cdktf"), "--version").stdout.strip() == "0.21.0"
    assert re.match(r"v(2[2-9]|[3-9]\d)\.", project.call(str(state / "bin" / "node"), "--version").stdout)
    # AND a second time there was nothing to do
    assert " …" not in deployed.said["setup"].stderr


def test_up_runs_the_examples_and_shows_the_failures_message(deployed: Seen) -> None:
    up = deployed.said["up"]
    # THEN one job succeeds, one fails, and the alert arrives
    assert "Job reports-hello: SUCCEEDED, exit code 0" in up.stderr
    assert "Job reports-fail: FAILED, exit code 3" in up.stderr
    assert "Slack message: arrived" in up.stderr
    assert "reports-fail failed by Essential container in task exited" in up.stdout
    assert "error: this run was asked to fail" in up.stdout


def test_an_upgrade_changes_files_and_nothing_that_is_deployed(deployed: Seen, upgraded: Seen) -> None:
    root, said = upgraded.installed.root, upgraded.said["upgrade"].stdout
    # THEN the owned file that changed is new, so is the pin, and what changed for users is shown
    assert f"This project went from version {OLD} to {NEW}." in said
    assert "main.py: written (it was not changed)" in said
    assert (root / "main.py").read_text().startswith('"""The app:')
    assert f'dependencies = ["batchtab[synth]=={NEW}"]' in (root / "pyproject.toml").read_text()
    assert f"What changed for users:\n\n## {NEW} - 20" in said
    assert "## 0.1.0" not in said
    # AND a second time there is nothing to do
    assert upgraded.said["again"].stdout == f"batchtab: nothing to do: this project is of version {NEW}\n"
    # AND what the older version deployed stays as it is
    assert unchanged(upgraded.said["plan"]) == STACKS
    assert upgraded.pid == deployed.pid


def test_cdktf_deploys_with_the_variables_that_are_printed(upgraded: Seen) -> None:
    # WHEN a stack was deployed without `batchtab` THEN Terraform finds nothing to change
    done = upgraded.said["cdktf"]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Resources: 0 added, 0 changed, 0 destroyed" in done.stdout
    # AND Terraform's settings are the project's own
    settings = f"TF_CLI_CONFIG_FILE={upgraded.installed.root}/.batchtab/terraform.rc"
    assert settings in shlex.split(upgraded.said["env"].stdout)


def test_the_public_names_are_there(upgraded: Seen) -> None:
    done = upgraded.said["names"]
    assert done.returncode == 0, done.stderr
    assert {"ScheduledJob", "BatchEnvironment", "load"} <= set(done.stdout.split())


def test_nothing_of_batchtab_needs_the_examples(changed: Seen) -> None:
    # WHEN what the workflow `plan` runs was run THEN all of it passes
    for name, done in changed.said.items():
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    # AND says what changes
    plan = changed.said["plan"].stdout
    assert re.search(r"^environment +Plan: \d+ to add, \d+ to change, \d+ to destroy\.$", plan, re.MULTILINE), plan
    assert re.search(
        r"^jobs-billing +Plan: \d+ to add, 0 to change, 0 to destroy\. \(with placeholders", plan, re.MULTILINE
    )
    assert re.search(r"stacks +passed +\d+ +failed +0 ", changed.said["scan"].stdout)
    assert "billing-invoices" in changed.said["summary"].stdout


def test_down_leaves_nothing(removed: Seen) -> None:
    # WHEN local AWS was taken down
    done, root = removed.said["down"], removed.installed.root
    assert done.returncode == 0, done.stderr
    assert "Local AWS: stopped" in done.stderr
    # THEN its process is gone, and so is the record of it
    with pytest.raises(ProcessLookupError):
        os.kill(removed.pid, 0)
    assert not (root / ".batchtab" / "aws-local.json").exists()
    assert not (root / "cdktf.out").exists()


def unchanged(done: CompletedProcess[str]) -> list[str]:
    """The stacks whose plan is empty."""
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"^(\S+) +No changes\.$", done.stdout, re.MULTILINE)
