"""A plain field is cheap: declared once, it is a variable, a typed argument and a line of the reference."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
from pydantic import Field, Strict, ValidationError, create_model
from tools import reference_pages, typed_arguments

from batchtab.constructs._terraform.derived import variables
from batchtab.constructs._terraform.expressions import is_expression
from batchtab.declarations.arguments import checked
from batchtab.declarations.fields import Limit, problems_of
from batchtab.declarations.job import JobSpec
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.yaml_file import Document
from batchtab.limits import Range

PAGE = "https://docs.aws.amazon.com/batch/latest/APIReference/API_Scratch.html"
NAME = "scratch_seconds"
#: One line of a table, as a field of a job has it.
DECLARED: Any = (
    Annotated[int, Strict(), Limit(Range(10, 20, "seconds", PAGE))],
    Field(default=15, description="How long it scratches."),
)
Spec = create_model("JobSpec", __base__=JobSpec, **{NAME: DECLARED})
Arguments = create_model("JobArguments", __base__=JobArguments, **{NAME: DECLARED})
TOO_LONG = f"{NAME}: 21 is too long: 10 to 20 (seconds)"


def test_it_is_a_variable_of_the_module() -> None:
    # GIVEN a table with one more field WHEN the module's variables are made of it
    (variable,) = (each for each in variables(Arguments) if each.name == NAME)
    # THEN there is one more, with type, default, description and validation
    assert (variable.type, variable.default, variable.nullable) == ("number", 15, False)
    assert variable.text == "How long it scratches. 10 to 20 (seconds)."
    (validation,) = variable.validations
    assert f"var.{NAME} >= 10 && var.{NAME} <= 20" in validation.condition


def test_it_is_a_typed_argument_of_the_construct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_arguments, "JobArguments", Arguments)
    # WHEN the typed arguments are written
    written = typed_arguments.formatted(typed_arguments.job_arguments())
    # THEN the new one is all that differs
    more = f'    {NAME}: NotRequired[int | Expression]\n    """How long it scratches. See {PAGE}."""\n'
    assert more in written
    assert written.replace(more, "") == typed_arguments.JOB.read_text(encoding="utf-8")


def test_it_is_a_line_of_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_pages, "JobSpec", Spec)
    # WHEN the page is written THEN it has a line
    (line,) = re.findall(rf"^\| `{NAME}` .*$", reference_pages.jobs(), re.MULTILINE)
    assert line == (
        f"| `{NAME}` | whole number, seconds | `15` | 10 to 20 | one job | How long it scratches. [AWS]({PAGE}) |"
    )


def test_it_is_a_property_of_the_json_schema() -> None:
    found = Spec.model_json_schema()["properties"][NAME]
    assert found.items() >= {"type": "integer", "default": 15, "minimum": 10, "maximum": 20}.items()


def test_it_is_refused_in_the_same_words_at_all_doors() -> None:
    # GIVEN a value that is not allowed
    # WHEN a file says it
    with pytest.raises(ValidationError) as refused:
        Spec.model_validate({"command": ["x"], NAME: 21})
    (in_yaml,) = (str(problem) for _, problem in problems_of(refused.value, Spec, Document("")))
    # AND Python
    given = {"name": "a", "namespace": None, "image": "a:1", "command": ["x"], "job_queue_arn": "${var.q}", NAME: 21}
    (in_python,) = map(str, checked(Arguments, given, is_expression, lambda *_: ())[1])
    # AND Terraform, which puts the value in when it plans
    (variable,) = (each for each in variables(Arguments) if each.name == NAME)
    (validation,) = variable.validations
    in_hcl = validation.error_message.replace(f"${{var.{NAME}}}", "21")
    in_hcl = re.sub(r"\$\{[^}]*\"((?:too )?long)\"\}", r"\1", in_hcl)
    # THEN all say the same
    assert in_yaml == in_python == TOO_LONG
    assert in_hcl == f"{TOO_LONG}."
