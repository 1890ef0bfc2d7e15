from __future__ import annotations

from xml.etree import ElementTree as ET

from batchtab.calendar.labels import Label, labels


def test_marks_share_the_room_between_them_and_a_mark_upon_a_band_is_reached() -> None:
    # GIVEN two marks, a band, and a mark upon it
    found = [
        Label(0.5, 0.9, "a band"),
        Label(0.1, 0.2, "first"),
        Label(0.3, 0.3 + 1e-6, "second"),
        Label(0.6, 0.6 + 1e-6, "upon it"),
    ]

    # WHEN
    tree = ET.fromstring(labels("row-1", found))  # noqa: S314

    # THEN they are in order of time, and end half way to the next
    places = {label.findtext("span"): label.get("style") for label in tree}
    assert places == {
        "first": "--l:0%;--x:10%;--e:80%;--r:75%",
        "second": "--l:25%;--x:30%;--e:70%;--r:60%",
        "a band": "--l:40%;--x:50%;--e:10%;--r:0%",
        "upon it": "--l:45%;--x:60%;--e:40%;--r:0%",
    }
    assert list(places) == ["first", "second", "a band", "upon it"]
    assert [label.get("class") for label in tree] == ["mark", "mark", "mark", "mark late"]
    assert {label.find("input").get("name") for label in tree} == {"row-1"}  # type: ignore[union-attr]
