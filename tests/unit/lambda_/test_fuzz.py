"""Whatever an event holds: no error but the deliberate one, no message over Slack's limits, no markup of others."""

from __future__ import annotations

import copy
import html
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.lambda_.support import EVENTS, SETTINGS, World, event

from job_alerts import attachment, blocks
from job_alerts.job_event import UnreadableEvent
from job_alerts.journal import say
from job_alerts.message import Message
from job_alerts.notifiers import topic
from job_alerts.redaction import redact
from job_alerts.text import log_lines

BASES = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(EVENTS.glob("*.json"))]
NASTY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(
        [
            "<!channel> @here",
            "<@U123>",
            "<https://evil.example|click>",
            "*bold* _it_ ~st~ `code` ```block```",
            "> quote\n# head\n- item",
            "&lt;!here&gt;",
            "x" * 5000,
            "<" * 4000,
            "\u202etxt.exe\u0000\x1b[31m",
            "\ud800",
            "```\n<!everyone>\n```",
            "{job}{queue}",
            "'; rm -rf ~; '",
            [],
            {},
            [{}],
        ]
    ),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += paths(item, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """One of the kept events with up to six of its parts replaced or taken away."""
    event = copy.deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(0, 6))):
        known = paths(event)
        if not known:
            break
        *parents, last = draw(st.sampled_from(known))
        target = event
        for key in parents:
            target = target[key]
        if draw(st.integers(0, 3)) == 0:
            del target[last]
        else:
            target[last] = copy.deepcopy(draw(NASTY))
    return event


def strings(value: Any, key: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [one for name, item in value.items() for one in strings(item, name)]
    if isinstance(value, list):
        return [one for item in value for one in strings(item, key)]
    return [(key, value)] if isinstance(value, str) else []


def check_markup(text: str) -> None:
    """Only moments are markup: no link, no mention, no call, and no code that is left open."""
    rest = re.sub(r"<!date\^\d+\^\{date_short_pretty\} \{time_secs\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>", "", text)
    assert "<" not in rest, text
    assert ">" not in rest, text
    assert re.search(r"@(channel|here|everyone)", rest, re.IGNORECASE) is None, text
    assert re.search(r"&(?!amp;|lt;|gt;)", rest) is None, text
    assert rest.count("`") % 2 == 0, text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", rest), text
    html.unescape(rest).encode()  # no half of a character


def check_attachment(payload: dict[str, Any]) -> None:
    """Sizes of attachments, of which Slack takes 100; it wants a message below 40,000 characters."""
    assert len(payload["attachments"]) <= 20
    assert sum(len(text) for _, text in strings(payload)) < 40_000
    for one in payload["attachments"]:
        assert 0 < len(one["text"]) <= 3000
        check_markup(one["text"])
        for field in one.get("fields", []):
            assert field["title"]
            assert len(field["value"]) <= 1000
            check_markup(field["value"])
        for action in one.get("actions", []):
            assert action["url"].startswith("https://")
            assert len(action["url"]) <= 3000


def check_blocks(payload: dict[str, Any]) -> None:
    """Sizes of https://docs.slack.dev/reference/block-kit/blocks."""
    assert blocks.length(payload["blocks"]) <= 12_000
    assert 0 < len(payload["blocks"]) <= 50
    assert 0 < len(payload["text"]) <= 40_000
    check_markup(payload["text"])
    for block in payload["blocks"]:
        kind = block["type"]
        if kind == "header":
            assert block["text"]["type"] == "plain_text"
            assert 0 < len(block["text"]["text"]) <= 150
        if kind == "section" and "text" in block:
            assert 0 < len(block["text"]["text"]) <= 3000
            if block["text"]["type"] == "mrkdwn":
                check_markup(block["text"]["text"])
        if kind == "section" and "fields" in block:
            assert 0 < len(block["fields"]) <= 10
            for field in block["fields"]:
                assert 0 < len(field["text"]) <= 2000
                check_markup(field["text"])
        if kind == "context":
            assert len(block["elements"]) <= 10
        if kind == "actions":
            assert 0 < len(block["elements"]) <= 25
            for element in block["elements"]:
                assert len(element["text"]["text"]) <= 75
                assert len(element["url"]) <= 3000
                assert element["url"].startswith("https://")


def check_topic(message: Message) -> None:
    """Sizes of https://docs.aws.amazon.com/sns/latest/api/API_Publish.html, and of what Amazon Q takes."""
    subject, body = topic.subject(message), topic.text(message)
    assert 0 < len(subject) <= 100
    assert subject.isascii()
    assert subject.isprintable()
    assert not subject[0].isspace()
    chats = json.dumps(topic.for_chats(message, body))
    assert len(json.dumps({"default": body, "https": chats}).encode()) <= 256 * 1024
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", body)


def check_message(message: Message) -> None:
    check_attachment(attachment.render(message, SETTINGS))
    check_attachment(attachment.render(message, SETTINGS._replace(details=False)))
    check_blocks(blocks.render(message, SETTINGS))
    check_topic(message)


@pytest.mark.slow
@settings(max_examples=examples(1000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated(), st.lists(NASTY.filter(lambda value: isinstance(value, str)), max_size=25), st.booleans())
def test_whatever_an_event_holds_it_is_told_well_or_refused(event: Any, log: list[str], with_table: bool) -> None:
    world = World(table=with_table)
    world.log = log_lines(log)
    say(event=redact(event))
    try:
        world.handle(event)
    except UnreadableEvent:
        return
    for message in world.inbox:
        check_message(message)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(mutated(), min_size=2, max_size=60))
def test_whatever_comes_together_is_told_within_the_limits(events: list[Any]) -> None:
    world = World()
    first, *world.while_asleep = [event for event in events if _readable(event)] or [BASES[0], BASES[1]]
    world.handle(first)
    for message in world.inbox:
        check_message(message)


def _readable(event: Any) -> bool:
    try:
        World(table=False).handle(event)
    except UnreadableEvent:
        return False
    return True


@pytest.mark.parametrize("text", ["`", "```", "a `b", "*b*", "<!here> `", "`" * 7])
@pytest.mark.parametrize("key", ["jobName", "statusReason"])
@pytest.mark.parametrize("name", ["exit_code", "array_parent", "queue_blocked", "dependency_failed"])
def test_a_backquote_opens_no_code(name: str, key: str, text: str) -> None:
    world = World(table=False)
    world.handle(event(name, **{key: text}))
    assert world.inbox
    for message in world.inbox:
        check_message(message)
