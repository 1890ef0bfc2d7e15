"""A smaller array that runs some children of another one: the command sees the index and the size of the first."""

from __future__ import annotations

import pytest
from tests.unit.runner.harness import environment, lines, run

from batchtab.runner import children
from batchtab.runner.settings import SettingsError

PRINT = ("sh", "-c", "echo $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE")


@pytest.mark.parametrize(("position", "expected"), [("0", "3"), ("1", "17"), ("2", "18"), ("3", "20")])
def test_each_child_gets_its_index_of_the_first_array(position: str, expected: str) -> None:
    # GIVEN a child of a retry
    env = environment(
        AWS_BATCH_JOB_ARRAY_INDEX=position, AWS_BATCH_JOB_ARRAY_SIZE="4", AWS_BATCH_JOB_ID=f"b9a5:{position}"
    )
    # WHEN it runs THEN the command and the lines have the index that it had
    result = run("--", *PRINT, env={**env, "BATCHTAB_ARRAY_INDICES": "3,17-18,20", "BATCHTAB_ARRAY_SIZE": "100"})
    assert result.stdout.decode() == f"{expected} of 100\n"
    assert [line["array_index"] for line in lines(result.stderr)] == [int(expected)] * 2


def test_one_child_is_no_array() -> None:
    env = environment(BATCHTAB_ARRAY_INDICES="17", BATCHTAB_ARRAY_SIZE="100")
    assert run("--", *PRINT, env=env).stdout == b"17 of 100\n"


def test_an_array_says_that_its_children_can_be_chosen_and_another_job_does_not() -> None:
    first, last = lines(run("true", env=environment(AWS_BATCH_JOB_ARRAY_INDEX="3")).stderr)
    assert first["chooses_children"] is True
    assert "chooses_children" not in last
    assert "chooses_children" not in lines(run("true").stderr)[0]


@pytest.mark.parametrize(
    ("indices", "position", "said"),
    [
        ("3,17", "2", "must have an index for child 2, got '3,17'"),
        ("3,17", None, "must be one index for a job that is not an array, got '3,17'"),
        ("3,,17", "0", "must be indices and ranges such as 3,17-20, got '3,,17'"),
        ("17-3", "0", "must be indices and ranges"),
        ("-1", "0", "must be indices and ranges"),
        ("x", "0", "must be indices and ranges"),
    ],
)
def test_nothing_runs_where_no_child_is_named(indices: str, position: str | None, said: str) -> None:
    env = environment(BATCHTAB_ARRAY_INDICES=indices)
    result = run("echo", "ran", env=env if position is None else {**env, "AWS_BATCH_JOB_ARRAY_INDEX": position})
    assert (result.returncode, result.stdout) == (2, b"")
    assert said in result.stderr.decode()


def test_without_the_variables_nothing_changes() -> None:
    env = {"AWS_BATCH_JOB_ARRAY_INDEX": "5", "BATCHTAB_ARRAY_INDICES": "", "BATCHTAB_ARRAY_SIZE": "9"}
    before = dict(env)
    children.choose(env)
    assert env == before
    with pytest.raises(SettingsError):
        children.choose({"BATCHTAB_ARRAY_INDICES": "x"})
