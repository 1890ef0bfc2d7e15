"""What of a module's inputs Terraform must know when it plans, read from the module's own expressions.

How many of a resource there are, and by which keys, has to be known then. So this follows each `count` and `for_each`
back to inputs. Dynamic blocks, validations and rules do not count: Terraform puts those off until a value is known.

See https://developer.hashicorp.com/terraform/language/meta-arguments/count#using-expressions-in-count
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

#: How each sentence ends.
WHEN = "must be known when Terraform plans"

_VARIABLE = re.compile(r"\bvar\.([a-z0-9_]+)((?:\.[a-z0-9_]+)*)")
_LOCAL = re.compile(r"\blocal\.([a-z0-9_]+)")
_LOOP = re.compile(r"\bfor (?:[a-z0-9_]+, )?([a-z0-9_]+) in (?:values\()?var\.([a-z0-9_]+)\)? : ")
_NULL = re.compile(r" [!=]= null\b")
#: What is passed to a called module as it is: a variable, or a member of one that has no type.
_HANDED = re.compile(r"\$\{(?:var\.([a-z0-9_]+)|try\(var\.([a-z0-9_]+)\.[a-z0-9_]+, null\))\}")
_LENGTH = re.compile(r"\b(?:length|chunklist)\($")


class Need(NamedTuple):
    """One thing that has to be known of an input."""

    #: `value`, `given` (whether it is null), `length` or `names`: the keys of a map.
    what: str
    #: The member; empty for the input itself.
    member: str = ""
    #: Whether the member is one of each value of a map.
    of_each: bool = False


Needs = Mapping[str, set[Need]]


def sentences(needs: Needs) -> dict[str, str]:
    """The sentence for each variable that must be known in part."""
    return {name: _sentence(of_one) for name, of_one in needs.items()}


def needs(content: Mapping[str, Any], called: Callable[[str], Needs]) -> Needs:
    """What must be known of each variable.

    Args:
        content: The module as one object: `resource`, `data`, `module`, `locals`, `variable`.
        called: What must be known of the variables of a module that it calls, by that module's name.
    """
    found: dict[str, set[Need]] = {}
    for decision in _decisions(content):
        for name, need in _needs(decision, content, frozenset()):
            found.setdefault(name, set()).add(need)
    for body in content.get("module", {}).values():
        for argument, of_argument in called(body["source"].rpartition("/")[2]).items():
            if handed := _HANDED.fullmatch(str(body.get(argument, ""))):
                name = handed[1] or handed[2]
                found.setdefault(name, set()).update([Need("value")] if handed[2] else of_argument)
    return found


def _decisions(content: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("resource", "data"):
        for named in content.get(kind, {}).values():
            for body in named.values():
                yield from (body[key] for key in ("count", "for_each") if key in body)
    yield from (body["for_each"] for body in content.get("module", {}).values() if "for_each" in body)


def _needs(text: Any, content: Mapping[str, Any], seen: frozenset[str]) -> Iterator[tuple[str, Need]]:
    """What an expression asks of inputs, itself and by the locals in it."""
    text = text if isinstance(text, str) else json.dumps(text)
    for name in set(_LOCAL.findall(text)) - seen:
        yield from _needs(content["locals"][name], content, seen | {name})
    for loop in _LOOP.finditer(text):
        type_ = content["variable"][loop[2]]["type"]
        # What has no type is not known in part.
        yield loop[2], Need("value" if type_ == "any" else "length" if type_.startswith("list(") else "names")
        for _, member, what in _asked(re.compile(rf"\b({loop[1]})((?:\.[a-z0-9_]+)+)"), _choosing(text, loop.end())):
            yield loop[2], Need(what, member, of_each=True)
    for name, member, what in _asked(_VARIABLE, _LOOP.sub("", text)):
        is_keys = what == "value" and text == f"${{var.{name}}}"
        yield name, Need("names" if is_keys else what, member)


def _asked(reference: re.Pattern[str], text: str) -> Iterator[tuple[str, str, str]]:
    """Each reference in a text: its owner, its member, and what is asked of it."""
    for match in reference.finditer(text):
        what = "value"
        if _NULL.match(text, match.end()):
            what = "given"
        elif _LENGTH.search(text, 0, match.start()):
            what = "length"
        yield match[1], match[2].removeprefix("."), what


def _choosing(text: str, begin: int) -> str:
    """What decides in a loop from its colon on: its condition where it makes a map, otherwise all of it."""
    depth, end = 1, begin
    while depth:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[end], 0)
        end += 1
    body = text[begin : end - 1]
    return body.partition(" if ")[2] if " => " in body else body


def _sentence(needs: set[Need]) -> str:
    if Need("value") in needs:
        return f"{WHEN[0].upper()}{WHEN[1:]}."
    members = [_subject(need) for need in sorted(needs, key=lambda need: need.member) if need.of_each]
    if members:
        begin = "Its names" if Need("names") in needs else "How many there are"
        return f"{begin}, and of each {_and(members)}, {WHEN}."
    if Need("names") in needs:
        return f"Its names {WHEN}; its values need not be."
    subjects = [_subject(need) for need in sorted(needs, key=lambda need: need.member) if not need.of_each]
    text = _and(subjects)
    return f"{text[0].upper()}{text[1:]} {WHEN}."


def _subject(need: Need) -> str:
    what = f"`{need.member}`" if need.member else ""
    if need.what == "given":
        return f"whether {what or 'it'} is given"
    if need.what == "length":
        return f"how many {f'{what} ' if what else ''}there are"
    return what


def _and(texts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))
