from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cli.week import page
from tests.unit.cli.week.support import Jobs, calendar, week

HOURS = 7 * 24 - 1  # of the week in which Berlin's clocks go forward
BERLIN = {"timezone": "Europe/Berlin"}


class Page:
    """A page as a reader of XML sees it."""

    def __init__(self, root: Path, jobs: Jobs, **given: Any) -> None:
        self.text = page.render(calendar(root, jobs, **given))
        self.tree = ET.fromstring(self.text)  # noqa: S314 (made a line ago)

    def row(self, name: str) -> ET.Element:
        return next(row for row in self.tree.iter("tr") if row.findtext("th/span[@class='name']") == name)

    def marks(self, name: str, kind: str) -> list[tuple[float, str]]:
        """Of a job's marks of a kind: the hour of the week at which they stand, and what they say."""
        return [
            (hour(group.find("rect", {}) if kind == "run" else group[1]), group.findtext("title", ""))
            for group in self.row(name).iter("g")
            if group.get("class") == kind
        ]

    def words(self) -> str:
        return " ".join(" ".join(self.tree.itertext()).split())


def fraction(element: ET.Element, name: str) -> float:
    value = element.get(name, "")
    assert value.endswith("%")
    return float(value[:-1]) / 100


def hour(element: ET.Element, name: str = "x", hours: float = HOURS) -> float:
    return round(fraction(element, name) * hours, 2)


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

    assert [(at, title.partition(":00")[0]) for at, title in found.marks("b", "excepted")] == [
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
            (hour(group[1]), hour(group[1], "width"))
            for group in found.row(name).iter("g")
            if group.get("class") == kind and group[1].get("class") == "band"
        ]
        for name, kind in (("always", "run"), ("work", "run"), ("work", "excepted"), ("rate", "run"))
    }
    assert bands == {
        ("always", "run"): [(0, HOURS)],
        ("work", "run"): [(8, 10), (32, 10), (56, 10), (80, 10)],
        ("work", "excepted"): [(104, 10)],
        ("rate", "run"): [(0, HOURS)],
    }
    label = next(found.row("always").iter("text"))
    assert (label.text, hour(label)) == ("every 10 min", HOURS / 2)
    assert next(found.row("rate").iter("text")).text == "~ every minute"
    assert found.marks("work", "run")[0][1].startswith("every 10 min, 60 runs: Mon 23 Mar 08:00 CET")


def test_a_time_that_clocks_leave_out_is_seen_in_a_band(tmp_path: Path) -> None:
    found = Page(tmp_path, {"a-b": {**BERLIN, "schedule": "*/30 * * * *"}})

    assert [at for at, _ in found.marks("b", "skipped")] == [146, 146]
    assert [group[1].get("class") for group in found.row("b").iter("g") if group.get("class") == "run"] == ["band"]


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


def test_pile_ups_are_numbered_in_the_chart_and_told_in_words(tmp_path: Path) -> None:
    # GIVEN 2 of 3 jobs each night at 03:00 UTC for an hour, for which there is room
    job = {"schedule": "0 3 * * *", "usual_duration_seconds": 3600, "timeout_seconds": 7200}

    # WHEN
    found = Page(tmp_path, {f"a-{name}": job for name in "bcd"}, max_vcpus=2, when=week("2026-05-04"))

    # THEN
    numbers = [group for group in found.tree.iter("g") if group.get("class") == "number"]
    assert [group.findtext("text") for group in numbers] == ["1"] * 7
    assert [hour(group[1], "cx", 168) for group in numbers] == [5.5 + 24 * day for day in range(7)]
    shades = [rect for rect in found.tree.find(".//symbol[@id='grid']") if rect.get("class") == "piled"]  # type: ignore[union-attr]
    assert [(hour(rect, hours=168), hour(rect, "width", 168)) for rect in shades] == [
        (5 + 24 * day, 1) for day in range(7)
    ]
    (row,) = found.tree.findall(".//table[@class='list']/tbody/tr")
    told = [" ".join(" ".join(cell.itertext()).split()) for cell in row]
    assert told == [
        "1",
        "every day 05:00–06:00 from 03:00 UTC",  # noqa: RUF001
        "3 of 2 vCPUs",
        "1 run waits, up to 1 h",
        "a-b, a-c, a-d",
        "a-d",
    ]
    assert "Runs have to wait 7 times." in found.words()


def test_the_chart_reaches_as_high_as_what_is_asked_for(tmp_path: Path) -> None:
    # GIVEN 3 vCPUs from 06:00 to 18:00 on Monday, of 4
    job = {**BERLIN, "schedule": "0 6 23 3 *", "vcpus": 3, "usual_duration_seconds": 43_200, "timeout_seconds": 43_200}

    # WHEN
    found = Page(tmp_path, {"a-b": job}, max_vcpus=4)

    # THEN the area is 3/4 as high as the line of max_vcpus, from a quarter to three quarters of the first day
    chart = next(svg for svg in found.tree.iter("svg") if svg.get("class") == "chart")
    path = next(path for path in chart.iter("path") if path.get("class") == "asked-usual").get("d", "")
    limit = float(next(line for line in chart.iter("line") if line.get("class") == "limit").get("y1", ""))
    points = [tuple(map(float, point)) for point in re.findall(r"([\d.]+),([\d.]+)", path)]
    floor = max(y for _, y in points)
    top = min(y for _, y in points)
    width = float(chart.find("svg").get("viewBox", "").split()[2])  # type: ignore[union-attr]
    assert (floor - top) / (floor - limit) == pytest.approx(0.75, abs=0.01)
    high = [x / width * HOURS for x, y in points if y == top]
    assert (min(high), max(high)) == (pytest.approx(6, abs=0.2), pytest.approx(18, abs=0.2))
    over = next(path for path in chart.iter("path") if path.get("class") == "asked-over").get("d", "")
    assert {float(y) for _, y in re.findall(r"([\d.]+),([\d.]+)", over)} == {limit}
    assert "At most 3 of 4 vCPUs on Mon 23 Mar at 06:00 CET." in chart.get("aria-label", "")


def test_a_limit_far_above_is_told_and_leaves_the_chart_readable(tmp_path: Path) -> None:
    found = Page(tmp_path, {"a-b": {"schedule": "@daily"}}, max_vcpus=1000)

    assert "max_vcpus 1,000 lies far above" in found.words()
    assert not [line for line in found.tree.iter("line") if line.get("class") == "limit"]


def test_jobs_without_a_time_are_listed_with_what_starts_them(tmp_path: Path) -> None:
    jobs = {
        "a-first": {},
        "a-second": {"after": "first"},
        "b-third": {"after": ["a/first", "a/second"], "after_status": "any"},
    }

    found = Page(tmp_path, jobs)

    items = [" ".join("".join(item.itertext()).split()) for item in found.tree.findall(".//ul[@class='others']/li")]
    assert items == [
        "a-first by hand",
        "a-second after a-first",
        "b-third after a-first or a-second, however it ended",
    ]
    assert "No job has a schedule." in found.words()
    assert "No run asks for vCPUs in this week." in found.words()


def test_names_and_texts_of_others_are_no_markup(tmp_path: Path) -> None:
    description = "\"><script>alert('x')</script>&\x07 <b>"
    job = {"schedule": "0 3 * * *", "description": description}

    found = Page(tmp_path, {"a-b": job})

    assert not list(found.tree.iter("script"))
    title = found.row("b").find("th/span[@class='name']").get("title", "")  # type: ignore[union-attr]
    assert "\"><script>alert('x')</script>& " in title
    assert "\x07" not in found.text


def test_the_page_asks_nobody_for_anything(tmp_path: Path) -> None:
    text = Page(tmp_path, {"a-b": {"schedule": "0 3 * * *"}, "a-c": {}}).text

    assert not re.search(r"https?:|//[a-z]|@import|url\(|<script|<link|<img", text)
    assert "default-src 'none'" in text
    for name in re.findall(r'href="([^"]*)"', text):
        assert f'id="{name[1:]}"' in text


def test_each_row_can_be_heard(tmp_path: Path) -> None:
    jobs = {
        "a-b": {**BERLIN, "schedule": "0 4 * * SAT,SUN", "usual_duration_seconds": 60},
        "a-c": {"schedule": "0 3 1 1 *"},
    }

    found = Page(tmp_path, jobs)

    pictures = {name: found.row(name).find("td/svg") for name in "bc"}
    assert {picture.get("role") for picture in pictures.values()} == {"img"}  # type: ignore[union-attr]
    assert pictures["b"].get("aria-label") == "2 runs, usually 1 min each: Sat 04:00, Sun 04:00"  # type: ignore[union-attr]
    assert pictures["c"].get("aria-label") == "no run in this week"  # type: ignore[union-attr]
    assert found.row("c").findtext("th/span[@class='when']") == "0 3 1 1 * · not in this week"
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in found.tree.findall(".//td/svg"))


def test_the_same_week_is_the_same_page(tmp_path: Path) -> None:
    jobs = {"a-b": {"schedule": "rate(7 minutes)"}, "b-c": {"schedule": "0 3 * * *"}}

    assert Page(tmp_path, jobs).text == Page(tmp_path, jobs).text


def test_chosen_jobs_alone_have_rows_and_all_count(tmp_path: Path) -> None:
    jobs = {f"a-{name}": {"schedule": "0 3 * * *"} for name in "bcd"}

    found = Page(tmp_path, jobs, chosen=["a-c"], max_vcpus=4)

    assert [row.findtext("th/span") for row in found.tree.findall(".//details//tbody/tr")] == ["c"]
    assert "At most 3 of 4 vCPUs" in found.words()
    assert "those of all jobs of the stage" in found.words()


def test_a_thousand_jobs_are_folded_into_a_page_of_a_sane_size(tmp_path: Path) -> None:
    # GIVEN 1,000 jobs in 20 services, most of them each night and the others each hour
    jobs = {
        f"s{number % 20:02d}-job-{number}": {
            "schedule": f"{number % 60} {number % 24} * * *" if number % 4 else f"{number % 60} * * * *",
            **(BERLIN if number % 3 else {}),
        }
        for number in range(1000)
    }

    # WHEN
    found = Page(tmp_path, jobs, max_vcpus=1000)

    # THEN
    folded = found.tree.findall(".//details")
    assert len(folded) == 20
    assert not [details for details in folded if details.get("open")]
    assert all(details.findall("summary/svg/rect") for details in folded)
    assert len(found.tree.findall(".//details//tbody/tr")) == 1000
    assert len(found.text) < 3_500_000


def test_a_run_that_starts_at_the_weeks_end_belongs_to_the_next(tmp_path: Path) -> None:
    job = {**BERLIN, "schedule": "0 0 * * MON", "usual_duration_seconds": 60}
    found = calendar(tmp_path, {"a-b": job})

    (lane,) = found.lanes
    assert [each.at for each in lane.occurrences] == [found.week.start]
    assert found.week.end - found.week.start == timedelta(hours=HOURS)
