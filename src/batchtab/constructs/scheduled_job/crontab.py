"""A schedule's forms: crontab's as AWS writes them, and what none of them may say; for an expression in Terraform."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform import schedule_grammar as grammar
from batchtab.constructs._terraform.expressions import Condition, Expression, hcl, is_expression
from batchtab.constructs._terraform.resources import BatchtabConstruct, local, named
from batchtab.schedules import crontab

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIVE_FIELDS = "^[^ ()@]+( +[^ ()]+){4}$"
_PLAIN = "^([0-9*,/-]+ ){3}[0-9A-Z*,/-]+ [0-9A-Z*,/-]+$"
_DAY = "(SUN|MON|TUE|WED|THU|FRI|SAT|0*[0-7])"
_DAY_ITEM = f"^(?:([*])|{_DAY}(?:-{_DAY})?)(?:/([1-7]))?$"  # all, or a day, and to which; in which steps


class Crontab:
    """A schedule, and what it is to AWS."""

    def __init__(self, scope: BatchtabConstruct, schedule: Any) -> None:
        """Converts it."""
        self._schedule = schedule
        if not is_expression(schedule):
            self.expression = None if schedule is None else crontab.to_aws(schedule)
            return
        whole = f'coalesce({hcl(schedule)}, "-")'
        split = f'[for field in compact(split(" ", {whole})) : replace(upper(field), "?", "*")]'
        self._fields = local(
            scope, "crontab", Expression.of(f"can(regex({hcl(_FIVE_FIELDS)}, {whole})) ? {split} : []")
        )
        self._days = local(scope, "crontab_days", _days(self._fields))
        fields = hcl(self._fields)
        of_month = " ".join(f"${{{fields}[{number}]}}" for number in range(4))
        of_week = f'${{{fields}[0]}} ${{{fields}[1]}} ? ${{{fields}[3]}} ${{join(",", {hcl(self._days)})}}'
        five = f'{fields}[4] == "*" ? "cron({of_month} ? *)" : "cron({of_week} *)"'
        #: In AWS's form.
        self.expression = local(
            scope,
            "schedule_expression",
            Expression.of(f"length({fields}) == 5 ? ({five}) : lookup({hcl(crontab.WORDS)}, {whole}, {hcl(schedule)})"),
        )
        #: What each of the six fields of `cron(…)` must match.
        self.patterns = named(scope, "cron_patterns", grammar.patterns())
        in_aws = f'coalesce({hcl(self.expression)}, "-")'
        self._cron = local(scope, "cron_fields", Expression.of(grammar.fields_of(in_aws)))
        ranges = named(scope, "cron_ranges", grammar.allowed())
        cron, names, known = hcl(self._cron), hcl(ranges), hcl(self.patterns)
        as_ = f"\"'${{field}}' as ${{{names}[n]}}\""
        is_wrong = f"!{grammar.is_field('n', 'field', known)}"
        self._faults = local(
            scope,
            "cron_faults",
            Expression.of(f"length({cron}) == 6 ? [for n, field in {cron} : {as_} if {is_wrong}] : []"),
        )

    def rules(self) -> list[tuple[Condition, str]]:
        """What an expression must meet, and what is said otherwise."""
        if not is_expression(self._schedule):
            return []
        whole, fields = f'coalesce({hcl(self._schedule)}, "-")', hcl(self._fields)
        is_five = f"length({fields}) == 5"
        words = ", ".join(crontab.WORDS)
        cron = hcl(self._cron)
        is_six = f"length({cron}) == 6"
        in_aws = f'coalesce({hcl(self.expression)}, "-")'
        return [
            (
                Expression.of(f'!startswith({whole}, "@") || contains({hcl(list(crontab.WORDS))}, {whole})'),
                f"schedule: '${{{whole}}}' is not a schedule: {words}.",
            ),
            (
                Expression.of(f'{is_five} ? can(regex({hcl(_PLAIN)}, join(" ", {fields}))) : true'),
                f"schedule: '${{{whole}}}' is not crontab's: numbers, '*', ',', '-' and '/', names of months and days.",
            ),
            (
                Expression.of(f'alltrue([for field in {fields} : field == "*" || !contains(split(",", field), "*")])'),
                f"schedule: '${{{whole}}}' has a list with '*' in it: write *.",
            ),
            (
                Expression.of(f'{is_five} ? {fields}[2] == "*" || {fields}[4] == "*" : true'),
                f"schedule: '${{{whole}}}' sets day-of-month and day-of-week, which AWS cannot express: choose one of"
                " them, or write two jobs.",
            ),
            (
                Expression.of(
                    f'{is_five} ? alltrue([for item in split(",", {fields}[4]) : {_is_days("item")}]) : true'
                ),
                f"schedule: '${{{whole}}}' has no day-of-week as its last field: 0 to 7 or SUN to SAT (0 and 7 are"
                " Sunday).",
            ),
            (
                Expression.of(
                    f"{is_five} ? alltrue([for n, most in [59, 23] : {_step(f'{fields}[n]')} <= most]) : true"
                ),
                f"schedule: '${{{whole}}}' has a step that is longer than an hour or a day: write rate(…).",
            ),
            (
                Expression.of(f'!startswith({in_aws}, "cron(") || {is_six}'),
                f"schedule: '${{{whole}}}' must be {grammar.CRON_FORM}.",
            ),
            (
                Expression.of(f"length({hcl(self._faults)}) == 0"),
                f"schedule: '${{{whole}}}' has ${{join(\", \", {hcl(self._faults)})}}.",
            ),
            (
                Expression.of(f"{is_six} ? {grammar.is_one_of_days(cron)} : true"),
                f"schedule: '${{{whole}}}': exactly one of day-of-month and day-of-week must be '?'.",
            ),
            (
                Expression.of(f"{is_six} ? {grammar.happens(cron, hcl(self.patterns))} : true"),
                f"schedule: '${{{whole}}}' never happens: there is no such day.",
            ),
            (
                Expression.of(f'!startswith({whole}, "rate(") || {grammar.is_rate(whole)}'),
                f"schedule: '${{{whole}}}' must be {grammar.RATE_FORMS}.",
            ),
            (
                Expression.of(f'!startswith({whole}, "at(") || {grammar.is_at(whole)}'),
                f"schedule: '${{{whole}}}' must be {grammar.AT_FORM}.",
            ),
        ]


def _step(field: str) -> str:
    return f'tonumber(try(regex("^(?:[*]|0)/([0-9]{{1,4}})$", {field})[0], 0))'


def _number(text: str) -> str:
    return f"try(index({hcl(list(_DAYS))}, {text}), tonumber({text}))"


def _span(item: str) -> str:
    """The numbers of one item's days, as a list; an error where it is none."""
    begin = f"p[0] != null ? 0 : {_number('p[1]')}"
    end = f"p[2] != null ? {_number('p[2]')} : p[0] != null || p[3] != null ? max(6, begin) : begin"
    last = "end + (end < begin ? 8 : 1)"  # FRI-MON goes on into the next week
    days = f"[for end in [{end}] : range(begin, {last}, tonumber(coalesce(p[3], 1)))][0]"
    return f"[for p in [regex({hcl(_DAY_ITEM)}, {item})] : [for begin in [{begin}] : {days}][0]][0]"


def _is_days(item: str) -> str:
    return f"try(length({_span(item)}) > 0, false)"


def _days(fields: Any) -> Expression:
    """Names of the days, so that the first day of the week does not matter."""
    text, names = hcl(fields), hcl(list(_DAYS))
    items = f'length({text}) == 5 ? split(",", {text}[4]) : []'
    found = f"flatten([for item in {items} : try([for day in {_span('item')} : day % 7], [])])"
    return Expression.of(f"[for day in {names} : day if contains({found}, index({names}, day))]")
