from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.unit.calendar.support import BERLIN, HOURS, Page, calendar, hour, week


def test_runs_stand_where_their_time_is_and_are_as_long_as_they_take(tmp_path: Path) -> None:
    # GIVEN a job at 04:00 of Berlin, in a week with a day of 23 hours
    job = {**BERLIN, "schedule": "0 4 * * *", "usual_duration_seconds": 5400, "timeout_seconds": 7200}

    # WHEN
    found = Page(tmp_path, {"a-b": job})

    # THEN each stands 24 hours after the one before it, and the last 23
    marks = found.marks("b", "run")
    assert [at for at, _ in marks] == [4, 28, 52, 76, 100, 124, 147]
    bars = [bar for bar in found.row("b").iter("rect") if bar.get("class") == "usual"]
    assert [hour(bar, "width") for bar in bars] == [1.5] * 7
    assert marks[0][1] == "Mon 23 Mar 04:00 CET · 03:00 UTC · usually 1 h 30 min"
    assert marks[6][1] == "Sun 29 Mar 04:00 CEST · 02:00 UTC · usually 1 h 30 min"


def test_without_a_usual_duration_a_run_is_drawn_hollow_until_its_timeout_or_the_next(tmp_path: Path) -> None:
    jobs = {
        "a-short": {"schedule": "0 3 * * TUE", "timeout_seconds": 7200},
        "a-long": {"schedule": "0 3,4 * * TUE", "timeout_seconds": 7200},
    }

    found = Page(tmp_path, jobs)

    bars = {
        name: [hour(bar, "width") for bar in found.row(name).iter("rect") if bar.get("class") == "bound"]
        for name in ("short", "long")
    }
    assert bars == {"short": [2], "long": [1, 2]}
    assert found.marks("short", "run")[0][1].endswith("at most 2 h")
    assert "only its timeout is known: at most so long" in found.words()
    assert "as long as it usually takes" not in found.words()


def test_a_time_in_another_zone_is_told_in_both_and_in_utc(tmp_path: Path) -> None:
    job = {"schedule": "0 9 * * MON", "timezone": "Asia/Seoul", "usual_duration_seconds": 60}

    ((at, title),) = Page(tmp_path, {"a-b": job}).marks("b", "run")

    assert at == 1
    assert title == "Mon 23 Mar 01:00 CET · 09:00 Asia/Seoul · 00:00 UTC · usually 1 min"


def test_what_began_before_the_week_and_goes_on_is_drawn_from_its_edge(tmp_path: Path) -> None:
    job = {"schedule": "0 22 * * SUN", "usual_duration_seconds": 4 * 3600, "timeout_seconds": 5 * 3600, **BERLIN}

    found = Page(tmp_path, {"a-b": job})

    bars = [(hour(bar), hour(bar, "width")) for bar in found.row("b").iter("rect") if bar.get("class") == "usual"]
    assert bars == [(0, 2), (165, 2)]


def test_a_time_that_clocks_leave_out_has_a_mark_of_its_own_on_a_day_that_says_so(tmp_path: Path) -> None:
    # GIVEN 02:30 of Berlin, which Sunday 29 March doesn't have
    found = Page(tmp_path, {"a-b": {**BERLIN, "schedule": "30 2 * * *", "usual_duration_seconds": 60}})

    # THEN six runs, and a mark where the clocks are changed
    assert [at for at, _ in found.marks("b", "run")] == [2.5, 26.5, 50.5, 74.5, 98.5, 122.5]
    ((at, title),) = found.marks("b", "skipped")
    assert at == 146
    assert "02:30 does not exist on this day" in title
    (line,) = [line for line in found.tree.iter("line") if line.get("class") == "changed"]
    assert hour(line, "x1") == 146
    assert "Sun 29 Mar: clocks go forward from 02:00 to 03:00" in found.words()
    assert "⚠ 23 h" in found.words()
    midnights = [line for line in found.tree.iter("line") if line.get("class") == "midnight"]
    assert [hour(line, "x1") for line in midnights] == [24, 48, 72, 96, 120, 144]


def test_a_time_that_comes_twice_is_marked_and_runs_once(tmp_path: Path) -> None:
    job = {**BERLIN, "schedule": "30 2 * * *", "usual_duration_seconds": 60}

    found = Page(tmp_path, {"a-b": job}, when=week("2026-10-19"))

    marks = [(hour(mark, "cx", 169)) for mark in found.row("b").iter("circle")]
    assert marks == [146.5]
    assert len(found.marks("b", "run")) == 7
    assert found.marks("b", "run")[-1][1].endswith("02:30 comes twice: runs once")


def test_an_excepted_day_has_a_cross_and_a_suspended_job_is_grey(tmp_path: Path) -> None:
    jobs = {
        "a-b": {**BERLIN, "schedule": "0 9 * * *", "except": ["2026-03-25/2026-03-26"]},
        "a-c": {"schedule": "0 9 * * *", "suspend": True},
    }

    found = Page(tmp_path, jobs)

    assert [(at, title.partition(":00")[0]) for at, title in found.marks("b", "excluded")] == [
        (57, "Wed 25 Mar 09"),
        (81, "Thu 26 Mar 09"),
    ]
    assert len(found.marks("b", "run")) == 5
    assert found.row("b").get("class") is None
    assert found.row("c").get("class") == "suspended"
    assert "2 scheduled jobs in 1 service, 5 runs." in found.words()


def test_many_times_in_a_row_are_a_band_that_says_how_often(tmp_path: Path) -> None:
    # GIVEN a job each ten minutes, all day, and one in the hours of work
    jobs = {
        "a-always": {"schedule": "*/10 * * * *"},
        "a-work": {**BERLIN, "schedule": "*/10 8-17 * * MON-FRI", "except": ["2026-03-27"]},
        "a-rate": {"schedule": "rate(1 minute)"},
    }

    # WHEN
    found = Page(tmp_path, jobs)

    # THEN
    bands = {
        (name, kind): [
            (hour(group[0]), hour(group[0], "width"))
            for group in found.row(name).iter("g")
            if group.get("class") == kind and group[0].get("class") == "band"
        ]
        for name, kind in (("always", "run"), ("work", "run"), ("work", "excluded"), ("rate", "run"))
    }
    assert bands == {
        ("always", "run"): [(0, HOURS)],
        ("work", "run"): [(8, 10), (32, 10), (56, 10), (80, 10)],
        ("work", "excluded"): [(104, 10)],
        ("rate", "run"): [(0, HOURS)],
    }
    label = next(found.row("always").iter("text"))
    assert (label.text, hour(label)) == ("every 10 min", HOURS / 2)
    assert next(found.row("rate").iter("text")).text == "~ every minute"
    assert found.marks("work", "run")[0][1].startswith("every 10 min, 60 runs: Mon 23 Mar 08:00 CET")


def test_a_change_of_clocks_is_seen_in_a_band(tmp_path: Path) -> None:
    # GIVEN a job each ten minutes
    jobs = {"a-b": {**BERLIN, "schedule": "*/10 * * * *"}}

    # WHEN clocks leave out an hour of it, and another week have one twice
    spring = Page(tmp_path, jobs)
    autumn = Page(tmp_path, jobs, when=week("2026-10-19"))

    # THEN each of these times is there, upon the band
    assert [at for at, _ in spring.marks("b", "skipped")] == [146] * 6
    assert [round(hour(mark, "cx", 169) * 6) for mark in autumn.row("b").iter("circle")] == [
        6 * 146 + number for number in range(6)
    ]
    for found in (spring, autumn):
        groups = [group for group in found.row("b").iter("g") if group.get("class") == "run"]
        assert groups[0][0].get("class") == "band"


def test_the_axes_tell_the_hours_of_the_zone_and_of_utc(tmp_path: Path) -> None:
    axis = next(
        svg for svg in Page(tmp_path, {"a-b": {"schedule": "@daily"}}).tree.iter("svg") if svg.get("class") == "axis"
    )
    ticks = [(label.text, hour(label), "utc" in label.get("class", "")) for label in axis.iter("text")]

    assert ("00", 24, False) in ticks
    assert ("12", 12, False) in ticks
    assert ("00", 1, True) in ticks  # 01:00 of Berlin
    assert ("12", 144 + 13, True) in ticks  # 14:00 of Berlin, an hour after its clocks' change
    assert ("12", 144 + 11, False) in ticks


def test_on_utc_one_axis_is_enough(tmp_path: Path) -> None:
    found = Page(tmp_path, {"a-b": {"schedule": "@daily"}}, when=week("2026-03-23", "UTC"))

    assert not [label for label in found.tree.iter("text") if "utc" in label.get("class", "")]
    assert hour(found.tree.find(".//details//g/rect[@class='start']"), hours=168) == 0  # type: ignore[arg-type]


def test_a_run_that_starts_at_the_weeks_end_belongs_to_the_next(tmp_path: Path) -> None:
    job = {**BERLIN, "schedule": "0 0 * * MON", "usual_duration_seconds": 60}
    found = calendar(tmp_path, {"a-b": job})

    (timeline,) = found.timelines
    assert [each.at for each in timeline.occurrences] == [found.week.start]
    assert found.week.end - found.week.start == timedelta(hours=HOURS)
