"""Commands of other programs on the pages: shells, make, git, the AWS CLI and our modules know them."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session
from tests.doc_blocks import ROOT, calls, command_lines, fenced, git, inline, split, variants

#: How another program's commands are tried.
SYNTAX = "bash reads it; the program is not part of the tests' set-up, or the command needs what tests do not have"
PROGRAMS = {
    "batchtab": "tests/contract/test_docs_commands.py",
    **dict.fromkeys(("aws", "git", "make", "python"), "here"),
    **dict.fromkeys(
        ("gh", "pip", "uvx", "cdktf", "terraform", "docker", "helm", "kubectl", "npm", "node", "python3"), SYNTAX
    ),
    **dict.fromkeys(("crontab", "systemctl"), SYNTAX),
    **dict.fromkeys(("cd", "cp", "rm", "eval", "export", "sleep", ".", "${EDITOR:-vi}"), SYNTAX),
}
#: Options of other programs that sentences name alone.
FOREIGN = {
    "--require": "node",
    "--token": "an example of what is masked",
    "--password": "an example of what is masked",
    "--api-key": "an example of what is masked",
    "--rm": "docker",
    "--read-only": "docker",
    "--read-only-tmpfs": "podman",
    "--jq": "gh",
    "--install-completion": "all of batchtab",
    "--container-overrides": "aws batch submit-job",
    "--array-properties": "aws batch submit-job",
}
OURS = (
    "batchtab.runner",
    "batchtab.runner.lambda_handler",
    "batchtab.runner_image",
    "batchtab.local_aws",
    "benchmarks.submit_lives",
)


def test_each_program_is_known() -> None:
    lines = [line for block in fenced("sh") for text in block.text.splitlines() for line in variants(text)]
    assert {Path(words[0]).name or words[0] for line in lines for words in split(line)} == PROGRAMS.keys()


def test_the_shell_reads_each_block() -> None:
    for block in fenced("sh"):
        text = "\n".join(next(variants(line)) for line in block.text.splitlines())
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), block.place


def test_make_has_each_target() -> None:
    words = {word for call in calls("make") for word in call.words[1:]}
    targets = [word for word in words if re.fullmatch("[a-z][a-z0-9-]*|[A-Z]+=.*", word)]
    done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_git_does_what_the_ten_steps_say(tmp_path: Path) -> None:
    # GIVEN an empty repository at GitHub's place
    git(tmp_path, "init -q --bare origin.git")
    folder = tmp_path / "jobs"
    folder.mkdir()
    # WHEN the steps are gone, and then a release is tagged
    steps = [call for page in ("README.md", "CONTRIBUTING.md") for call in calls("git") if call.block.page == page]
    for number, call in enumerate(steps):
        (folder / f"file-{number}").touch()
        git(folder, shlex.join(call.words[1:]))
        if call.words[1] == "init":  # as `gh repo create --source . --push` does
            git(folder, "remote add origin ../origin.git")
    # THEN the branch and the tag are there
    listed = subprocess.run(["git", "ls-remote", "origin"], cwd=folder, capture_output=True, text=True, check=True)
    assert re.findall("refs/.*", listed.stdout) == ["refs/heads/first-deployment", "refs/tags/v0.2.0"]


@pytest.mark.parametrize("words", sorted({call.words for call in calls("aws") if len(call.words) > 2}), ids=shlex.join)
def test_aws_has_each_operation_and_option(words: tuple[str, ...]) -> None:
    _, service, command, *rest = words
    if service == "sso":
        return  # of the AWS CLI itself
    model = get_session().get_service_model(service)
    (operation,) = (name for name in model.operation_names if xform_name(name, "-") == command)
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    given = {word[2:] for word in rest if word.startswith("--")}
    assert given <= {xform_name(member, "-") for member in shape.members}
    assert not given or {xform_name(member, "-") for member in shape.required_members} <= given


def test_each_module_of_ours_is_there() -> None:
    named = {words[2] for words in (call.words for call in calls("python")) if words[1:2] == ("-m",)}
    ours = {name for name in named if name.partition(".")[0] in ("batchtab", "benchmarks", "tests", "tools")}
    assert len(ours) > 8
    assert {name for name in ours if importlib.util.find_spec(name) is None} == set()


def test_each_option_in_a_sentence_is_one_of_ours_or_says_whose_it_is() -> None:
    # GIVEN the options of all commands, and of the other programs
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    known = set(re.findall(r"--[a-z][a-z-]*", " ".join(re.findall(r"^\| `(.*?)` \|", page, re.MULTILINE))))
    for module in OURS:
        command = [sys.executable, "-m", module, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        known |= set(re.findall(r"--[a-z][a-z-]*", done.stdout))
    # THEN an option that is named without a command is one of them
    options = {option: block for block in inline() for option in re.findall(r"^--[a-z][a-z-]*", block.text)}
    assert {option: block.place for option, block in options.items() if option not in {*known, *FOREIGN}} == {}


def test_each_extra_is_there() -> None:
    extras = {extra for line in command_lines() for extra in re.findall(r"\bbatchtab\[(\w+)\]", line.text)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"synth", "web"} <= extras <= project["optional-dependencies"].keys()
