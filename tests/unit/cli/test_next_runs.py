from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.main import main
from cli.next_runs import table
from jobs import catalog

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
JOBS = "jobs/my-service/jobs.yaml"


def rows(project: Path, name: str, count: int = 2) -> list[tuple[str, ...]]:
    loaded = catalog.load("local", project)
    jobs = {f"{service.service}-{key}": job for service in loaded.services for key, job in service.jobs.items()}
    return [*table(loaded, [(name, jobs[name])], count, NOW)]


def test_a_run_is_shown_in_utc_and_in_the_zone_of_the_stage(project: Path) -> None:
    assert rows(project, "my-service-do-something") == [
        ("my-service-do-something", "default", "cron(0 0 * * ? *)", "Tue 2026-05-05 00:00", "Tue 2026-05-05 09:00"),
        ("", "", "", "Wed 2026-05-06 00:00", "Wed 2026-05-06 09:00"),
    ]


def test_a_rate_is_marked_as_an_estimate(project: Path) -> None:
    ((*_, utc, local),) = rows(project, "examples-tick", 1)

    assert (utc, local) == ("~Mon 2026-05-04 12:01", "~Mon 2026-05-04 21:01")


def test_a_job_by_hand_and_a_suspended_one_have_no_next_run(
    project: Path, spoil: Callable[[str, str, str], None]
) -> None:
    spoil(JOBS, "queue: continuously", "queue: continuously\n    suspend: true")

    assert rows(project, "examples-fail") == [("examples-fail", "default", "by hand", "-", "-")]
    assert rows(project, "my-service-do-often")[0][3] == "suspended"


def test_a_schedule_that_is_over_says_so(project: Path, spoil: Callable[[str, str, str], None]) -> None:
    spoil(JOBS, "cron(0 0 * * ? *)", "cron(0 0 1 1 ? 2020)")

    assert rows(project, "my-service-do-something")[0][3:] == ("never again", "-")


@pytest.mark.parametrize("name", ["do-often", "my-service-do-often", "my-service/do-often"])
def test_a_job_is_known_by_its_short_and_its_full_name(
    project: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["next", name, "--count", "1", "--root", str(project)]) == 0

    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["job", "queue", "schedule", "next", "(UTC)", "next", "(Asia/Seoul)"]
    assert [line.split()[0] for line in lines] == ["my-service-do-often"]


def test_all_jobs_are_shown_without_a_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", "--count", "1", "--root", str(project)]) == 0

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [
        "examples-hello", "examples-fail", "examples-tick", "examples-extract", "examples-transform", "examples-load",
        "examples-nightly", "examples-report", "examples-sync", "my-service-do-something", "my-service-do-often",
    ]  # fmt: skip


def test_an_unknown_job_is_one_line_with_the_near_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", "do-ofen", "--root", str(project)]) == 2

    error = capsys.readouterr().err
    assert error.startswith("batchtab next: 'do-ofen' is not a job of stage local: examples-hello, examples-fail")
    assert error.endswith("[hint: did you mean 'do-often'?]\n")
