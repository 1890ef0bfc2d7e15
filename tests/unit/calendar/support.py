"""A made-up stage `prod` with jobs that say only what a test is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import yaml

from batchtab.calendar import page, timeline
from batchtab.calendar.days import Week
from batchtab.calendar.timeline import Calendar
from batchtab.declarations import catalog

Jobs = Mapping[str, Mapping[str, Any]]
BERLIN = {"timezone": "Europe/Berlin"}
HOURS = 7 * 24 - 1  # of the week in which Berlin's clocks go forward
QUEUES = {"default": 5, "urgent": 9, "continuously": 3}


def write(root: Path, jobs: Jobs, *, max_vcpus: int = 16, timezone: str = "Europe/Berlin") -> Path:
    """Write the stage and its jobs, by full name `service-job`; gives the project's folder."""
    stage = {
        "region": "eu-central-1",
        "account_id": "123456789012",
        "timezone": timezone,
        "state": {"bucket": "my-company-terraform-state"},
        "network": {"create": True},
        "environment": {"max_vcpus": max_vcpus, "min_vcpus": 0, "queues": QUEUES},
        "runner_image": {"repository": "batchtab-runner", "tag": "1"},
    }
    (root / "config").mkdir(parents=True, exist_ok=True)
    (root / "config" / "prod.yaml").write_text(yaml.safe_dump(stage), encoding="utf-8")
    services: dict[str, dict[str, Any]] = {}
    for full, job in jobs.items():
        service, _, name = full.partition("-")
        services.setdefault(service, {})[name] = {"command": ["x"], **job}
    for service, of_service in services.items():
        folder = root / "jobs" / service
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({"service": service, "jobs": of_service}, sort_keys=False)
        (folder / "jobs.yaml").write_text(text, encoding="utf-8")
    (root / "jobs").mkdir(exist_ok=True)
    return root


def week(first: str = "2026-03-23", zone: str = "Europe/Berlin") -> Week:
    """A week; the default one ends with the day on which Berlin's clocks go forward."""
    return Week(date.fromisoformat(first), ZoneInfo(zone))


def calendar(root: Path, jobs: Jobs, when: Week | None = None, *, max_vcpus: int = 16, **given: Any) -> Calendar:
    """The week of these jobs."""
    return timeline.read(catalog.load("prod", write(root, jobs, max_vcpus=max_vcpus)), when or week(), **given)


class Page:
    """A page as a reader of XML sees it."""

    def __init__(self, root: Path, jobs: Jobs, **given: Any) -> None:
        self.text = page.render(calendar(root, jobs, **given))
        self.tree = ET.fromstring(self.text)  # noqa: S314 (made a line ago)

    def row(self, name: str) -> ET.Element:
        return next(row for row in self.tree.iter("tr") if row.findtext("th/label/span[@class='name']") == name)

    def marks(self, name: str, kind: str) -> list[tuple[float, str]]:
        """Of a job's marks of a kind: the hour of the week at which they are, and what they say."""
        said = self.labels(name)
        places = [group[0].get("x", "") for group in self.row(name).iter("g") if group.get("class") == kind]
        return [(round(float(place[:-1]) / 100 * HOURS, 2), said[place]) for place in places]

    def labels(self, name: str) -> dict[str, str]:
        """What the marks of a job say, by their place; the first at each place."""
        found: dict[str, str] = {}
        for label in self.row(name).findall("td/div[@class='marks']/label"):
            place = label.get("style", "").partition("--x:")[2].partition(";")[0]
            found.setdefault(place, label.findtext("span", ""))
        return found

    def words(self) -> str:
        return " ".join(" ".join(self.tree.itertext()).split())


def fraction(element: ET.Element, name: str) -> float:
    value = element.get(name, "")
    assert value.endswith("%")
    return float(value[:-1]) / 100


def hour(element: ET.Element, name: str = "x", hours: float = HOURS) -> float:
    return round(fraction(element, name) * hours, 2)
