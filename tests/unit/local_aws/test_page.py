from __future__ import annotations

from typing import Any

from batchtab.local_aws import page

NOW = 1_767_225_600.0


def render(*messages: dict[str, Any], jobs: list[dict[str, Any]] | None = None) -> str:
    entries = [{"received_at": "2026-01-01T00:00:00Z", "message": message} for message in messages]
    return page.render(entries, jobs or [], NOW, 60)


def test_empty_page_says_so() -> None:
    text = render()
    assert "Nothing yet." in text
    assert "None yet." in text
    assert "2026-01-01T00:00:00Z, 60 times" in text


def test_newest_message_comes_first_and_older_ones_are_counted() -> None:
    text = render(*({"text": f"message {number}."} for number in range(12)))
    assert text.index("message 11.") < text.index("message 4.")
    assert "message 3." not in text
    assert "4 older" in text


def test_message_of_unknown_shape_is_shown_as_it_came() -> None:
    assert "&quot;what&quot;: [1, 2]" in render({"what": [1, 2]}).replace("\n", "").replace("[  1,  2 ]", "[1, 2]")


def test_strange_values_do_no_harm() -> None:
    text = render({"attachments": "none", "blocks": 7, "text": None, "color": '"><script>', "fields": [1]})
    assert "<script>" not in text


def test_jobs_are_listed_with_their_reason() -> None:
    job = {
        "jobId": "id", "jobName": "a<b", "status": "FAILED", "createdAt": NOW * 1000,
        "statusReason": "Essential container in task exited", "container": {"reason": "OutOfMemoryError"},
    }  # fmt: skip
    text = render(jobs=[job])
    assert "a&lt;b" in text
    assert "Essential container in task exited OutOfMemoryError" in text
