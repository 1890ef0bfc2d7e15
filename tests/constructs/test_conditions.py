"""Conditions of several, and what follows from them for a module's inputs."""

from __future__ import annotations

from typing import Any

import pytest

from batchtab.constructs._terraform.expressions import Expression, all_of, any_of
from batchtab.constructs._terraform.unknowns import Need, Needs, needs, sentences

A, B, C = (Expression.of(f"var.{name}") for name in "abc")


def test_what_is_known_is_decided_now() -> None:
    assert any_of() is any_of(False, False) is all_of(True, False) is False
    assert all_of() is all_of(True, True) is any_of(A, True) is True
    assert any_of(False, A) == all_of(True, A) == A


def test_terraform_reads_the_rest_in_one_call() -> None:
    # `||` and `&&` are unknown where one side is, before Terraform 1.12
    assert any_of(A, any_of(B, all_of(C, all_of(A, B)))) == "${anytrue([var.a, var.b, alltrue([var.c, var.a, var.b])])}"


@pytest.mark.parametrize(
    ("type_", "decision", "sentence"),
    [
        ("string", "${var.x ? 1 : 0}", "Must be known when Terraform plans."),
        ("list(any)", "${toset(var.x)}", "Must be known when Terraform plans."),
        ("string", "${var.x != null ? 1 : 0}", "Whether it is given must be known when Terraform plans."),
        ("string", '${alltrue([var.x != null, var.x == "a"]) ? 1 : 0}', "Must be known when Terraform plans."),
        ("list(any)", "${length(var.x) > 0 ? 1 : 0}", "How many there are must be known when Terraform plans."),
        ("string", "${local.indirect ? 1 : 0}", "Whether it is given must be known when Terraform plans."),
        ("map(any)", "${var.x}", "Its names must be known when Terraform plans; its values need not be."),
        (
            "map(any)",
            "${{ for name, each in var.x : name => each.member if var.y }}",
            "Its names must be known when Terraform plans; its values need not be.",
        ),
        (
            "map(any)",
            "${{ for name, each in var.x : name => each if each.member != null }}",
            "Its names, and of each whether `member` is given, must be known when Terraform plans.",
        ),
        (
            "map(any)",
            "${anytrue([for each in values(var.x) : anytrue([each.a, length(each.b.c) > 0])]) ? 1 : 0}",
            "Its names, and of each `a` and how many `b.c` there are, must be known when Terraform plans.",
        ),
        (
            "object({})",
            "${length(var.x.member) > 0 ? 1 : 0}",
            "How many `member` there are must be known when Terraform plans.",
        ),
        (
            "list(string)",
            "${{ for index, arn in var.x : tostring(index) => arn }}",
            "How many there are must be known when Terraform plans.",
        ),
        (
            "list(any)",
            "${{ for index, each in var.x : tostring(index) => each if each.member }}",
            "How many there are, and of each `member`, must be known when Terraform plans.",
        ),
    ],
)
def test_a_variable_says_what_must_be_known(type_: str, decision: str, sentence: str) -> None:
    for kind in ("count", "for_each"):
        content: dict[str, Any] = {
            "locals": {"indirect": "${local.further}", "further": "${var.x == null}", "other": "${var.z}"},
            "variable": {"x": {"type": type_}},
            "resource": {"a": {"b": {kind: decision, "dynamic": {"c": {"for_each": "${var.z}"}}}}},
        }
        said = sentences(needs(content, nothing_called))
        assert said["x"] == sentence
        assert "z" not in said


def test_what_a_called_module_must_know_is_asked_of_what_is_handed_on() -> None:
    # GIVEN a module that calls another one with its own inputs, a part of one, and what it makes itself
    content = {
        "variable": {name: {"type": "any"} for name in ("names", "all", "many", "other")},
        "module": {
            "one": {
                "source": "../called",
                "a": "${var.names}",
                "b": "${try(var.all.quiet, null)}",
                "c": "${module.other.arn}",
                "d": "${var.other}",
            },
            "many": {"source": "../called", "for_each": "${toset(var.many)}"},
        },
    }

    def called(name: str) -> Needs:
        assert name == "called"
        return {"a": {Need("names")}, "b": {Need("given")}, "c": {Need("value")}}

    # THEN what is handed on as it is must be known as there, and a part makes all of it necessary
    assert needs(content, called) == {"names": {Need("names")}, "all": {Need("value")}, "many": {Need("value")}}


def nothing_called(_: str) -> Needs:
    return {}
