from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchtab.schedules.cron import ScheduleError, parse
from batchtab.schedules.crontab import WORDS, to_aws
from batchtab.schedules.expression import check


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("*/5 * * * *", "cron(*/5 * * * ? *)"),
        ("0 9 1,15 * *", "cron(0 9 1,15 * ? *)"),
        ("0 9 */2 * ?", "cron(0 9 */2 * ? *)"),
        ("5/15 ? ? jan-Mar *", "cron(5/15 * * JAN-MAR ? *)"),
        ("0 9 * * *", "cron(0 9 * * ? *)"),
        ("  00   09\t* * 1-5 ", "cron(00 09 ? * MON,TUE,WED,THU,FRI *)"),
        ("0 9 * * mon-fri", "cron(0 9 ? * MON,TUE,WED,THU,FRI *)"),
        ("0 9 * * 0", "cron(0 9 ? * SUN *)"),
        ("0 9 * * 7", "cron(0 9 ? * SUN *)"),
        ("0 9 * * 0-7", "cron(0 9 ? * SUN,MON,TUE,WED,THU,FRI,SAT *)"),
        ("0 9 * * 5-7", "cron(0 9 ? * SUN,FRI,SAT *)"),
        ("0 9 * * FRI-7", "cron(0 9 ? * SUN,FRI,SAT *)"),
        ("0 9 * * sat,Sun", "cron(0 9 ? * SUN,SAT *)"),
        ("0 9 * * */2", "cron(0 9 ? * SUN,TUE,THU,SAT *)"),
        ("0 9 * * */1", "cron(0 9 ? * SUN,MON,TUE,WED,THU,FRI,SAT *)"),
        ("0 9 * * 1/2", "cron(0 9 ? * MON,WED,FRI *)"),  # to the week's end, which is 6 in Kubernetes
        ("0 9 * * 1-6/2", "cron(0 9 ? * MON,WED,FRI *)"),
        ("0 9 * * 7/2", "cron(0 9 ? * SUN *)"),
        ("0 9 * * 3,1-2", "cron(0 9 ? * MON,TUE,WED *)"),
        ("0 9 * * FRI-MON", "cron(0 9 ? * SUN,MON,FRI,SAT *)"),
        ("0 9 * * FRI-SUN", "cron(0 9 ? * SUN,FRI,SAT *)"),
        ("0 9 * * 5-2/3", "cron(0 9 ? * MON,FRI *)"),
        ("0 22-2 * * *", "cron(0 22-2 * * ? *)"),
        ("@midnight", "cron(0 0 * * ? *)"),
        ("@weekly", "cron(0 0 ? * SUN *)"),
    ],
)
def test_crontab_is_written_as_aws_does(written: str, meant: str) -> None:
    assert to_aws(written) == meant
    parse(meant.removeprefix("cron(").removesuffix(")"))


@pytest.mark.parametrize("expression", ["cron(0 0 * * ? *)", "rate(5 minutes)", "at(2026-12-25T09:00:00)", "cron(x)"])
def test_forms_of_aws_are_not_touched(expression: str) -> None:
    assert to_aws(expression) == expression


@pytest.mark.parametrize(
    ("expression", "reason", "hint"),
    [
        (
            "0 9 1 * 1-2",
            "sets day-of-month and day-of-week: crontab runs on either, which AWS cannot express",
            "write two jobs: '0 9 1 * *' and '0 9 * * MON,TUE'",
        ),
        # Vixie's rule of the star: with one in front of either field, both must match.
        *(
            (
                text,
                "sets day-of-month and day-of-week, and one of them begins with '*': Vixie cron runs on days that"
                " are both, Kubernetes on either; AWS cannot express that",
                "set one of the two",
            )
            for text in ("0 9 1 * */2", "0 9 */2 * MON", "0 9 */2 * */2")
        ),
        ("@reboot", "has no meaning here", "leave schedule out: run it manually"),
        ("@every 5m", "is not a schedule of crontab", "write rate(5 minutes)"),
        ("@every 1h30m", "is not a schedule of crontab", "write rate(90 minutes)"),
        ("@every 24h", "is not a schedule of crontab", "write rate(1 day)"),
        ("@every 90s", "is not a schedule of crontab", "write rate(2 minutes)"),
        ("@every 10s", "is not a schedule of crontab", "write rate(1 minute)"),
        ("@every", "is not a schedule of crontab", "write rate(5 minutes)"),
        ("@Daily", "is not a schedule: @yearly", "write @daily"),
        ("@sometimes", "is not a schedule: @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly", ""),
        (
            "CRON_TZ=Asia/Seoul 0 9 * * *",
            "names a time zone in the schedule",
            "schedule: 0 9 * * *, and timezone: Asia/Seoul",
        ),
        ("TZ=UTC @daily", "names a time zone in the schedule", "schedule: @daily, and timezone: UTC"),
        ("0 9 L * *", "has 'L' as day-of-month, which crontab doesn't know", "AWS does: cron(0 9 L * ? *)"),
        ("0 9 15W * ?", "has '15W' as day-of-month", "AWS does: cron(0 9 15W * ? *)"),
        ("0 9 * * 5L", "has '5L' as day-of-week", "AWS does: cron(0 9 ? * 6L *)"),
        ("0 9 * * FRI#2", "has 'FRI#2' as day-of-week", "AWS does: cron(0 9 ? * FRI#2 *)"),
        ("0 9 * * 0#2", "has '0#2' as day-of-week", "AWS does: cron(0 9 ? * 1#2 *)"),
        ("0 9 1 * 5#9", "has '5#9' as day-of-week", "AWS does: L, W and # in cron(…)"),
        ("H 9 * * *", "has 'H' as minutes, a value by chance", "flexible_window_minutes"),
        ("H/15 * * * *", "has 'H' as minutes, a value by chance", "flexible_window_minutes"),
        ("0~30 9 * * *", "has '~' as minutes, a value by chance", "flexible_window_minutes"),
        (
            "0 0 9 * * *",
            "has 6 fields: crontab has five, and jobs start on the minute",
            "without the seconds: 0 9 * * *",
        ),
        ("*/10 0 9 * * *", "has 6 fields", "AWS's form is cron(minutes hours day-of-month month day-of-week year)"),
        ("0 0 9 * * * 2027", "has 7 fields", "AWS's form is cron("),
        ("0 0 9 1 * ?", "has 6 fields", "without the seconds: 0 9 1 * ?"),
        ("0 0 9 * ? *", "is AWS's form without its name", "write cron(0 0 9 * ? *)"),
        ("0 9 * * * /usr/bin/report --all", "continues after crontab's five fields", "write what to run in `command`"),
        ("0 9 * * * root report", "continues after crontab's five fields", "write what to run in `command`"),
        ("*/90 * * * *", "has the step '90' as minutes, which is longer than 60 minutes", "write rate(90 minutes)"),
        ("0 0/36 * * *", "has the step '36' as hours, which is longer than 24 hours", "write rate(36 hours)"),
        ("*,5 * * * *", "has '*,5' as minutes, a list with '*' in it", "write *"),
        ("0 9 * * 8", "has '8' as day-of-week: 0 to 7 or SUN to SAT (0 and 7 are Sunday)", ""),
        ("0 9 * * 1-8", "has '8' in '1-8' as day-of-week", ""),
        ("0 9 * * */8", "has the step '8' as day-of-week: 1 to 7", ""),
        ("0 9 * * MONDAY", "has 'MONDAY' as day-of-week", ""),
        ("60 9 * * *", "has '60' as minutes: 0 to 59", ""),
        ("0 9 * JANUARY *", "has 'JANUARY' as month", ""),
        ("0 9 31 2,4 *", "never happens", ""),
        ("0 9 * * %", "has '%' as day-of-week: numbers, names", ""),
        ("Rate (5 minutes)", "is not a schedule", "small letters"),
        ("daily", "is not a schedule: cron(…), rate(…), at(…), five fields of crontab or a word such as @daily", ""),
        ("", "is not a schedule", ""),
    ],
)
def test_what_aws_cannot_say_is_refused_with_the_nearest_form(expression: str, reason: str, hint: str) -> None:
    with pytest.raises(ScheduleError) as error:
        to_aws(expression)

    assert reason in error.value.reason
    assert hint in error.value.hint
    assert bool(hint) == bool(error.value.hint)


@pytest.mark.parametrize("hint", ["@every 5m", "@every 1h30m", "*/90 * * * *", "0 9 L * *", "0 9 * * 5#3", "@Weekly"])
def test_the_nearest_form_is_itself_a_schedule(hint: str) -> None:
    with pytest.raises(ScheduleError) as error:
        to_aws(hint)

    check(error.value.hint.removeprefix("write ").removeprefix("AWS does: "))


def test_every_word_is_a_schedule() -> None:
    for word in WORDS:
        check(word)


@given(st.text(alphabet="0123456789*/?,-LW#H~ @SUNMOtue=\t", max_size=30))
def test_any_text_is_converted_to_a_schedule_or_is_refused(text: str) -> None:
    with contextlib.suppress(ScheduleError):  # any other exception fails the test
        check(to_aws(text))
