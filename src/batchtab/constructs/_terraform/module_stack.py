"""A construct as a Terraform module: typed inputs, described outputs, and the files that are committed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform import unknowns
from batchtab.constructs._terraform.expressions import Condition, Expression, Nullable, hcl
from batchtab.constructs._terraform.framework import (
    App,
    TerraformOutput,
    TerraformStack,
    TerraformVariable,
    TerraformVariableValidationConfig,
    Testing,
    Token,
)
from batchtab.constructs._terraform.layout import lay_out
from batchtab.constructs._terraform.scalars import allowed

#: Which versions the modules are made for, the oldest alone: the root that calls them says which is too new for it.
TERRAFORM_CONSTRAINT = ">= 1.6"
PROVIDER_CONSTRAINT = ">= 5.100"

#: The default of a variable that must be given.
REQUIRED = object()


@dataclass(frozen=True)
class Validation:
    """A condition that an input must meet, what is said otherwise, and what is allowed, for the description."""

    condition: str
    error_message: str
    allowed: str = ""


@dataclass(frozen=True)
class Variable:
    """An input of a module.

    Without a default it must be given; null has a meaning where the default is None or `nullable` says so.
    """

    name: str
    type: str
    description: str
    default: Any = REQUIRED
    validations: Sequence[Validation] = field(default=())
    nullable: bool = False

    def __post_init__(self) -> None:
        if self.default is None:
            object.__setattr__(self, "nullable", True)

    @property
    def text(self) -> str:
        """The description, with what is allowed."""
        sentences = [self.description]
        for rule in self.validations:
            if rule.allowed and rule.allowed.removeprefix("one of ").lower() not in self.description.lower():
                sentences.append(f"{rule.allowed[0].upper()}{rule.allowed[1:]}.")
        return " ".join(dict.fromkeys(sentences))

    @property
    def required(self) -> bool:
        """Whether the caller must give it."""
        return self.default is REQUIRED


class ModuleStack(TerraformStack):
    """A stack whose synthesis is a module: no provider, no backend, no metadata."""

    def __init__(self, name: str, *, lays_out: bool = True) -> None:
        """Begins a module; one whose locals are named already is not laid out again."""
        self._lays_out = lays_out
        self._moved: list[dict[str, str]] = []
        self._outdir = TemporaryDirectory()  # cdktf makes its output folder at once; nothing is written there
        super().__init__(App(outdir=self._outdir.name), name)

    def variable(self, variable: Variable, *, given: Expression | None = None, made: Condition = False) -> Expression:
        """Declares an input and returns the expression to hand to a construct.

        Args:
            variable: The input.
            given: For an optional one whose value may be unknown at plan time: whether it was given.
            made: For the same: whether what it names is made in any case.
        """
        options: dict[str, Any] = {}
        if not variable.required:
            default = variable.default
            options["default"] = Token.null_value() if default is None else _plain(default)
        TerraformVariable(
            self,
            variable.name,
            type=variable.type,
            description=variable.text,
            nullable=variable.nullable,
            validation=[
                TerraformVariableValidationConfig(
                    condition=Expression.of(rule.condition), error_message=rule.error_message
                )
                for rule in variable.validations
            ]
            or None,
            **options,
        )
        if variable.nullable:
            return Nullable.input(variable.name, given, made)
        return Expression.of(f"var.{variable.name}")

    def output(self, name: str, value: Any, description: str) -> None:
        """Declares an output."""
        # An input may have the same name, and cdktf has one set of ids for both.
        output = TerraformOutput(self, f"output_{name}", value=value, description=description)
        output.override_logical_id(name)

    def warn(self, name: str, rules: Mapping[str, str]) -> None:
        """Lets Terraform warn of what is allowed and mostly not meant: a `check` block, which stops nothing.

        See https://developer.hashicorp.com/terraform/language/checks

        Args:
            name: The check's.
            rules: What is said where a condition is not met, by its expression.
        """
        found = [{"condition": Expression.of(condition), "error_message": text} for condition, text in rules.items()]
        self.add_override(f"check.{name}.assert", found)

    def moved(self, old: str, new: str) -> None:
        """Lets what callers have at an old address stay what it is: an address is API.

        Args:
            old: The address in earlier releases, such as `aws_iam_role.role`.
            new: Where it is now.
        """
        self._moved.append({"from": old, "to": new})
        self.add_override("moved", self._moved)

    def _content(self) -> dict[str, Any]:
        whole = json.loads(Testing.synth(self))
        content = {key: _without_metadata(value) for key, value in whole.items() if key not in {"//", "terraform"}}
        content.pop("provider", None)
        return content

    @classmethod
    def _needs(cls, content: dict[str, Any]) -> unknowns.Needs:
        def called(name: str) -> unknowns.Needs:
            module = importlib.import_module(f"batchtab.constructs.{name}.module")
            return cls._needs(module.module()._content())

        return unknowns.needs(content, called)

    def files(self, *, laid_out: bool = True) -> dict[str, dict[str, Any]]:
        """The module's files by name: the text of each, for `export` to write.

        Args:
            laid_out: For readers, as it is committed; else the constructs' own expressions.
        """
        content = self._content()
        for name, sentence in unknowns.sentences(self._needs(content)).items():
            content["variable"][name]["description"] += f" {sentence}"
        main = {key: value for key, value in content.items() if key not in {"variable", "output"}}
        variables = content.get("variable", {})
        outputs = content.get("output", {})
        if laid_out and self._lays_out:
            main, outputs = lay_out(main, variables, outputs)
        return {
            "main.tf.json": main,
            "variables.tf.json": {"variable": variables},
            "outputs.tf.json": {"output": outputs},
            "versions.tf.json": {
                "terraform": {
                    "required_providers": {"aws": {"source": "hashicorp/aws", "version": PROVIDER_CONSTRAINT}},
                    "required_version": TERRAFORM_CONSTRAINT,
                }
            },
        }


def _plain(value: Any) -> Any:
    """A default without Python's read-only mappings and tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _without_metadata(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_metadata(item) for key, item in value.items() if key != "//"}
    return [_without_metadata(item) for item in value] if isinstance(value, list) else value


# --- validations from the limits that jobs.yaml is checked against


def _unless_null(name: str, condition: str, *, nullable: bool) -> str:
    return f"var.{name} == null ? true : {condition}" if nullable else condition


def _shown(name: str, *, nullable: bool) -> str:
    """The value in a message, which Terraform writes even where the condition is true, with a warning at a null."""
    return f'${{var.{name} == null ? "null" : var.{name}}}' if nullable else f"${{var.{name}}}"


def matching(name: str, limit: limits.Text, *, nullable: bool = False) -> Validation:
    """A text of an alphabet and a length."""
    condition = f"can(regex({hcl(limit.pattern)}, var.{name})) && length(var.{name}) <= {limit.maximum}"
    return Validation(
        _unless_null(name, f"({condition})", nullable=nullable),
        f"{name}: '{_shown(name, nullable=nullable)}' is not allowed: {limit.describe()}.",
        "" if "ARN" in limit.meaning else allowed(limit),  # the input's name says so
    )


def requires(condition: Condition | str, error_message: str) -> Validation:
    """Any other condition."""
    return Validation(condition.text if isinstance(condition, Expression) else str(condition), error_message)
