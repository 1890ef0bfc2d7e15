"""The text below the drawing: pile-ups, jobs without a time of their own, and what is assumed."""

from __future__ import annotations

from batchtab.calendar.markup import element, text
from batchtab.calendar.recurrence import Recurrence
from batchtab.calendar.timeline import Calendar

_NAMES_MAX = 8


def lists(calendar: Calendar, found: list[Recurrence], left_out: int, *, is_utc: bool) -> list[str]:
    """The sections.

    Args:
        calendar: The week.
        found: The pile-ups to list.
        left_out: How many more there are.
        is_utc: Whether the week's clock shows UTC.
    """
    parts = (_pile_ups(found, left_out, is_utc=is_utc), _unscheduled(calendar), _notes(calendar))
    return [part for part in parts if part]


def _pile_ups(found: list[Recurrence], left_out: int, *, is_utc: bool) -> str:
    if not found:
        return ""
    heads = ("", "When", "Asked for", "Waiting", "Overlapping jobs", "Waiting jobs")
    rows = [
        element(
            "tr",
            element("td", element("span", str(number), class_="badge")),
            element(
                "td",
                text(each.when),
                element("small", "" if is_utc else text(f"from {each.when_utc}")),
            ),
            element(
                "td",
                text(each.wanted),
                element("small", "some by their timeouts" if each.is_bound else ""),
            ),
            element("td", text(each.waits)),
            element("td", text(each.meeting(_NAMES_MAX)), data_label=heads[4]),
            element("td", text(each.waiting(_NAMES_MAX)), data_label=heads[5]),
        )
        for number, each in enumerate(found, 1)
    ]
    more = [element("p", text(f"and {left_out:,} more"))] if left_out else []
    table = element(
        "table",
        element("thead", element("tr", *(element("th", text(name), scope="col") for name in heads))),
        element("tbody", *rows),
        class_="list",
    )
    return element("section", element("h2", "Where runs pile up"), table, *more)


def _unscheduled(calendar: Calendar) -> str:
    jobs = calendar.shown_unscheduled
    if not jobs:
        return ""
    items = [element("li", element("b", text(each.full_name)), " ", text(each.origin)) for each in jobs]
    note = "They have no time of their own, so their vCPUs are not counted above."
    return element(
        "section",
        element("h2", "Manual or after others"),
        element("p", note, class_="note"),
        element("ul", *items, class_="others"),
    )


def _notes(calendar: Calendar) -> str:
    notes = ["Of an array as many children count as fit at once, for that much longer."]
    if any(timeline.timing.is_rate for timeline in calendar.shown):
        notes.append("~ A rate counts from when its trigger was made, which is not in the files: here from midnight.")
    if calendar.chosen is not None:
        notes.append("The vCPUs are those of all jobs of the stage, not only of those shown.")
    return element("footer", *(element("p", text(note)) for note in notes))
