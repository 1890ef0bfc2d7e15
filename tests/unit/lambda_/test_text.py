"""Text of others is without markup, without secrets, and within Slack's limits."""

from __future__ import annotations

import pytest

from job_alerts.text import clean, code, code_block, cut, escape, escape_within, line, log_lines


def test_nothing_is_a_link_a_mention_or_a_call_to_all() -> None:
    escaped = escape("<!channel> <@U123> <https://x|y> a & b @here @Channel")
    assert "<" not in escaped
    assert ">" not in escaped
    assert escaped.startswith("&lt;!channel&gt;")
    assert "@here" not in escaped
    assert "@Channel" not in escaped
    assert "a &amp; b" in escaped


@pytest.mark.parametrize("most", [5, 6, 7, 20, 100])
def test_no_escape_is_cut_in_two(most: int) -> None:
    shown = escape_within("&<>&<>&<>" * 10, most)
    assert len(shown) <= most
    assert shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").strip("…") == ""


def test_code_cannot_be_left() -> None:
    assert code("a`*b*`<c>", 100) == "`a'*b*'&lt;c&gt;`"
    assert code("", 100) == "` `"


def test_a_code_block_cannot_be_left_and_keeps_the_last_lines() -> None:
    block = code_block(["first ```", "second", "third"], 30)
    assert block == "```\nsecond\nthird\n```"
    assert code_block(["x ``` *b*"], 100) == "```\nx ''' *b*\n```"


def test_colors_and_controls_and_turned_text_go() -> None:
    assert clean("\x1b[31mred\x1b[0m\x00\x07 a\u202eb\u200b \x1b]0;title\x07end") == "red ab end"


def test_one_line_stays_one_line() -> None:
    assert line("a\n b\r\n\tc", 100) == "a b c"
    assert line("x" * 50, 10) == "x" * 9 + "…"


def test_short_text_is_not_cut() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"


def test_a_key_over_several_lines_of_a_log_is_masked_whole() -> None:
    lines = log_lines(["start\n", "-----BEGIN PRIVATE KEY-----\n", "MIIEvQ\n", "-----END PRIVATE KEY-----\n", "end\n"])
    assert lines == ["start", "***", "end"]


def test_long_lines_of_a_log_are_cut() -> None:
    assert len(log_lines(["x" * 10_000])[0]) == 240
