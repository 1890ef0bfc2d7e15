"""Batchtab from its wheel, in a project of one's own, with this repository out of reach: one deployment for the file.

The tests follow a project in their order: made and deployed by an older version, upgraded, emptied of its examples,
and taken down.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.checkout import ROOT
from tests.e2e.installed import Built, Installed, build, build_older, links_into_repository

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("installed")]

OLD = "0.1.9"
NEW = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside of the repository."""
    made = tmp_path_factory.mktemp("installed")
    assert not made.is_relative_to(ROOT.resolve())
    return made


@pytest.fixture(scope="module")
def wheels(folder: Path) -> tuple[Path, Path]:
    """The wheel of an older version, and today's."""
    current: Built = build(folder / "dist")
    return build_older(folder / "older", current, OLD).wheel, current.wheel


@pytest.fixture(scope="module")
def base(folder: Path, wheels: tuple[Path, Path]) -> Iterator[Installed]:
    """A project of the older version, made with nothing but the base of the package (and uv, as its users have it)."""
    installed = Installed.make(folder)
    installed.install(str(wheels[0]), "uv")
    installed.call("batchtab", "init", str(installed.root), "--service", "reports", check=True)
    yield installed
    installed.clean_up()


@pytest.fixture(scope="module")
def project(base: Installed, wheels: tuple[Path, Path]) -> Installed:
    """The project with all that its pyproject.toml names, set up."""
    base.install(f"batchtab[synth] @ {wheels[0].as_uri()}", str(base.root))
    base.run("setup", check=True)
    base.take_free_port()
    return base


def test_the_wheel_alone_is_imported(base: Installed) -> None:
    # WHEN Python is asked where Batchtab is
    done = base.call("python", "-c", "import batchtab, sys; print(batchtab.__file__, *sys.path, sep='\\n')")
    first, *path = done.stdout.splitlines()
    # THEN it is in the environment
    assert Path(first).is_relative_to(base.venv), done.stderr
    # AND nothing leads to this repository
    assert not any(str(ROOT) in entry for entry in path)
    assert not any(str(ROOT) in f"{value}/" for value in base.environment.values())


def test_the_base_checks_files_and_says_which_extra_writes_terraform(base: Installed) -> None:
    # GIVEN no cdktf
    assert base.call("python", "-c", "import cdktf").returncode == 1
    # THEN files are checked, and the next runs shown
    checked, coming = base.run("check"), base.run("next", "--stage", "local")
    assert checked.returncode == 0, checked.stderr
    assert len(re.findall(r"^stage (?:local|prod): .*: ok$", checked.stdout, re.MULTILINE)) == 2
    assert coming.returncode == 0, coming.stderr
    assert "reports-hello" in coming.stdout
    # AND what writes Terraform says in one line what is missing
    for command in (["plan"], ["up"], ["ci", "scan"]):
        refused = base.run(*command)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == f"batchtab: cdktf is not installed [hint: pip install 'batchtab[synth]=={OLD}']\n"


def test_set_up_makes_all_in_the_project(project: Installed) -> None:
    state = project.root / ".batchtab"
    # THEN the programs are there, and nothing leads to this repository
    assert {"python", "node", "npm", "npx", "cdktf", "checkov"} <= {path.name for path in (state / "bin").iterdir()}
    assert links_into_repository(state) == []
    # AND local AWS imports the package of the environment
    (python,) = (state / "local-venv" / "bin").glob("python")
    found = project.call(str(python), "-c", "import batchtab.local_aws as found; print(found.__file__)").stdout
    assert Path(found).resolve().is_relative_to(project.venv)
    # AND a second time there is nothing to do
    again = project.run("setup", check=True)
    assert " …" not in again.stderr


def test_up_runs_the_examples_and_shows_the_failures_message(project: Installed) -> None:
    done = project.run("up", check=True)
    # THEN one job succeeds, one fails, and the alert arrives
    assert "Job reports-hello: SUCCEEDED, exit code 0" in done.stderr
    assert "Job reports-fail: FAILED, exit code 3" in done.stderr
    assert "Slack message: arrived" in done.stderr
    assert "reports-fail failed by Essential container in task exited" in done.stdout
    assert "error: this run was asked to fail" in done.stdout
    # AND nothing is left to change
    assert_nothing_to_change(project)


def test_an_upgrade_changes_files_and_nothing_that_is_deployed(project: Installed, wheels: tuple[Path, Path]) -> None:
    root, pid = project.root, project.local_pid()
    assert (root / "main.py").read_text().startswith(f'"""The app of {OLD}:')
    # WHEN the current version is installed, and the project is upgraded
    project.install("--reinstall-package", "batchtab", f"batchtab[synth] @ {wheels[1].as_uri()}")
    done = project.run("upgrade", check=True)
    # THEN the owned file that changed is new, so is the pin, and what changed for users is shown
    assert f"This project went from version {OLD} to {NEW}." in done.stdout
    assert "main.py: written (nobody changed it)" in done.stdout
    assert f'dependencies = ["batchtab[synth]=={NEW}"]' in (root / "pyproject.toml").read_text()
    assert (root / "main.py").read_text().startswith('"""The app:')
    assert f"What changed for users:\n\n## {NEW}\n" in done.stdout
    assert "## 0.1.0" not in done.stdout
    # AND a second time there is nothing to do
    assert project.run("upgrade").stdout == f"batchtab: nothing to do: this project is of version {NEW}\n"
    # AND the project's own pin is fulfilled
    project.install(f"batchtab[synth] @ {wheels[1].as_uri()}", str(root))
    project.run("setup", check=True)
    # AND what the older version deployed stays as it is
    assert_nothing_to_change(project)
    assert project.local_pid() == pid


def test_cdktf_deploys_with_the_variables_that_are_printed(project: Installed) -> None:
    # WHEN a stack is deployed without `batchtab`
    script = 'eval "$(batchtab env)" && exec cdktf deploy --skip-provider-lock --auto-approve environment'
    done = project.call("bash", "-c", script)
    # THEN Terraform finds nothing to change
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Resources: 0 added, 0 changed, 0 destroyed" in done.stdout
    # AND Terraform's settings are the project's own
    assert f"TF_CLI_CONFIG_FILE={project.root}/.batchtab/terraform.rc" in project.run("env").stdout


def test_the_public_names_are_there(project: Installed) -> None:
    done = project.call(
        "python", "-c", "import batchtab; print(*[getattr(batchtab, name).__name__ for name in dir(batchtab)])"
    )
    assert done.returncode == 0, done.stderr
    assert {"ScheduledJob", "BatchEnvironment", "load"} <= set(done.stdout.split())


def test_nothing_of_batchtab_needs_the_examples(project: Installed) -> None:
    # GIVEN the project without the service that `init` wrote, and with another one on a queue of another name
    root = project.root
    shutil.rmtree(root / "jobs" / "reports")
    (root / "jobs" / "billing").mkdir()
    (root / "jobs" / "billing" / "jobs.yaml").write_text(
        "service: billing\n"
        "defaults: {vcpus: 1, memory_mib: 2048, timeout_seconds: 300}\n"
        "jobs:\n"
        "  invoices: {command: [python, -V], queue: nightly, schedule: 30 2 * * *, timezone: Asia/Seoul}\n"
    )
    for stage in ("local", "prod"):
        path = root / "config" / f"{stage}.yaml"
        path.write_text(re.sub(r"queues: \{.*?\}", "queues: {nightly: 1}", path.read_text()))
    # THEN what the workflow `plan` runs passes
    project.run("check", check=True)
    planned = project.run("plan", "--out", "plan", check=True)
    assert re.search(r"^jobs-billing +Plan: \d+ to add, 0 to change, 0 to destroy", planned.stdout, re.MULTILINE)
    scanned = project.run("ci", "scan", "--json", ".batchtab/scan/checkov.json", check=True)
    assert re.search(r"stacks +passed +\d+ +failed +0 ", scanned.stdout)
    summed = project.run("ci", "summary", "plan", "--checkov", ".batchtab/scan/checkov.json", "--format", "markdown")
    assert summed.returncode == 0, summed.stderr
    assert "billing-invoices" in summed.stdout


def test_down_leaves_nothing(project: Installed) -> None:
    # GIVEN local AWS, which runs
    pid = project.local_pid()
    os.kill(pid, 0)
    # WHEN it is taken down
    done = project.run("down", check=True)
    # THEN its process is gone, and so is the record of it
    assert "Local AWS: stopped" in done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (project.root / ".batchtab" / "local.json").exists()
    assert not (project.root / "cdktf.out").exists()


def assert_nothing_to_change(project: Installed) -> None:
    """Fails unless every stack's plan is empty."""
    done = project.run("plan", "--fail-on-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    stacks = ("network", "environment", "jobs-reports")
    assert re.findall(r"^(\S+) +No changes\.$", done.stdout, re.MULTILINE) == list(stacks), done.stdout
