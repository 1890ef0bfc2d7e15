from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from batchtab import errors
from batchtab.declarations import catalog, chain
from batchtab.declarations.chain import circles, resolve
from batchtab.declarations.diagnostics import LINES_MAX
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


def test_long_chains_and_circles_need_no_deep_stack() -> None:
    # GIVEN a chain of 5,000 jobs, each after the one before it
    names = [("s", f"j{number:04}") for number in range(5_000)]
    before = {name: [earlier] for earlier, name in pairwise(names)}
    assert list(circles({names[0]: [], **before})) == []
    # WHEN its first comes after its last
    (circle,) = circles({names[0]: [names[-1]], **before})
    # THEN that is one circle
    assert circle == [*names[1:], names[0]]


def test_a_long_circle_is_one_line_that_can_be_read(project: Path) -> None:
    # GIVEN a service whose jobs all come after each other
    jobs = "".join(f"  j{n}: {{command: [x], timeout_seconds: 60, after: j{(n - 1) % 1000}}}\n" for n in range(1000))
    (project / "jobs" / "long").mkdir()
    (project / "jobs" / "long" / "jobs.yaml").write_text(f"service: long\njobs:\n{jobs}")
    # THEN the line shows where it begins and how long it is
    [line] = faults(project)
    assert "job j1: after: goes in a circle: j1 → j2 → j3 → " in line
    assert line.endswith("→ j12 → … (988 more) → j1")


def test_of_many_unknown_names_each_lists_only_the_first_jobs(project: Path) -> None:
    jobs = "".join(f"  j{n}: {{command: [x], timeout_seconds: 60, after: k{n}}}\n" for n in range(250))
    (project / "jobs" / "long").mkdir()
    (project / "jobs" / "long" / "jobs.yaml").write_text(f"service: long\njobs:\n{jobs}")
    with pytest.raises(UsageError) as caught:
        catalog.load("local", project)
    lines = str(caught.value).splitlines()
    # THEN a person can read it, and knows how much more there is
    assert len(lines) == 201
    assert lines[-1] == "… and 50 more"
    assert all(len(line) < 600 for line in lines)


def long_service(project: Path, fields: str) -> list[str]:
    """The lines that are shown of a service of 1,000 jobs, `{n}` in the fields of each its number."""
    jobs = "".join(f"  j{n}: {{timeout_seconds: 60, {fields.format(n=n)}}}\n" for n in range(1000))
    (project / "jobs" / "long").mkdir()
    (project / "jobs" / "long" / "jobs.yaml").write_text(f"service: long\njobs:\n{jobs}")
    with pytest.raises(UsageError) as caught:
        catalog.load_all(project)
    return str(caught.value).splitlines()


def calls(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> list[int]:
    """Grows by one with each call of a function."""
    made: list[int] = []
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: (made.append(1), real(*given))[1])
    return made


def test_names_are_listed_once_and_looked_for_only_for_what_is_shown(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN two stages that run a service whose 1,000 jobs all come after one that is not there
    lists, looks, steps = (
        calls(monkeypatch, *of) for of in ((chain, "listed"), (chain, "did_you_mean"), (errors, "_steps"))
    )
    lines = long_service(project, "command: [x], after: [i{n}]")
    # THEN the names are gathered once, and hints are looked for once for each line that is shown
    assert (len(lists), len(looks)) == (1, LINES_MAX)
    assert "job j0: after[0]: 'i0' is not a job: j0, j1, " in lines[0]
    assert all(lines[n].endswith(f"[hint: did you mean 'j{n}'?]") for n in range(10, LINES_MAX))
    assert lines[-1] == "… and 800 more"
    # AND letters are compared only of names that have nearly the same ones
    assert 0 < len(steps) < LINES_MAX * 150


def test_jobs_with_many_faults_are_compared_with_few_names(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN 1,000 jobs with two unknown keys each, of which one is near a field
    steps = calls(monkeypatch, errors, "_steps")
    lines = long_service(project, "command: x, coment{n}: 1, timeot_second: 3")
    # THEN each has its hint, and is compared with hardly any of the 60 fields
    assert sum(line.endswith("[hint: did you mean 'timeout_seconds'?]") for line in lines) == 66
    assert len(steps) < 1000 * 2 * 10


def declared(project: Path, jobs: str) -> None:
    (project / "jobs" / "joins").mkdir()
    lines = "".join(f"  {line}\n" for line in jobs.splitlines())
    (project / "jobs" / "joins" / "jobs.yaml").write_text(f"service: joins\njobs:\n{lines}")


A_AND_B = """a: {command: [x], timeout_seconds: 60, schedule: 0 1 * * *}
b: {command: [x], timeout_seconds: 60, schedule: 0 1 * * *}
"""


def test_a_job_may_wait_for_all_of_several(project: Path) -> None:
    declared(
        project,
        f"{A_AND_B}c: {{command: [x], timeout_seconds: 60, after_all: [a, examples/hello], within_seconds: 600}}",
    )
    job = catalog.load("local", project).services[1].jobs["c"]
    assert (job.after_all, job.within_seconds, job.is_managed) == (("a", "examples/hello"), 600, True)
    assert job.origin == "after all of a, examples/hello"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            "after_all: [a], schedule: 0 2 * * *",
            'after_all: ["a"] does not go with schedule: a run starts only when all have',
        ),
        ("after_all: [a], after: b", 'after_all: ["a"] does not go with after: a run starts only when all have ended'),
        ("after: a, within_seconds: 600", "within_seconds: 600 has no effect without after_all [hint: leave it out]"),
        ("after_all: [a], within_seconds: 5", "within_seconds: 5 is too short: 60 to 2678400 (seconds)"),
        ("after_all: [a, bb]", "after_all[1]: 'bb' is not a job: a, b, c,"),
        ("after_all: [a, c]", "after_all: goes in a circle: c → c"),
        ("after_all: [a, b, a]", "after_all[2]: 'a' is listed twice [hint: leave it out]"),
        ("after_all: [a, joins/a]", "after_all[1]: 'joins/a' is the same job as 'a' [hint: leave it out]"),
        ("after_all: [joins/a, b, a]", "after_all[2]: 'a' is the same job as 'joins/a' [hint: leave it out]"),
        ("after_all: [a, b, a, b, a, b, a, b, a]", "after_all: has 9 entries: at most 8"),
        ("after_all: a", "after_all: 'a' is not a list"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(project: Path, fields: str, expected: str) -> None:
    declared(project, f"{A_AND_B}c: {{command: [x], timeout_seconds: 60, {fields}}}")
    [line] = faults(project)
    assert f"job c: {expected}" in line


def test_a_circle_through_both_kinds_is_found(project: Path) -> None:
    declared(
        project,
        "a: {command: [x], timeout_seconds: 60, after: b}\nb: {command: [x], timeout_seconds: 60, after_all: [a]}",
    )
    [line] = faults(project)
    assert "goes in a circle: b → a → b" in line


def test_a_job_of_another_service_is_not_the_same(project: Path) -> None:
    declared(project, f"{A_AND_B}hello: {{command: [x], timeout_seconds: 60, after_all: [a, examples/tick, b]}}")
    assert catalog.load("local", project).services[1].jobs["hello"].after_all == ("a", "examples/tick", "b")


def test_what_is_not_there_twice_is_two_lines(project: Path) -> None:
    declared(project, f"{A_AND_B}c: {{command: [x], timeout_seconds: 60, after_all: [bb, bb]}}")
    assert ["is not a job" in line for line in faults(project)] == [True, True]
