from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.declarations import catalog
from batchtab.declarations.chain import circles, resolve
from batchtab.errors import UsageError

JOBS = "jobs/examples/jobs.yaml"


def faults(root: Path) -> list[str]:
    with pytest.raises(UsageError) as caught:
        catalog.load("local", root)
    return [str(problem) for problem in caught.value.problems]


def test_a_name_is_of_the_same_service_or_says_which() -> None:
    assert resolve("a", "job") == ("a", "job")
    assert resolve("a", "b/job") == ("b", "job")


def test_a_single_name_and_a_list_mean_the_same(project: Path, spoil: Callable[..., None]) -> None:
    # GIVEN a job that follows one other, as a word
    word = catalog.load("local", project).services[0].jobs["transform"].after
    # WHEN it is written as a list
    spoil(JOBS, "after: extract", "after: [extract]")
    # THEN it means the same
    assert catalog.load("local", project).services[0].jobs["transform"].after == word == ("extract",)


def test_a_job_may_follow_another_services(project: Path, spoil: Callable[..., None]) -> None:
    spoil(JOBS, "after: extract", "after: [extract, my-service/do-often]")
    assert catalog.load("local", project).services[0].jobs["transform"].after == ("extract", "my-service/do-often")


def test_an_unknown_name_is_told_with_the_near_one(project: Path, spoil: Callable[..., None]) -> None:
    # GIVEN a slip of the pen
    spoil(JOBS, "after: extract", "after: extrakt")
    # THEN the line names the job, the value and what it may have meant
    [line] = faults(project)
    assert "jobs/examples/jobs.yaml:24: " in line
    assert "job transform: after: 'extrakt' is not a job: hello, fail, tick, extract" in line
    assert line.endswith("[hint: did you mean 'extract'?]")


def test_a_circle_is_printed_as_it_runs(project: Path, spoil: Callable[..., None]) -> None:
    # GIVEN three jobs that wait for each other
    spoil(JOBS, 'extract, "1"]\n  transform', 'extract, "1"]\n    after: load\n  transform')
    # THEN one line shows the circle
    [line] = faults(project)
    assert "goes in a circle: transform → load → extract → transform" in line or (
        "goes in a circle: extract → transform → load → extract" in line
    )


def test_a_job_that_waits_for_itself_is_a_circle() -> None:
    assert list(circles({("s", "a"): [("s", "a")]})) == [[("s", "a")]]


def test_two_circles_are_two_lines() -> None:
    # GIVEN a ⇄ b and c ⇄ d, and e that follows both
    before = {
        ("s", "a"): [("s", "b")],
        ("s", "b"): [("s", "a")],
        ("s", "c"): [("s", "d")],
        ("s", "d"): [("s", "c")],
        ("s", "e"): [("s", "a"), ("s", "c")],
    }
    # THEN each circle is found once, and e is in none
    assert sorted(sorted(job for _, job in circle) for circle in circles(before)) == [["a", "b"], ["c", "d"]]


def test_a_tree_has_no_circle() -> None:
    assert list(circles({("s", "b"): [("s", "a")], ("s", "c"): [("s", "a"), ("s", "b")], ("s", "a"): []})) == []


@pytest.mark.parametrize(
    ("field", "text"), [("after_status: done", "after_status"), ("concurrency_policy: never", "concurrency_policy")]
)
def test_words_that_are_not_there_are_refused(project: Path, spoil: Callable[..., None], field: str, text: str) -> None:
    spoil(JOBS, "    after: extract", f"    after: extract\n    {field}")
    assert any(f"{text}: " in line and "is not allowed" in line for line in faults(project))
