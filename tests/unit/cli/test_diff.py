"""`batchtab diff`: two git refs' files, compared without AWS and without Terraform."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from batchtab.cli.main import main

JOBS = Path("jobs/my-service/jobs.yaml")


def git(*arguments: str) -> str:
    names = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *names, *arguments], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(autouse=True)
def _repository(_in_the_project: None) -> None:
    """The project, committed on main."""
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "first")


def change(old: str, new: str, path: Path = JOBS) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_without_a_change_there_is_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "--exit-code"]) == 0
    head, _, *stages = capsys.readouterr().out.splitlines()
    assert head == f"merge-base with main ({git('rev-parse', 'HEAD')[:10]}) → working tree"
    assert stages
    assert all(line.endswith("no difference") for line in stages)


def test_the_working_tree_is_compared_with_where_the_branch_began(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a branch with a committed change and one that is not committed
    git("checkout", "-q", "-b", "work")
    change("cron(7/10 * * * ? *)", "cron(7/5 * * * ? *)")
    git("commit", "-q", "-a", "-m", "second")
    change("timeout_seconds: 1800", "timeout_seconds: 3600")
    # WHEN they are compared
    assert main(["diff", "--stage", "local"]) == 0
    out = capsys.readouterr().out
    # THEN both are told
    assert "stage local: jobs: 2 changed; 1 runs more often;" in out
    assert "my-service-do-often (changed): every 10 minutes from minute 7 → every 5 minutes from minute 7" in out
    assert "(144 -> 264 a day, MORE OFTEN)" in out
    assert "timeout          30 min -> 1 h" in out


def test_what_is_the_same_in_several_stages_is_sent_once(capsys: pytest.CaptureFixture[str]) -> None:
    change("timeout_seconds: 1800", "timeout_seconds: 3600")
    main(["diff"])
    out = capsys.readouterr().out
    assert out.count("30 min -> 1 h") == 1
    assert "my-service-do-something (changed; example, local): other timeout" in out


def test_two_refs_are_compared_and_the_working_tree_does_not_count(capsys: pytest.CaptureFixture[str]) -> None:
    change("timeout_seconds: 1800", "timeout_seconds: 3600")
    git("commit", "-q", "-a", "-m", "second")
    JOBS.write_text("not: [yaml")
    assert main(["diff", "--base", "HEAD~1", "--head", "HEAD", "-o", "name"]) == 0
    assert capsys.readouterr().out == "my-service-do-something\n"


def test_the_status_says_whether_there_are_differences_where_it_is_asked_for() -> None:
    change("timeout_seconds: 1800", "timeout_seconds: 3600")
    assert main(["diff"]) == 0
    assert main(["diff", "--exit-code"]) == 1


def test_programs_get_all_of_it_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    change("timeout_seconds: 1800", "timeout_seconds: 3600")
    main(["diff", "--stage", "local", "-o", "json"])
    told = json.loads(capsys.readouterr().out)
    main(["diff", "--stage", "local", "-o", "yaml"])
    assert yaml.safe_load(capsys.readouterr().out) == told
    assert told["base"] == {"ref": "merge-base with main", "commit": git("rev-parse", "HEAD")}
    assert told["head"] is None
    (stage,) = told["stages"]
    assert (stage["stage"], stage["action"], stage["environment"]) == ("local", "changed", [])
    (job,) = stage["jobs"]
    assert (job["job"], job["action"], job["fire_times"], job["permissions"]) == (
        "my-service-do-something",
        "changed",
        None,
        [],
    )
    assert {"name": "timeout", "before": "30 min", "after": "1 h"} in job["fields"]


def test_a_side_with_errors_is_named_with_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a commit with an error, and another error in the working tree
    change("timeout_seconds: 1800", "timeout_seconds: 5")
    git("commit", "-q", "-a", "-m", "second")
    change("queue: continuously", "queue: nope")
    # WHEN they are compared
    assert main(["diff", "--base", "HEAD", "--stage", "local"]) == 2
    said = capsys.readouterr()
    # THEN each side is named, and each line says where it is
    assert said.out == ""
    label = f"HEAD ({git('rev-parse', 'HEAD')[:10]})"
    assert f"batchtab: diff: the files of --base, {label}, have errors\n" in said.err
    assert "batchtab: diff: the files of --head, working tree, have errors\n" in said.err
    assert re.search(r"^HEAD:jobs/my-service/jobs.yaml:\d+: job do-something: timeout_seconds: 5 ", said.err, re.M)
    assert re.search(r"^jobs/my-service/jobs.yaml:\d+: job do-something: timeout_seconds: 5 ", said.err, re.M)
    assert "'nope' is not a queue" in said.err
    assert "/tmp/" not in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base", "nope"], "diff: --base 'nope' is not a commit of this repository [hint:"),
        (["--base", "HEAD", "--head=-x"], "diff: --head '-x' is not a git ref [hint:"),
        (["--stage", "exampel"], "diff: neither side has a stage 'exampel': the stages are example"),
    ],
)
def test_what_is_not_there_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert len(said.err.splitlines()) == 1


def test_a_stage_that_is_new_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config/extra.yaml").write_text(
        Path("config/example.yaml").read_text().replace("123456789012", "210987654321")
    )
    assert main(["diff", "--stage", "extra", "--exit-code"]) == 1
    assert "stage extra: new, with" in capsys.readouterr().out


def test_a_terminal_of_80_columns_is_enough(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN changes with long lines, on a terminal
    change("cron(7/10 * * * ? *)", "cron(7/5 * * * ? *)")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    main(["diff"])
    # THEN each line fits
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
