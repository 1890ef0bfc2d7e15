from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from batchtab.cli.jobs import next_runs
from batchtab.cli.jobs.next_runs import table
from batchtab.cli.jobs.run_timeline import Job, Line, lines
from batchtab.cli.main import main
from batchtab.declarations.job import JobSpec

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
JOBS = "jobs/my-service/jobs.yaml"
BERLIN, SEOUL, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Seoul"), ZoneInfo("UTC")
BEFORE_SPRING = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)


def job(name: str, schedule: str | None, zone: ZoneInfo = UTC_ZONE, **fields: object) -> Job:
    return Job(name, JobSpec.model_validate({"command": ["run"], "schedule": schedule, **fields}), zone)


def told(found: Sequence[Line]) -> list[str]:
    return [
        f"{'' if line.runs else '-'}{line.at:%d %H:%M} {line.local:%d %H:%M} {line.job.name} {line.note}".rstrip()
        for line in found
    ]


def shown(found: Sequence[Line], width: int | None) -> list[str]:
    return [text for text, _ in table(found, width)]


def test_runs_of_all_jobs_come_in_the_order_of_time() -> None:
    # GIVEN jobs of different zones
    jobs = [
        job("nightly", "0 0 * * *"),
        job("seoul", "0 9 * * *", SEOUL, timezone="Asia/Seoul"),
        job("noon", "30 12 * * *"),
    ]

    # WHEN the next four runs are asked for
    found = lines(jobs, NOW, 4)

    # THEN they are merged, and each has the local time of where it is shown
    assert told(found) == [
        "04 12:30 04 12:30 noon",
        "05 00:00 05 00:00 nightly",
        "05 00:00 05 09:00 seoul",
        "05 12:30 05 12:30 noon",
    ]


def test_a_time_that_is_left_out_is_sent_and_does_not_count() -> None:
    found = lines([job("berlin", "30 2 * * *", BERLIN, timezone="Europe/Berlin")], BEFORE_SPRING, 2)

    assert told(found) == [
        "-28 01:00 28 02:30 berlin skipped: 02:30 does not exist on this day",
        "29 00:30 29 02:30 berlin",
        "30 00:30 30 02:30 berlin",
    ]


def test_times_that_are_left_out_together_are_one_line() -> None:
    jobs = [job("berlin", "*/20 1-3 * * *", BERLIN, timezone="Europe/Berlin")]

    found = lines(jobs, datetime(2027, 3, 28, 0, 30, tzinfo=UTC), 2)

    assert told(found) == [
        "28 00:40 28 01:40 berlin",
        "-28 01:00 28 02:00 berlin skipped: 02:00 to 02:40 do not exist on this day",
        "28 01:00 28 03:00 berlin",
    ]


def test_a_time_that_comes_twice_is_sent_where_it_runs() -> None:
    found = lines(
        [job("berlin", "30 2 * * *", BERLIN, timezone="Europe/Berlin")], datetime(2027, 10, 30, 12, tzinfo=UTC), 2
    )

    assert told(found) == ["31 00:30 31 02:30 berlin 02:30 comes twice: runs once", "01 01:30 01 02:30 berlin"]


def test_in_another_zone_the_note_names_the_zone_in_which_the_time_is_left_out() -> None:
    found = lines([job("berlin", "30 2 * * *", SEOUL, timezone="Europe/Berlin")], BEFORE_SPRING, 1)

    assert told(found)[0] == "-28 01:00 28 10:00 berlin skipped: 02:30 does not exist on this day (Europe/Berlin)"


def test_what_is_excepted_is_one_line_up_to_the_next_run() -> None:
    found = lines(
        [job("hourly", "@hourly", **{"except": "2026-05-05/2026-05-06"})], datetime(2026, 5, 4, 22, 30, tzinfo=UTC), 2
    )

    assert told(found) == [
        "04 23:00 04 23:00 hourly",
        "-05 00:00 05 00:00 hourly excluded until Wed 2026-05-06 23:00",
        "07 00:00 07 00:00 hourly",
    ]


def test_what_is_excepted_for_years_is_not_counted_out() -> None:
    minutely = job("minutely", "* * * * *", **{"except": ["2026-05-05/2045-05-06"]})

    found = lines([minutely], datetime(2026, 5, 4, 23, 58, tzinfo=UTC), 2)

    assert told(found)[0] == "04 23:59 04 23:59 minutely"
    assert told(found)[-1] == "07 00:00 07 00:00 minutely"
    assert found[-1].at.year == 2045


def test_a_job_that_runs_often_does_not_push_others_out_of_sight() -> None:
    # GIVEN a job that runs each minute and one that runs in the evening
    jobs = [job("evening", "0 20 * * *"), job("tick", "rate(1 minute)")]

    # WHEN they are folded
    found = lines(jobs, NOW, 4, is_folded=True)

    # THEN the runs of the one are a line for each day, and for each time between runs of the other
    assert told(found) == [
        "04 12:01 04 12:01 tick 479x to 19:59",
        "04 20:00 04 20:00 evening",
        "04 20:00 04 20:00 tick 240x to 23:59",
        "05 00:00 05 00:00 tick 1,200x to 19:59",
    ]


def test_two_runs_are_not_worth_folding() -> None:
    assert told(lines([job("twice", "0,30 9 * * *")], NOW, 2, is_folded=True)) == [
        "05 09:00 05 09:00 twice",
        "05 09:30 05 09:30 twice",
    ]


def test_a_surprise_within_runs_that_are_folded_is_still_told() -> None:
    jobs = [job("often", "*/15 * * * *", BERLIN, timezone="Europe/Berlin")]

    found = lines(jobs, datetime(2027, 3, 28, 0, 5, tzinfo=UTC), 2, is_folded=True)

    assert told(found) == [
        "28 00:15 28 01:15 often 3x to 01:45",
        "-28 01:00 28 02:00 often skipped: 02:00 to 02:45 do not exist on this day",
        "28 01:00 28 03:00 often 84x to 23:45",
    ]


def test_only_a_rate_is_an_estimate() -> None:
    jobs = [job("floating", "rate(5 minutes)"), job("cron", "*/5 * * * *")]

    found = {line.job.name: line for line in lines(jobs, NOW, 2)}

    assert {name: (line.is_estimate, line.at.minute) for name, line in found.items()} == {
        "floating": (True, 5),
        "cron": (False, 5),
    }


def test_lines_on_a_wide_terminal_have_the_schedule_that_is_deployed() -> None:
    found = lines([job("daily", "@daily", SEOUL)], NOW, 1)

    assert shown(found, 120) == [
        " Asia/Seoul                UTC               job    schedule",
        " Tue 2026-05-05 09:00 KST  2026-05-05 00:00  daily  cron(0 0 * * ? *)",
    ]


def test_what_does_not_fit_beside_a_run_stands_below_it() -> None:
    found = lines([job("berlin", "30 2 * * *", BERLIN, timezone="Europe/Berlin")], BEFORE_SPRING, 1)

    assert shown(found, 80) == [
        " Europe/Berlin              UTC               job",
        "-Sun 2027-03-28 02:30       -                 berlin",
        "    skipped: 02:30 does not exist on this day",
        " Mon 2027-03-29 02:30 CEST  2027-03-29 00:30  berlin",
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    jobs = [
        job("a" * 128, "*/7 2-3 * * *", BERLIN, timezone="Europe/Berlin"),
        job("b", "@daily", ZoneInfo("America/Argentina/Buenos_Aires"), **{"except": "2027-03-29"}),
    ]

    found = shown(lines(jobs, BEFORE_SPRING, 40), width)

    assert max(map(len, found)) <= width
    assert "a" * 128 in "".join(found).replace(" ", "")


def test_where_there_is_no_terminal_each_run_is_one_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", "do-often", "--count", "3", "--root", str(project)]) == 0

    title, heading, *runs = capsys.readouterr().out.splitlines()
    assert title == "my-service-do-often: cron(7/10 * * * ? *), in UTC"
    assert heading.split() == ["Asia/Seoul", "UTC", "job", "schedule"]
    assert len(runs) == 3
    assert all(run.endswith("my-service-do-often  cron(7/10 * * * ? *)") for run in runs)


@pytest.mark.parametrize("name", ["do-often", "my-service-do-often", "my-service/do-often"])
def test_a_job_is_known_by_its_short_and_its_full_name(
    project: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["next", name, "--count", "1", "--root", str(project)]) == 0

    assert capsys.readouterr().out.startswith("my-service-do-often: ")


def test_jobs_that_do_not_run_by_time_are_told_at_the_end(
    project: Path, spoil: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN jobs that run by hand, after others, not now, and not again
    (project / "jobs" / "examples" / "jobs.yaml").unlink()
    text = "schedule: '@daily'\n    end: 2020-01-01\n  by-hand: {command: [x]}\n  then: {command: [x], after: do-often}"
    spoil(JOBS, "schedule: cron(0 0 * * ? *)", text)
    spoil(JOBS, "queue: continuously", "queue: continuously\n    suspend: true")

    # WHEN all are asked for
    assert main(["next", "--root", str(project)]) == 0

    # THEN each stands where it belongs
    assert capsys.readouterr().out.splitlines() == [
        "manual: my-service-by-hand",
        "after others: my-service-then (after do-often)",
        "suspended: my-service-do-often",
        "over: my-service-do-something",
    ]


def test_a_suspended_job_shows_what_it_would_do_if_it_is_asked_for(
    project: Path, spoil: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(JOBS, "queue: continuously", "queue: continuously\n    suspend: true")

    assert main(["next", "do-often", "--count", "1", "--root", str(project)]) == 0

    _, note, _, run = capsys.readouterr().out.splitlines()
    assert note == "It is suspended: none of these runs takes place."
    assert "do-often" in run


def test_a_job_is_described_with_all_that_decides_when_it_runs(
    project: Path, spoil: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    fields = ("schedule: 0 9 * * 1-5", "timezone: Asia/Seoul", "start: 2026-12-01", "end: 2099-12-31")
    more = ("flexible_window_minutes: 5", "except: 2050-01-01")
    spoil(JOBS, "schedule: cron(0 0 * * ? *)", "\n    ".join((*fields, *more)))

    assert main(["next", "do-something", "--root", str(project)]) == 0

    assert capsys.readouterr().out.splitlines()[0] == (
        "my-service-do-something: cron(0 9 ? * MON,TUE,WED,THU,FRI *), in Asia/Seoul, from 2026-11-30 15:00 UTC,"
        " until 2099-12-31 14:59 UTC, within 5 minutes, except 2050-01-01"
    )


def test_times_can_be_shown_in_any_zone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", "do-often", "--count", "1", "--timezone", "America/St_Johns", "--root", str(project)]) == 0

    assert " America/St_Johns " in capsys.readouterr().out


def test_an_unknown_zone_is_one_line_with_the_near_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", "--timezone", "seoul", "--root", str(project)]) == 2

    assert capsys.readouterr().err == (
        "batchtab next: --timezone: 'seoul' is not a time zone, such as Asia/Seoul [hint: did you mean 'Asia/Seoul'?]\n"
    )


def test_an_unknown_job_is_one_line_with_the_near_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", "do-ofen", "--root", str(project)]) == 3

    error = capsys.readouterr().err
    assert error == "batchtab: next: 'do-ofen' is not a job of stage local [hint: did you mean 'do-often'?]\n"


def test_an_unknown_job_without_a_near_one_is_a_line_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calendar", "quarterly"]) == 3

    error = capsys.readouterr().err
    assert error.startswith(
        "batchtab: calendar: 'quarterly' is not a job of stage local [hint: its jobs: examples-hello, "
    )
    assert len(error.splitlines()) == 1


def test_a_thousand_jobs_take_less_than_a_second() -> None:
    # GIVEN jobs with schedules and zones of their own
    zones = (UTC_ZONE, SEOUL, BERLIN)
    jobs = [
        job(f"job-{n}", f"{n % 60} {n % 24} * * {n % 7}", zones[n % 3], timezone=zones[n % 3].key) for n in range(1000)
    ]

    # WHEN all of their next runs are merged, once or on a busy machine a few times more
    def seconds() -> float:
        began = time.process_time()
        assert len(lines(jobs, NOW, 1000, is_folded=True)) == 1000
        return time.process_time() - began

    # THEN it takes a moment
    assert any(seconds() < 1 for _ in range(5))


def test_styles_tell_what_does_not_run() -> None:
    found = lines([job("daily", "@daily", **{"except": "2026-05-05"})], NOW, 1)

    assert [style for _, style in next_runs.table(found, 80)] == ["bold", "dim", ""]


@pytest.mark.parametrize("command", ["next", "calendar"])
def test_the_stage_is_that_of_the_environment_as_for_other_commands(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a shell whose BATCHTAB_STAGE names a stage that is not there
    monkeypatch.setenv("BATCHTAB_STAGE", "nowhere")
    # WHEN the command gets no --stage THEN it is about that stage
    assert main([command]) == 2
    assert "nowhere" in capsys.readouterr().err
