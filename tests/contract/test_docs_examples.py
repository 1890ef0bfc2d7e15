"""Each block of the pages that is no command line is what it says, and an output is what a command prints."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.doc_blocks import ROOT, Block, Clock, calls, fenced, git, is_shown, shown
from tests.projects import PROJECT, copy_project
from tests.unit.calendar import support
from tools.doc_pictures import WEEK

import batchtab
from batchtab.cli.jobs import diff
from batchtab.cli.main import main
from batchtab.declarations.stage import StageFile

HCL = "tests/hcl/test_readmes.py, and tests/hcl/test_from_cloudformation.py, which applies them"
#: Who tries the blocks of a language.
LANGUAGES = {
    "": "OUTPUTS, and tests/contract/test_docs_commands.py",
    "console": "OUTPUTS, and tests/contract/test_docs_commands.py",
    "dockerfile": "here",
    "hcl": HCL,
    "json": "here",
    "mermaid": "here, and `make docs`, which draws them",
    "python": "here, and by those of PYTHON",
    "sh": "here, and tests/contract/test_docs_commands.py",
    "terraform": "tests/hcl/test_mocks.py",
    "text": "tests/contract/test_reference_pages.py: the pages are generated",
    "yaml": "here",
}
PYTHON = {
    "python": "tests/constructs/test_python_app.py runs them",
    "frameworks": "imports of a framework that is not installed with the other one",
    "reference/python": "tests/contract/test_reference_pages.py: signatures, generated",
}
#: What else shows an output, by its beginning, and who compares it, or why nobody does.
OUTPUTS = {
    "batchtab-prod ·": "here",
    "jobs/my-service/jobs.yaml:": "here",
    "Deployment of network": "a deployment's, with times: tests/e2e/test_up.py looks for such lines",
    "Job reports-hello": "a deployment's: tests/e2e/test_installed.py looks for its lines",
    "main.py  cdktf.json": "a list of folders",
    '~ resource "aws_lambda_function"': "Terraform's, where a module's folder has another name",
}
#: Pages whose blocks are files of another system, and what is made of them.
IMPORTS, IMPORTED = "docs/import-", "tests/unit/importers/test_pages.py"


def blocks(*languages: str) -> list[Block]:
    """The blocks of some languages, or all, of the pages that tests here try."""
    return [block for block in fenced(*languages) if not block.page.startswith(IMPORTS)]


def each(*languages: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", blocks(*languages), ids=lambda block: str(block.place))


# --- nothing is left out


def test_each_block_is_tried_or_says_why_not() -> None:
    # GIVEN all blocks THEN each language is known
    assert {block.language for block in blocks()} == LANGUAGES.keys()
    assert (ROOT / IMPORTED).exists() or blocks() == fenced()
    # AND each output without its command
    outputs = [block for block in blocks("", "console") if not re.match(r"\$ |batchtab ", block.text)]
    assert {name for name in OUTPUTS for block in outputs if block.text.startswith(name)} == OUTPUTS.keys()
    assert [block.place for block in outputs if not block.text.startswith(tuple(OUTPUTS))] == []
    # AND those that other tests try are on the pages that those tests read
    assert {block.page for block in blocks("text")} == {"docs/reference/cli.md"}
    assert {block.page for block in blocks("python")} == {f"docs/{name}.md" for name in PYTHON}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "modules").glob("**/README.md")}
    assert {block.page for block in blocks("hcl", "terraform")} == {"docs/from-cloudformation.md", *modules}


# --- files


@each("yaml")
def test_yaml_passes_check(block: Block, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, text in enumerate(one_of_each(block.text)):
        # GIVEN a project that has the block, as a file of jobs, as fields of a job, or in a stage's file
        project = tmp_path / str(number)
        write(project, text)
        # THEN it has no errors
        status = main(["check", "--root", str(project)])
        assert status == 0, capsys.readouterr().err


def one_of_each(text: str) -> Iterator[str]:
    """A text once for each of the ways that exclude each other, as its comment says."""
    names = ("function_name", "topic_arn", "webhook_secret_arn", "webhook_kms_key_arn")
    if "# one of the three:" not in text:
        yield text
        return
    for kept in (names[:1], names[1:2], names[2:]):
        left_out = "|".join(name for name in names if name not in kept)
        yield re.sub(rf"^ *({left_out}):.*\n", "", text, flags=re.MULTILINE)


def write(project: Path, text: str) -> None:
    """Writes a project that has a block, which any reader of YAML can read, such as Terraform's."""
    content = yaml.safe_load(text)
    jobs, stage = "jobs: {job: {command: [x]}}", {}
    if "jobs" in content:
        jobs = text
    elif content.keys() <= StageFile.model_fields.keys():
        stage = content
    else:
        jobs = "jobs:\n  job:\n    command: [x]\n    schedule: '@daily'\n" + textwrap.indent(text, "    ")
    name = "local" if "local" in stage else "example"
    whole = yaml.safe_load((PROJECT / "config" / f"{name}.yaml").read_text(encoding="utf-8")) | stage
    billing = "service: billing\njobs: {invoices: {command: [x]}}"
    files = {f"config/{name}.yaml": yaml.safe_dump(whole), "jobs/billing/jobs.yaml": billing}
    files["jobs/a/jobs.yaml"] = jobs if "service" in content else f"service: a\n{jobs}"
    if content.get("service") == "billing":
        del files["jobs/billing/jobs.yaml"]
    (project / "examples" / "my-service").mkdir(parents=True)
    for file, its in files.items():
        path = project / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(its, encoding="utf-8")


def test_json_is_what_the_runner_writes() -> None:
    # GIVEN the runner's two lines on a page, and the command that the page has
    (block,) = blocks("json")
    (words,) = {call.words for call in calls("python") if "batchtab.runner" in call.words and "--" in call.words}
    done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=False)
    # THEN those that it writes have the same keys, and its exit code is the command's
    written = [json.loads(line) for line in done.stderr.splitlines()]
    assert [list(json.loads(line)) for line in block.text.splitlines()] == [list(line) for line in written]
    assert (done.returncode, written[1]["exit_code"]) == (3, 3)


@each("python")
def test_python_is_python_and_its_names_are_there(block: Block) -> None:
    if block.page == "docs/reference/python.md":
        return  # signatures, generated
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and node.module == "batchtab":
            assert {name.name for name in node.names} <= set(batchtab.__all__)


@each("mermaid")
def test_a_diagram_has_its_kind_and_whole_brackets(block: Block) -> None:
    kind, *lines = block.text.splitlines()
    assert re.fullmatch("flowchart (LR|TD)", kind)
    for line in lines:
        without_text = re.sub(r'"[^"]*"', "", line)
        assert [without_text.count(mark) for mark in "[("] == [without_text.count(mark) for mark in "])"], line


def test_the_lines_for_an_image_are_those_of_the_example() -> None:
    (block,) = blocks("dockerfile")
    example = (ROOT / "examples" / "my-service" / "Dockerfile.runner").read_text(encoding="utf-8")
    own = [line for line in block.text.splitlines() if line.startswith(("COPY", "ENTRYPOINT"))]
    assert set(own) <= set(example.splitlines())
    # DL3007, DL3008: a short example names no versions
    lint = [str(Path(sys.executable).with_name("hadolint")), "--ignore", "DL3007", "--ignore", "DL3008", "-"]
    done = subprocess.run(lint, input=block.text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


# --- outputs


@pytest.mark.parametrize(
    ("old", "new"), [("timeout_seconds: 60", "timeout_seconds: 59"), ("queue: continuously", "memory: 2Gi")]
)
def test_errors_are_as_a_page_shows_them(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a wrong value, or a key of another tool
    path = copy_project(tmp_path) / "jobs" / "my-service" / "jobs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 2
    # THEN one of the page's lines is what it says
    pages = [block.text for block in blocks("") if block.text.startswith("jobs/my-service/jobs.yaml:")]
    said = [line for line in capsys.readouterr().err.splitlines() if "warning:" not in line]
    assert [f"{line}\n" in pages for line in said] == [True]


def test_a_week_is_as_a_page_shows_it(tmp_path: Path) -> None:
    # GIVEN the jobs of the page
    support.write(tmp_path, WEEK, max_vcpus=32)
    # WHEN the command is called where there are box characters
    command = [sys.executable, "-m", "batchtab.cli.main", "calendar", "--stage", "prod", "--from", "2026-03-23"]
    variables = {**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    out = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, encoding="utf-8", check=True).stdout
    # THEN it is the page's, but for the legend
    (page,) = (block.text for block in blocks("") if block.text.startswith("batchtab-prod ·"))
    assert is_shown(page, out), out


def test_a_difference_is_as_a_page_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a project that was pushed, and then changed as the page has it
    project = copy_project(tmp_path)
    (project / "config" / "example.yaml").rename(project / "config" / "prod.yaml")
    git(project, "init -q -b main", "add --all", "commit -q -m first", "update-ref refs/remotes/origin/main HEAD")
    jobs = project / "jobs" / "my-service" / "jobs.yaml"
    allowed = "permissions: [{actions: ['s3:GetObject'], resources: ['arn:aws:s3:::reports/*']}]"
    changed = f"cron(7/5 * * * ? *)\n    {allowed}"
    jobs.write_text(jobs.read_text(encoding="utf-8").replace("cron(7/10 * * * ? *)", changed), encoding="utf-8")
    stage = project / "config" / "prod.yaml"
    stage.write_text(stage.read_text(encoding="utf-8").replace("continuously: 3", "continuously: 6"), encoding="utf-8")
    # WHEN they are compared at the page's time
    monkeypatch.chdir(project)
    monkeypatch.setattr(diff, "datetime", Clock)
    assert main(["diff", "--stage", "prod"]) == 0
    # THEN it is the page's, but for the commit
    page = re.sub(r"\([0-9a-f]{10}\)", "(…)", shown()["batchtab", "diff", "--stage", "prod"])
    out = capsys.readouterr().out
    assert is_shown(page, out), out
