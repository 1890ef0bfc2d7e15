"""Crontab's five fields and `@daily`-like words as AWS writes them, with the meaning of Vixie cron and Kubernetes.

Where the two differ, Kubernetes counts: `?` is `*`, and `n/m` begins at n and goes on to the field's end. A range that
runs past the end of its field, such as 22-2 or FRI-MON, which both refuse, means what it means to AWS.
https://man7.org/linux/man-pages/man5/crontab.5.html
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
"""

from __future__ import annotations

import re

from batchtab.schedules import cron
from batchtab.schedules.cron import ScheduleError

WORDS = {
    "@yearly": "cron(0 0 1 1 ? *)",
    "@annually": "cron(0 0 1 1 ? *)",
    "@monthly": "cron(0 0 1 * ? *)",
    "@weekly": "cron(0 0 ? * SUN *)",
    "@daily": "cron(0 0 * * ? *)",
    "@midnight": "cron(0 0 * * ? *)",
    "@hourly": "cron(0 * * * ? *)",
}
_AWS_FORM = re.compile(r"(cron|rate|at)\(.*\)", re.DOTALL)
_NEAR_AWS_FORM = re.compile(r"(cron|rate|at) *\(", re.IGNORECASE)
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LAST_DAY = 6
_SUNDAY_TOO = 7
_FIELD_COUNT = 5
_PLAIN = re.compile(r"[0-9A-Za-z*?,/-]+")
_ANY = ("*", "?")
_MOST = {"minutes": 59, "hours": 23}


def to_aws(expression: str) -> str:
    """The schedule as AWS takes it; its own forms, `cron(…)`, `rate(…)` and `at(…)`, are not looked at.

    Raises:
        ScheduleError: With what AWS can't express, or what is no schedule, and the nearest form.
    """
    if _AWS_FORM.fullmatch(expression):
        return expression
    text = expression.strip()
    if _NEAR_AWS_FORM.match(text):
        hint = "write it in small letters, with one pair of parentheses and no space before or around them"
        raise ScheduleError("is not a schedule", hint)
    if text.startswith("@"):
        return _word(text)
    if match := re.match(r"(?:CRON_)?TZ=(\S+)\s+(.*)", text):
        raise ScheduleError("names a time zone in the schedule", f"schedule: {match[2]}, and timezone: {match[1]}")
    fields = text.split()
    if len(fields) != _FIELD_COUNT:
        raise ScheduleError(*_wrong_number(text, fields))
    _refuse_extensions(fields)
    return _converted(fields)


def _converted(fields: list[str]) -> str:
    minutes, hours, day_of_month, month, day_of_week = (field.upper().replace("?", "*") for field in fields)
    if day_of_month != "*" and day_of_week != "*":
        days = _days_of_week(day_of_week)
        if day_of_month.startswith("*") or day_of_week.startswith("*"):
            reason = (
                "sets day-of-month and day-of-week, and one of them begins with '*': Vixie cron runs on days that"
                " are both, Kubernetes on either; AWS cannot express that"
            )
            raise ScheduleError(reason, "set one of the two")
        reason = "sets day-of-month and day-of-week: crontab runs on either, which AWS cannot express"
        two = (f"{minutes} {hours} {day_of_month} {month} *", f"{minutes} {hours} * {month} {days}")
        raise ScheduleError(reason, f"write two jobs: '{two[0]}' and '{two[1]}'")
    if day_of_week == "*":
        converted = f"{minutes} {hours} {day_of_month} {month} ? *"
    else:
        converted = f"{minutes} {hours} ? {month} {_days_of_week(day_of_week)} *"
    _refuse_long_steps(minutes, hours)
    cron.parse(converted)
    return f"cron({converted})"


def _days_of_week(text: str) -> str:
    """Names, so that the first day of the week does not matter: `MON,TUE,WED,THU,FRI`."""
    found: set[int] = set()
    for item in text.split(","):
        base, slash, step_text = item.partition("/")
        if slash and not re.fullmatch("[1-7]", step_text):
            raise ScheduleError(f"has the step '{step_text}' as day-of-week: 1 to 7")
        first_text, dash, last_text = base.partition("-")
        if base == "*":
            first, last = 0, _LAST_DAY
        else:
            first = _day(first_text, item)
            last = _day(last_text, item) if dash else max(first, _LAST_DAY) if slash else first
        end = last + _SUNDAY_TOO if first > last else last
        found.update(day % _SUNDAY_TOO for day in range(first, end + 1, int(step_text) if slash else 1))
    return ",".join(_DAYS[day] for day in sorted(found))


def _day(text: str, item: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if re.fullmatch("0*[0-7]", text):
        return int(text)
    shown = f"'{text}'" if text == item else f"'{text}' in '{item}'"
    raise ScheduleError(f"has {shown} as day-of-week: 0 to 7 or SUN to SAT (0 and 7 are Sunday)")


def _word(text: str) -> str:
    word, _, rest = text.partition(" ")
    if text in WORDS:
        return WORDS[text]
    if word == "@reboot":
        raise ScheduleError("has no meaning here: no machine boots", "leave schedule out: run it manually")
    if word == "@every":
        raise ScheduleError("is not a schedule of crontab", _rate(rest.strip()))
    known = ", ".join(WORDS)
    raise ScheduleError(f"is not a schedule: {known}", f"write {text.lower()}" if text.lower() in WORDS else "")


def _rate(duration: str) -> str:
    """`rate(…)` for a duration of Go such as `1h30m`; empty if it is none."""
    match = re.fullmatch(r"(?:([0-9]{1,5})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,7})s)?", duration)
    if not match or not duration:
        return "write rate(5 minutes)"
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    whole = max(1, hours * 60 + minutes + -(-seconds // 60))
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if whole % size == 0:
            return f"write rate({whole // size} {unit}{'' if whole == size else 's'})"
    raise AssertionError("every number is a multiple of one")  # pragma: no cover


def _wrong_number(text: str, fields: list[str]) -> tuple[str, str]:
    forms = f"cron(…), rate(…), at(…), five fields of crontab or a word such as {'@daily'}"
    if len(fields) < _FIELD_COUNT:
        return f"is not a schedule: {forms}", ""
    rest = fields[_FIELD_COUNT:]
    if any(not _looks_like_a_field(field) for field in rest):
        return "continues after crontab's five fields", "write what to run in `command`"
    six = text if len(fields) == 6 else ""
    if six and "?" in fields and _is_cron(six):
        return "is AWS's form without its name", f"write cron({six})"
    seconds, five = fields[0], " ".join(fields[1:6])
    reason = f"has {len(fields)} fields: crontab has five, and jobs start on the minute"
    if seconds in {"0", "00"} and len(fields) == 6 and _accepts(five):
        return reason, f"without the seconds: {five}"
    return reason, f"AWS's form is cron({cron.FIELD_NAMES})"


def _looks_like_a_field(text: str) -> bool:
    return re.fullmatch(r"([*?L0-9]|[A-Z]{3})[0-9A-Z*?,/#LW-]*", text) is not None


def _refuse_extensions(fields: list[str]) -> None:
    """What other crons have beyond crontab: refused by name, so that the message is not taken for a typo."""
    for name, field in zip(cron.FIELD_NAMES.split(), fields, strict=False):
        if "~" in field or re.search(r"(^|,)H($|[(/,])", field):
            mark = "~" if "~" in field else "H"
            hint = "choose a value, or let flexible_window_minutes spread the starts"
            raise ScheduleError(f"has '{mark}' as {name}, a value by chance", hint)
        if _has_letters_of_quartz(name, field):
            form = _quartz(fields)
            reason = f"has {field!r} as {name}, which crontab doesn't know"
            raise ScheduleError(reason, f"AWS does: {form}" if form else "AWS does: L, W and # in cron(…)")
        if not _PLAIN.fullmatch(field):
            raise ScheduleError(f"has {field!r} as {name}: numbers, names, '*', ',', '-' and '/'")
        if "," in field and set(_ANY) & set(field.split(",")):
            raise ScheduleError(f"has {field!r} as {name}, a list with '*' in it", "write *")


def _has_letters_of_quartz(name: str, field: str) -> bool:
    upper = field.upper()
    if name == "day-of-month":
        return re.fullmatch(r"(LW|L(-[0-9]+)?|[0-9]+W|W)(,.*)?", upper) is not None
    return name == "day-of-week" and ("#" in upper or re.search(r"(^|,|[0-7]|[A-Z]{3})L($|,)", upper) is not None)


def _quartz(fields: list[str]) -> str:
    """AWS's form of five fields with `L`, `W` or `#`; empty if there is none."""
    minutes, hours, day_of_month, month, day_of_week = (field.upper() for field in fields)
    if day_of_week in _ANY:
        day_of_week = "?"
    elif day_of_month in _ANY:
        day_of_month = "?"
        day_of_week = re.sub("^[0-7](?=[L#])", lambda match: str(int(match[0]) % _SUNDAY_TOO + 1), day_of_week)
    form = f"{minutes} {hours} {day_of_month} {month} {day_of_week} *"
    return f"cron({form})" if _is_cron(form) else ""


def _refuse_long_steps(minutes: str, hours: str) -> None:
    """`*/90` minutes is minute 0 of each hour to crontab, and surely not what was meant."""
    for name, field in (("minutes", minutes), ("hours", hours)):
        if (match := re.fullmatch(r"(?:\*|0)/([0-9]{1,4})", field)) and int(match[1]) > _MOST[name]:
            reason = f"has the step '{match[1]}' as {name}, which is longer than {_MOST[name] + 1} {name}"
            raise ScheduleError(reason, f"write rate({int(match[1])} {name})")


def _is_cron(fields_text: str) -> bool:
    try:
        cron.parse(fields_text)
    except ScheduleError:
        return False
    return True


def _accepts(expression: str) -> bool:
    try:
        to_aws(expression)
    except ScheduleError:
        return False
    return True
