"""What the marks of the page mean; of those that are there."""

from __future__ import annotations

from collections.abc import Sequence

from batchtab.calendar.markup import element, text
from batchtab.calendar.timeline import JobTimeline
from batchtab.schedules.timing import EXCLUDED


def legend(timelines: Sequence[JobTimeline], *, are_piled: bool, are_folded: bool) -> str:
    """The list of marks, each with a sample.

    Args:
        timelines: The jobs that are shown.
        are_piled: Whether runs wait somewhere.
        are_folded: Whether services are folded.
    """
    every = [each for timeline in timelines for each in timeline.occurrences]
    shown = [
        ("run usual", any(timeline.is_usual for timeline in timelines), "a run, as long as it usually takes"),
        (
            "run bound",
            any(not timeline.is_usual for timeline in timelines),
            "only its timeout is known: at most so long",
        ),
        ("run band", True, "too many to draw one by one"),
        ("excluded", any(each.note == EXCLUDED for each in every), "excluded: does not run"),
        (
            "skipped",
            any(each.note != EXCLUDED and not each.runs for each in every),
            "skipped: the time does not exist on that day",
        ),
        ("twice", any(each.note and each.runs for each in every), "the time comes twice: runs once"),
        ("suspended", any(timeline.job.suspend for timeline in timelines), "suspended"),
        ("piled", are_piled, "runs wait for vCPUs"),
        ("folded", are_folded, "a folded service: the darker, the more of its jobs start in that hour"),
    ]
    items = [element("li", _sample(kind), text(meaning)) for kind, is_there, meaning in shown if is_there]
    return element("ul", *items, class_="legend", aria_label="Legend")


def _sample(kind: str) -> str:
    """A mark of the legend."""
    group, _, detail = kind.partition(" ")
    if group in ("excluded", "skipped"):
        parts = element("use", href="#cross", x="14", y="8")
    elif group == "twice":
        parts = element("circle", class_="twice", cx="14", cy="4", r="3") + element(
            "rect", class_="start", x="13", y="8", width="2", height="8"
        )
    elif group == "piled":
        parts = element("rect", class_="piled", x="2", y="0", width="24", height="16")
    elif group == "folded":
        parts = "".join(
            element("rect", class_=f"heat heat-{level}", x=6 * level - 4, y="2", width="6", height="12")
            for level in range(1, 5)
        )
    elif detail == "band":
        parts = element("rect", class_="band", x="1", y="2", width="26", height="12", rx="3")
    else:
        parts = element("rect", class_=detail or "usual", x="4", y="2.5", width="20", height="11", rx="1")
        parts += element("rect", class_="start", x="4", y="2", width="2", height="12")
    name = "run" if group in ("run", "twice") else group
    return element("svg", element("g", parts, class_=name), width="28", height="16", aria_hidden="true")
