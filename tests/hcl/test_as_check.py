"""What `batchtab check` refuses of a job's fields together, the module `scheduled_job` refuses too."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import pytest
import yaml
from pydantic import ValidationError

from batchtab.declarations import container_rules, job_rules
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.table import written

REFUSALS = yaml.safe_load((Path(__file__).parent / "scheduled_job" / "refusals.yaml").read_text(encoding="utf-8"))
FIELDS = {written(name, field) for name, field in JobArguments.model_fields.items()}
#: What the module leaves to others, by the function of check and why.
LEFT = {
    "share_faults": "a job's inputs do not say whether its queue has a scheduling policy",
    "framework_faults": "the input's description says which provider does not send it",
    "_circle": "Terraform has no recursion; ECS refuses the definition",
    "_long_window": "Terraform cannot count a schedule's times",
    "_never": "Terraform cannot count a schedule's times; days of no month are refused",
}


class Refusal(NamedTuple):
    """A place in the code of check that says what is wrong."""

    file: str
    line: int
    function: str


def refusals(module: ModuleType) -> Iterator[Refusal]:
    """The places of a module of check."""
    file = inspect.getfile(module)
    for function in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                # A fault is a tuple; what else is yielded is no fault.
                if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 4:
                    yield Refusal(file, node.lineno, function.name)


def lines_of(call: Callable[[], object]) -> set[tuple[str, int]]:
    """The lines that a call runs."""
    run: set[tuple[str, int]] = set()

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        run.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return run


def refused_jobs() -> Iterator[JobArguments]:
    """The jobs that the module refuses for what does not go together, as far as check reads them."""
    wrong = [case["inputs"] for case in REFUSALS["together"]]
    wrong += [{case["input"]: case["value"]} for case in REFUSALS["refused"]]
    for case in wrong:
        inputs = {name: value for name, value in {**REFUSALS["given"], **case}.items() if name in FIELDS}
        try:
            yield JobArguments.model_validate(inputs)
        except ValidationError:  # a value by itself, such as a schedule that is none
            continue


FOUND = sorted({each for module in (job_rules, container_rules) for each in refusals(module)})


def test_what_is_left_to_others_is_there() -> None:
    assert {each.function for each in FOUND} > set(LEFT)


@pytest.fixture(scope="module")
def run() -> set[tuple[str, int]]:
    """The lines of check that the module's refusals run."""
    jobs = list(refused_jobs())

    def check() -> None:
        for job in jobs:
            list(job_rules.faults(job))
            list(job_rules.capacity_faults(job, job.capacity))

    return lines_of(check)


@pytest.mark.parametrize(
    "refusal",
    [each for each in FOUND if each.function not in LEFT],
    ids=lambda each: f"{Path(each.file).stem}-{each.function}-{each.line}",
)
def test_the_module_refuses_what_check_refuses(refusal: Refusal, run: set[tuple[str, int]]) -> None:
    # GIVEN a refusal of check THEN it is one of a case that test_modules.py shows Terraform to refuse
    assert (refusal.file, refusal.line) in run, "scheduled_job/refusals.yaml has no such case"
