from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.calendar.support import BERLIN, HOURS, Page, hour, week

from batchtab.calendar.markup import text


def test_pile_ups_are_numbered_in_the_chart_and_told_in_words(tmp_path: Path) -> None:
    # GIVEN 2 of 3 jobs each night at 03:00 UTC for an hour, for which there is room
    job = {"schedule": "0 3 * * *", "usual_duration_seconds": 3600, "timeout_seconds": 7200}

    # WHEN
    found = Page(tmp_path, {f"a-{name}": job for name in "bcd"}, max_vcpus=2, when=week("2026-05-04"))

    # THEN
    numbers = [group for group in found.tree.iter("g") if group.get("class") == "number"]
    assert [group.findtext("text") for group in numbers] == ["1"] * 7
    assert [hour(group[0], "cx", 168) for group in numbers] == [5.5 + 24 * day for day in range(7)]
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
        "each time 1 run waits, up to 1 h",
        "a-b, a-c, a-d",
        "a-d",
    ]
    assert "7 runs wait, up to 1 h." in found.words()
    says = [label.findtext("span") for label in found.tree.findall(".//div[@class='plot']/div/label")]
    assert says == ["1. every day 05:00–06:00: 3 of 2 vCPUs, each time 1 run waits, up to 1 h"] * 7  # noqa: RUF001


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

    assert "max_vcpus 1,000 is far above" in found.words()
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
        "a-first manual",
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
    title = found.row("b").findtext("th/label/span[@class='words']", "")
    assert "\"><script>alert('x')</script>& " in title
    assert "\x07" not in found.text
    assert text("<b>&\x07") == "&lt;b&gt;&amp; "


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

    assert [row.findtext("th/label/span") for row in found.tree.findall(".//details//tbody/tr")] == ["c"]
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
