"""What Copilot makes of `on.schedule`: the expression of an EventBridge rule, in UTC.

Five fields lose a step in the day of the month, and every digit of the day of the week grows by one, as in Copilot's
own code (internal/pkg/deploy/cloudformation/stack/scheduled_job.go of aws/copilot-cli).
"""

from __future__ import annotations

import re

_OF_MONTH, _OF_WEEK = 2, 4
FIELDS = 5
_WORDS = {
    "@hourly": "0 * * * ? *",
    "@daily": "0 0 * * ? *",
    "@midnight": "0 0 * * ? *",
    "@weekly": "0 0 ? * 1 *",
    "@monthly": "0 0 1 * ? *",
    "@yearly": "0 0 1 1 ? *",
    "@annually": "0 0 1 1 ? *",
}
_MINUTES = {"h": 60.0, "m": 1.0, "s": 1 / 60}


class CopilotError(ValueError):
    """Copilot would refuse the schedule."""


def of_rule(text: str) -> str:
    """The expression of the rule.

    Raises:
        CopilotError: Copilot would not deploy it.
    """
    if re.search(r"(rate|cron)\(.*\)", text):
        return text
    if text.startswith("@every "):
        return _rate(text.removeprefix("@every "))
    if text.startswith("@"):
        if text not in _WORDS:
            raise CopilotError(f"'{text}' is not one of its words")
        return f"cron({_WORDS[text]})"
    fields = text.split()
    if len(fields) != FIELDS:
        raise CopilotError(f"it has {len(fields)} fields instead of {FIELDS}")
    return _cron(fields)


def _cron(fields: list[str]) -> str:
    fields = [*fields]
    has_month, has_week = (not re.search(r"[*?]", fields[index]) for index in (_OF_MONTH, _OF_WEEK))
    if has_month and has_week:
        raise CopilotError("Copilot takes no day of the month together with a day of the week")
    if has_week:
        fields[_OF_MONTH] = "?"
    else:
        fields[_OF_WEEK] = "?"
        if not has_month:
            fields[_OF_MONTH] = "*"
    fields[_OF_WEEK] = re.sub("[0-9]", lambda digit: chr(ord(digit[0]) + 1), fields[_OF_WEEK])
    return f"cron({' '.join(fields)} *)"


def seconds(text: str) -> float | None:
    """A duration such as `1h30m`; None if it is none."""
    if not re.fullmatch(r"([0-9]{1,9}(\.[0-9]{1,6})?(h|m|s))+", text):
        return None
    return sum(
        float(number) * _MINUTES[unit] * 60 for number, _, unit in re.findall(r"([0-9]+(\.[0-9]+)?)([hms])", text)
    )


def _rate(text: str) -> str:
    length = seconds(text.strip())
    if length is None:
        raise CopilotError(f"'{text}' is not a duration such as 1h30m")
    minutes = round(length / 60)
    if length != minutes * 60 or minutes < 1:
        raise CopilotError(f"'{text}' is not a whole number of minutes")
    return f"rate({minutes} minute{'' if minutes == 1 else 's'})"
