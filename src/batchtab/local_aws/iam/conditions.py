"""The condition operators of policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

# What makes a pattern of a policy: literal text, and the wildcards.
_TOKEN = re.compile(r"\$\{([^}]*)\}|([*?])|([^$*?]+|\$)")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


def matches(pattern: str, value: str, context: Mapping[str, Any], *, ignore_case: bool = False) -> bool:
    """Whether a value is one of those that a pattern describes, with `*`, `?` and `${variable}`.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    if "${" not in pattern:
        return _compiled(pattern, ignore_case).match(value) is not None
    regex = _regex(pattern, context)
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return regex is not None and re.match(regex, value, flags) is not None


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    regex = "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)
    return re.compile(f"{regex}\\Z", re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _regex(pattern: str, context: Mapping[str, Any], *, wildcards: bool = True) -> str | None:
    """Return a pattern with its variables filled in; None if one has no value, so that nothing matches."""
    parts = []
    for variable, wildcard, text in _TOKEN.findall(pattern):
        if text:
            parts.append(re.escape(text))
        elif wildcard:
            parts.append({"*": ".*", "?": "."}[wildcard] if wildcards else re.escape(wildcard))
        else:
            filled = _variable(variable, context)
            if filled is None:
                return None
            parts.append(re.escape(filled))
    return "".join(parts) + r"\Z"


def _variable(text: str, context: Mapping[str, Any]) -> str | None:
    if text in _LITERALS:
        return _LITERALS[text]
    name, _, default = (part.strip() for part in text.partition(","))
    value = context.get(name.lower())
    if isinstance(value, str):
        return value
    return default.strip("'") if default else None


def _like(value: str, pattern: str, context: Mapping[str, Any]) -> bool:
    return matches(pattern, value, context)


def _equals(value: str, wanted: str, context: Mapping[str, Any]) -> bool:
    if "${" not in wanted:
        return value == wanted
    regex = _regex(wanted, context, wildcards=False)
    return regex is not None and re.match(regex, value, re.DOTALL) is not None


def _ignoring_case(value: str, wanted: str, context: Mapping[str, Any]) -> bool:
    return _equals(value.lower(), wanted.lower(), {key: str(each).lower() for key, each in context.items()})


def _arn(value: str, pattern: str, context: Mapping[str, Any]) -> bool:
    """Six parts, each of which is matched by itself, so that `*` does not reach over a colon but in the last one."""
    wanted, parts = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(parts) and all(matches(w, p, context) for w, p in zip(wanted, parts, strict=True))


def _numbers(compare: Callable[[float, float], bool]) -> Callable[..., bool]:
    def compared(value: str, wanted: str, _context: Mapping[str, Any]) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return compared


def _dates(compare: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    def compared(value: str, wanted: str, _context: Mapping[str, Any]) -> bool:
        try:
            return compare(_date(value), _date(wanted))
        except ValueError:
            return False

    return compared


def _date(text: str) -> float:
    if text.replace(".", "", 1).isdigit() and len(text) > 4:
        return float(text)
    moment = datetime.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _address(value: str, wanted: str, _context: Mapping[str, Any]) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _boolean(value: str, wanted: str, _context: Mapping[str, Any]) -> bool:
    return value.lower() == wanted.lower()


_OPERATORS: dict[str, Callable[[str, str, Mapping[str, Any]], bool]] = {
    "stringequals": _equals,
    "stringequalsignorecase": _ignoring_case,
    "stringlike": _like,
    "arnequals": _arn,
    "arnlike": _arn,
    "bool": _boolean,
    "binaryequals": _equals,
    "ipaddress": _address,
}
for _name, _compare in {
    "equals": operator.eq,
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
}.items():
    _OPERATORS[f"numeric{_name}"] = _numbers(_compare)
    _OPERATORS[f"date{_name}"] = _dates(_compare)
# Each is the opposite of another: it is met by a value that none of the policy's fits, and by a key that is absent.
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}


def met(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, Any]) -> bool:
    """Whether all of a statement's conditions are met.

    Args:
        conditions: The element `Condition`.
        context: Values by key, in lower case.
    """
    return all(
        _is_met(name.lower(), context.get(key.lower()), _texts(wanted), context)
        for name, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _texts(wanted: Any) -> list[str]:
    values = wanted if isinstance(wanted, list) else [wanted]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in values]


def _is_met(name: str, actual: Any, wanted: list[str], context: Mapping[str, Any]) -> bool:
    if name == "null":
        return (actual is None) == (wanted[0].lower() == "true")
    quantifier, _, rest = name.rpartition(":")
    bare = rest.removesuffix("ifexists")
    affirmative = _NEGATED.get(bare, bare)
    if affirmative not in _OPERATORS:
        return False
    if actual is None:
        return bare != rest or quantifier == "forallvalues" or (bare in _NEGATED and quantifier != "foranyvalue")
    values = [str(each) for each in actual] if isinstance(actual, list) else [str(actual)]
    compare = _OPERATORS[affirmative]
    fitting = [any(compare(value, each, context) for each in wanted) != (bare in _NEGATED) for value in values]
    # Without a quantifier AWS takes such a list as a fault of the policy: the stricter reading is that all must fit.
    return any(fitting) if quantifier == "foranyvalue" else all(fitting)
