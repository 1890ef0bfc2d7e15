"""Jobs that come after themselves, as HCL: circles of up to four jobs with their steps, and the jobs of longer ones.

Terraform has neither loops nor recursion. Which jobs come before a job, however far, is found by doubling.
"""

from __future__ import annotations

from batchtab.constructs.batchtab.faults import fault, text
from batchtab.constructs.batchtab.rules import FULL_NAME, of

_STEPS = 4  # of circles whose jobs are named one by one
_DOUBLINGS = 6  # so that two to this power jobs may follow each other


def locals_of_chains() -> dict[str, str]:
    """The jobs before each job, and the faults."""
    names = f"[for a in concat({of('after', 's.job')}, {of('after_all', 's.job')}) : {FULL_NAME}]"
    found = {"before_0": f"{{ for s in local.jobs_timed : s.full => {names}... }}"}
    found["before_0"] = f"{{ for k, v in {found['before_0']} : k => distinct(flatten(v)) }}"
    for step in range(_DOUBLINGS):
        last = f"local.before_{step}"
        found[f"before_{step + 1}"] = (
            f"{{ for k, v in {last} : k => distinct(concat(v, flatten([for b in v : try({last}[b], [])]))) }}"
        )
    found["circles"] = f"concat({', '.join(_circles(number) for number in range(1, _STEPS + 1))})"
    field = f'${{length({of("after_all", "s.job")}) > 0 ? "after_all" : "after"}}'
    longer = fault(field, text("goes in a circle"))
    found["rules_of_chains"] = (
        "concat([for c in local.circles : [for s in local.jobs_timed :"
        f" {fault(field, _text())} if s.full == c[0]]],"
        f" [for s in local.jobs_timed : {longer} if contains(local.before_{_DOUBLINGS}[s.full], s.full) &&"
        " !contains(flatten(local.circles), s.full)])"
    )
    return found


def _circles(number: int) -> str:
    """Circles of this many jobs as lists of names, in the order in which they run; the first by name comes last."""
    names = [f"j{index}" for index in range(number)]
    loops = "[for j0, b0 in local.before_0 : "
    for index in range(1, number):
        loops += f"[for j{index} in b{index - 1} : [for b{index} in [try(local.before_0[j{index}], [])] : "
    circle = f"[{', '.join(reversed(names))}]"
    last = f"b{number - 1}"
    listed = f"[{', '.join(names)}]"
    first = f"contains({last}, j0) && sort({listed})[0] == j0 && length(distinct({listed})) == {number}"
    inner = f'join(" ", {circle})'
    body = f"[for z in [0] : {inner} if {first}]"
    closed = loops + body + "]" + "]]" * (number - 1)
    return f'[for c in flatten({closed}) : split(" ", c)]'


def _text() -> str:
    """The steps of a circle; jobs of other services with their service."""
    name = '[for o in local.jobs_timed : o.service == s.service ? o.name : "${o.service}/${o.name}" if o.full == n][0]'
    return f'"goes in a circle: ${{join(" → ", [for n in concat(c, [c[0]]) : {name}])}}"'
