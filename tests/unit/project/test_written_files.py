"""What `batchtab init` writes is correct as it is: it parses, passes the checks, and its program runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from batchtab.declarations.catalog import load, load_all
from batchtab.project.answers import Answers
from batchtab.project.new_project import all_files, create
from batchtab.project.template import PLACEHOLDER, TEMPLATES, render

ANSWERS = (
    Answers("my-jobs"),
    Answers("a", "b", ("c",)),
    Answers("n" * 30, "s" * 64, ("t" * 20, "prod-eu"), "My-Company/jobs.batch"),
    Answers("batchtab", "my-service", ("prod", "staging")),
)


def files(answers: Answers) -> dict[str, str]:
    return all_files(answers, "0.2.0")


def ids(answers: Answers) -> str:
    return answers.name


@pytest.mark.parametrize("answers", ANSWERS, ids=ids)
def test_every_file_parses_and_nothing_is_left_to_replace(answers: Answers) -> None:
    parsed = 0
    for path, text in files(answers).items():
        assert not PLACEHOLDER.search(path + text), path
        assert text.endswith("\n"), path
        assert "\n\n\n" not in text or path.endswith(".py"), path
        if path.endswith((".yaml", ".yml")):
            assert isinstance(yaml.safe_load(text), dict)
            parsed += 1
        elif path.endswith(".json"):
            assert isinstance(json.loads(text), dict)
            parsed += 1
        elif path.endswith(".toml"):
            assert tomllib.loads(text)["project"]["dependencies"] == ["batchtab[synth]==0.2.0"]
            parsed += 1
        elif path.endswith(".py"):
            compile(text, path, "exec")
            parsed += 1
    assert parsed == 11 + len(answers.stages)


def test_a_placeholder_without_a_value_is_an_error() -> None:
    assert render("${{ a }} ${b} [c] [[ d ]] [[[name]]]", {"name": "x"}) == "${{ a }} ${b} [c] [[ d ]] [x]"
    with pytest.raises(KeyError):
        render("[[nothing]]", {"name": "x"})


def test_every_template_of_the_package_is_used() -> None:
    folder = Path(sys.modules["batchtab.project.template"].__file__ or "").parent / "templates"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {template.source for template in TEMPLATES}


@pytest.mark.parametrize("answers", ANSWERS, ids=ids)
def test_the_checks_pass_for_every_stage(answers: Answers, tmp_path: Path) -> None:
    create(tmp_path, answers, "0.2.0")
    # WHEN all stages are checked
    catalogs = load_all(tmp_path)
    # THEN each has the two jobs, of which one has a schedule
    assert sorted(catalog.stage.name for catalog in catalogs) == sorted(("local", *answers.stages))
    for catalog in catalogs:
        (service,) = catalog.services
        assert service.service == answers.service
        assert {name: bool(job.schedule) for name, job in service.jobs.items()} == {"hello": True, "fail": False}
        assert catalog.stage.prefix == f"{answers.name}-{catalog.stage.name}"
    assert load("local", tmp_path).stage.is_local


@pytest.mark.parametrize("capacity", ["EC2", "SPOT", "FARGATE", "FARGATE_SPOT"])
def test_the_choices_in_the_comments_pass_too(capacity: str, project: Path) -> None:
    # GIVEN a stage in which a person takes what the comments offer
    path = project / "config" / "prod.yaml"
    text = path.read_text().replace("capacity: EC2", f"capacity: {capacity}")
    if capacity.startswith("FARGATE"):
        text = "".join(line for line in text.splitlines(keepends=True) if "not for Fargate" not in line)
    network, rest = text.split("network:\n", 1)
    text = network + rest[rest.index("# Or create") :].replace("# network:", "network:")
    text = text.replace("  function_name: SendToSlack", "  #").replace("  # webhook_secret_arn", "  webhook_secret_arn")
    for name in ("  # repeat_seconds", "  # alarm_topic_arns", "# runs", "# tags", "# jobs"):
        assert f"\n{name}:" in text, name
        text = text.replace(f"\n{name}:", f"\n{name.replace('# ', '')}:")
    path.write_text(text)
    # WHEN it is checked THEN it passes
    stage = load("prod", project).stage
    assert stage.environment.capacity == capacity
    assert stage.network.create
    assert stage.alerts.webhook_secret_arn
    assert stage.jobs == ("reports",)


def test_what_a_person_must_replace_is_marked(project: Path) -> None:
    marked = [line for line in (project / "config" / "prod.yaml").read_text().splitlines() if "FILL IN" in line]
    # THEN region, account, bucket, network and alerts are, after the line that explains the mark
    assert len(marked) == 6
    assert "FILL IN" not in (project / "config" / "local.yaml").read_text()


def test_editors_find_the_schemas_that_setup_writes(project: Path) -> None:
    for path in project.glob("*/**/*.yaml"):
        kind = "jobs" if path.name == "jobs.yaml" else "stage"
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        schema = path.parent / first.partition("=")[2]
        assert schema.resolve() == project / ".batchtab" / f"{kind}.schema.json"


@pytest.mark.parametrize("service", ["reports", "my-service", "class"])
def test_the_program_runs_from_the_project_and_fails_on_request(service: str, tmp_path: Path) -> None:
    create(tmp_path, Answers("my-jobs", service), "0.2.0")
    jobs = load("local", tmp_path).services[0].jobs

    def run(job: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *jobs[job].command[1:]]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)

    assert jobs["hello"].command[0] == "python"
    # WHEN the two jobs run THEN one succeeds and the other gives a reason
    hello, fail = run("hello"), run("fail")
    assert (hello.returncode, hello.stderr) == (0, "")
    assert (fail.returncode, fail.stderr) == (3, "error: this run was asked to fail\n")


def test_pip_and_uv_install_nothing_of_the_folder(project: Path) -> None:
    content = tomllib.loads((project / "pyproject.toml").read_text())
    assert content["tool"] == {"setuptools": {"py-modules": []}, "uv": {"package": False}}
    # AND the project cannot be taken for one of its own dependencies
    assert content["project"]["name"] == "my-jobs-project"


def test_the_app_runs_by_the_wrapper_that_setup_writes(project: Path) -> None:
    assert json.loads((project / "cdktf.json").read_text())["app"] == ".batchtab/bin/python main.py"
    assert "from batchtab.app import main" in (project / "main.py").read_text()


def test_git_adds_no_plan_and_nothing_that_is_made(project: Path) -> None:
    # GIVEN a fresh project with plan files, which hold secrets, and what set-up and Terraform leave behind
    made = (
        "plan/environment.plan.json",
        "plan/reviewed.json",
        "other/environment.plan.json",
        "out.tfplan",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        ".terraform/providers/aws",
        ".batchtab/bin/python",
        "cdktf.out/manifest.json",
        ".venv/bin/python",
        "build/lib/x",
        "my_jobs_project.egg-info/PKG-INFO",
        "jobs/reports/__pycache__/hello.cpython-311.pyc",
    )
    written = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    for name in made:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("secret")
    # WHEN all of it is added
    environment = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    for command in (["init", "--quiet"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=project, env=environment, check=True, timeout=300)
    listed = subprocess.run(
        ["git", "ls-files"], cwd=project, env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    # THEN just the project's own files are
    assert set(listed.stdout.split()) == written
    assert len(written) == 18


def test_the_image_takes_what_the_tool_prepares(project: Path) -> None:
    text = (project / "jobs" / "Dockerfile").read_text()
    copied = [line for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    assert copied == [
        "COPY requirements.txt /build/requirements.txt",
        "COPY batchtab /opt/batchtab",
        "COPY jobs /app/jobs",
    ]
    assert '"/opt/batchtab/runner/entrypoint.py"]' in text
