"""Schedules in words."""

from __future__ import annotations

import pytest

from batchtab.schedules.words import in_words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("rate(1 minute)", "every minute"),
        ("rate(90 minutes)", "every 1 h 30 min"),
        ("at(2026-12-24T09:00:00)", "once, at 2026-12-24 09:00"),
        ("cron(0 9 * * ? *)", "at 09:00 every day"),
        ("0 9 * * 1-5", "at 09:00 from Monday to Friday"),
        ("cron(0 9 ? * MON-FRI *)", "at 09:00 from Monday to Friday"),
        ("cron(30 6 ? * 1,7 *)", "at 06:30 on Sundays and Saturdays"),
        ("0 */6 * * *", "at 00:00, 06:00, 12:00 and 18:00 every day"),
        ("*/10 * * * *", "every 10 min"),
        ("cron(7/10 * * * ? *)", "every 10 min from :07"),
        ("cron(15 * * * ? *)", "every hour at :15"),
        ("cron(0 0 1 * ? *)", "at 00:00 on day 1 of each month"),
        ("cron(0 0 L * ? *)", "at 00:00 on the last day of each month"),
        # What has no plain words has none.
        ("cron(0 0 ? * MON#1 *)", ""),
        ("cron(0 0 15W * ? *)", ""),
        ("cron(0 9 * 1 ? *)", ""),
        ("cron(0/5 8-17 * * ? *)", ""),
        ("*/7 * * * *", ""),
        ("cron(30/10 * * * ? *)", ""),
        ("cron(0,7,9 * * * ? *)", ""),
    ],
)
def test_a_schedule_in_words(expression: str, words: str) -> None:
    assert in_words(expression) == words
