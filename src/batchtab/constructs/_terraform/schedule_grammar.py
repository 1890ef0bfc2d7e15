"""The grammar of AWS's schedules for Terraform to check: patterns made of the ranges in `batchtab.schedules.cron`.

See https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

from collections.abc import Sequence

from batchtab.constructs._terraform.expressions import hcl
from batchtab.schedules import cron
from batchtab.schedules.cron import Field

_MINUTES, _HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR = cron.FIELDS
_SHORT_MONTH = "(?:0*(?:2|4|6|9|11)|FEB|APR|JUN|SEP|NOV)"
#: Days of the month and months that do not meet, such as 31 February.
_NEVER = f"^(?:3[01](?:,3[01])*W?|L-(?:29|30)) (?:0*2|FEB)$|^(?:31W?|L-30) {_SHORT_MONTH}(?:,{_SHORT_MONTH})*$"
_LEAP_DAY = "^29W? (?:0*2|FEB)$"
RATE = "^rate[(] *(?:0*1 +(?:minute|hour|day)|0*(?:[2-9]|[1-9][0-9]+) +(?:minutes|hours|days)) *[)]$"
_AT = "^at[(]2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:00[)]$"
#: What each form must be, for messages.
RATE_FORMS = "rate(1 minute), rate(N minutes), and so hours and days"
AT_FORM = "at(yyyy-mm-ddThh:mm:00), a time of the calendar in the years 2000 to 2199"
CRON_FORM = f"cron({cron.FIELD_NAMES}) with a '?' as one of the days"


def patterns() -> list[str]:
    """What cron's six fields must match, in capital letters and with a comma behind; then what a day must not match.

    The last two are about day-of-month and month, with a space between: days that never are, and those of leap years.
    """
    return [*(_of_list(field, _others(field)) for field in cron.FIELDS), _NEVER, _LEAP_DAY]


def allowed() -> list[str]:
    """What each of the fields takes, for messages: `hours: 0 to 23`."""
    return [f"{field.name}: {field.describe()}" for field in cron.FIELDS]


def fields_of(text: str) -> str:
    """The fields of `cron(…)` as an expression; none of anything else."""
    return f'compact(split(" ", try(regex("^cron[(]([^()]*)[)]$", {text})[0], "")))'


def is_field(number: str, field: str, known: str) -> str:
    """Whether a field is in its ranges; `known` are the patterns."""
    return f'can(regex({known}[{number}], "${{upper({field})}},"))'


def is_one_of_days(fields: str) -> str:
    """Whether exactly one of the days is `?`."""
    return f'({fields}[2] == "?") != ({fields}[4] == "?")'


def happens(fields: str, known: str) -> str:
    """Whether there is such a day, and no years that run backwards; `known` are the patterns."""
    day = f'upper("${{{fields}[2]}} ${{{fields}[3]}}")'
    leap = f'anytrue([for year in split(",", {fields}[5]) : try(tonumber(year) % 4 == 0, true)])'
    years = 'split("-", split("/", item)[0])'
    in_order = (
        f'alltrue([for item in split(",", {fields}[5]) : try(tonumber({years}[0]) <= tonumber({years}[1]), true)])'
    )
    never, on_leap_day = (f"can(regex({known}[{number}], {day}))" for number in (6, 7))
    return f"!{never} && (!{on_leap_day} || {leap}) && {in_order}"


def is_rate(text: str) -> str:
    """Whether a text is a rate, with the unit's right number."""
    return f"can(regex({hcl(RATE)}, {text}))"


def is_at(text: str) -> str:
    """Whether a text is a time that there is."""
    return f'(can(regex({hcl(_AT)}, {text})) && can(timeadd("${{substr({text}, 3, 19)}}Z", "0s")))'


def is_cron(text: str, known: str) -> str:
    """Whether a text is a cron expression; `known` are the patterns of its fields."""
    matching = f"alltrue([for n, field in fields : {is_field('n', 'field', known)}])"
    whole = f"length(fields) == 6 && {matching} && {is_one_of_days('fields')} && {happens('fields', known)}"
    return f"[for fields in [{fields_of(text)}] : try({whole}, false)][0]"


def is_schedule(text: str, known: str) -> str:
    """Whether a text is any of AWS's forms."""
    return f"({is_rate(text)} || {is_at(text)} || {is_cron(text, known)})"


def between(low: int, high: int) -> str:
    """A pattern of the whole numbers from `low` to `high`, with zeros in front or without."""
    return f"0*(?:{'|'.join(_spans(low, high))})"


def _spans(low: int, high: int) -> list[str]:
    found: list[str] = []
    while len(str(low)) < len(str(high)):
        found += _same_length(str(low), "9" * len(str(low)))
        low = 10 ** len(str(low))
    return found + _same_length(str(low), str(high))


def _same_length(low: str, high: str) -> list[str]:
    if len(low) == 1 or (set(low[1:]) == {"0"} and set(high[1:]) == {"9"}):
        first = low[0] if low[0] == high[0] else f"[{low[0]}-{high[0]}]"
        return [first + ("[0-9]" if len(low) == 2 else f"[0-9]{{{len(low) - 1}}}" if len(low) > 2 else "")]
    if low[0] == high[0]:
        return [low[0] + rest for rest in _same_length(low[1:], high[1:])]
    size = len(low) - 1
    if set(low[1:]) != {"0"}:
        after = f"{int(low[0]) + 1}{'0' * size}"
        return _same_length(low, low[0] + "9" * size) + _same_length(after, high)
    before = f"{int(high[0]) - 1}{'9' * size}"
    return _same_length(low, before) + _same_length(high[0] + "0" * size, high)


def _value(field: Field) -> str:
    numbers = between(field.low, field.high)
    return f"(?:{'|'.join([numbers, *field.names])})" if field.names else numbers


def _of_list(field: Field, others: Sequence[str]) -> str:
    """A list's items each with a comma behind, so that all items match alike."""
    value = _value(field)
    step = f"(?:/{between(1, field.high)})?" if field.steps else ""
    alone = "".join(f"{other},|" for other in others)
    return f"^(?:{alone}(?:(?:[*]|{value}(?:-{value})?){step},)+)$"


def _others(field: Field) -> list[str]:
    """What a field takes beside lists."""
    if field is _DAY_OF_MONTH:
        return ["[?]", "LW", f"L(?:-{between(1, field.high - 1)})?", f"{_value(field)}W"]
    return ["[?]", f"{_value(field)}#[1-5]", f"{_value(field)}?L"] if field is _DAY_OF_WEEK else []
