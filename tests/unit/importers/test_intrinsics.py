"""The values of CloudFormation's functions, and their bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchtab.errors import UsageError
from batchtab.importers.intrinsics import stacks
from batchtab.importers.intrinsics.shown import names_of
from batchtab.importers.intrinsics.unresolved import NoValue, names_in
from batchtab.importers.intrinsics.values import Values, function_of
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, line_of

TEMPLATE = """
Parameters:
  Env: {Type: String, Default: prod}
  Stored: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /name}
  Name: {Type: 'AWS::SSM::Parameter::Name', Default: /name}
  Hidden: {Type: String, NoEcho: true, Default: x}
Mappings: {Accounts: {123456789012: {ids: [a, b]}}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsOpen: !Equals [!Ref Stored, a]
  IsList: !Equals [[a], [b]]
Resources:
  Logs: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: /jobs}}
  Maybe: {Type: 'AWS::S3::Bucket', Properties: {BucketName: !If [IsProd, !Ref 'AWS::NoValue', name]}}
  Role: {Type: 'AWS::IAM::Role', Properties: {RoleName: r, Path: /team/}}
Value: %s
"""


def values_of(text: str) -> tuple[Values, Any]:
    file = SourceFile(Path("t.yaml"), text)
    (document,) = file.documents()
    values = Values(stacks.alone(file, document, Options(account="123456789012", region="eu-west-1")))
    return values, values.of(document.get("Value"), values.stacks.templates[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!FindInMap [Accounts, !Ref 'AWS::AccountId', ids]", ["a", "b"]),
        ("!GetAtt Logs.Arn", "arn:aws:logs:eu-west-1:123456789012:log-group:/jobs:*"),
        ("!GetAtt [Role, Arn]", "arn:aws:iam::123456789012:role/team/r"),
        ("!Ref Name", "/name"),
        ("[!If [IsProd, !Ref 'AWS::NoValue', a], b]", ["b"]),
        ("!Ref AWS::NoValue", NoValue),
        ("!Or [!Condition IsOpen, !Condition IsProd]", True),
        ("!And [!Condition IsOpen, !Not [!Condition IsProd]]", False),
        ("!Join ['', [!Ref Env, '-', 1]]", "prod-1"),
        ("{Condition: {StringEquals: {a: b}}}", {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)
def test_a_value_that_the_template_says(text: str, expected: object) -> None:
    _, found = values_of(TEMPLATE % text)
    assert found == expected
    assert not names_in(found)


@pytest.mark.parametrize(
    ("text", "shown", "names"),
    [
        ("!Ref Stored", "${Stored}", ("Stored",)),
        ("!Ref Hidden", "${Hidden}", ("Hidden",)),
        ("!Ref Maybe", "${Maybe}", ("Maybe",)),
        ("!Ref AWS::StackName", "${AWS::StackName}", ("AWS::StackName",)),
        ("!Sub 'a-${Stored}-${!own}'", "a-${Stored}-${own}", ("Stored",)),
        ("!Sub ['${x}', {x: [a]}]", "${x}", ("x",)),
        ("!If [IsOpen, a, b]", "${If IsOpen}", ("If IsOpen",)),
        ("!If [IsList, a, b]", "${If IsList}", ("If IsList",)),
        ("!And [!Condition IsOpen, !Condition IsProd]", "${And}", ("And",)),
        ("!ImportValue {Ref: Env}", "${ImportValue prod}", ("ImportValue prod",)),
        ("!Select [-1, [a]]", "${Select}", ("Select",)),
        ("!FindInMap [Accounts, a, ids]", "${FindInMap}", ("FindInMap",)),
        ("!Base64 'PASSWORD=hunter2hunter2'", "${Base64}", ("Base64",)),
        ("!GetAZs ''", "${GetAZs}", ("GetAZs",)),
    ],
)
def test_a_value_that_the_template_does_not_say(text: str, shown: str, names: tuple[str, ...]) -> None:
    _, found = values_of(TEMPLATE % text)
    assert (found, names_in(found)) == (shown, names)


def test_a_mapping_keeps_its_lines_also_in_a_copy() -> None:
    _, found = values_of("Resources: {}\nValue:\n  a: 1\n  b: !Sub x\n")
    assert [line_of(each, "b") for each in (found, found.copy())] == [4, 4]


def test_a_text_or_a_chain_of_conditions_does_not_grow_without_end() -> None:
    # GIVEN a text that doubles at each of 35 levels THEN it is not known
    text = "a" * 100
    for _ in range(35):
        text = f"!Sub ['${{x}}${{x}}', {{x: {text}}}]"
    _, found = values_of(f"Resources: {{}}\nValue: {text}\n")
    assert names_in(found)
    # AND conditions that each need the one before twice are computed once
    chain = "".join(f"  C{n}: !And [!Condition C{n - 1}, !Condition C{n - 1}]\n" for n in range(1, 13))
    _, found = values_of(f"Conditions:\n  C0: !Equals [a, a]\n{chain}Value: !If [C12, yes, no]\n")
    assert found == "yes"
    # AND one that needs itself is refused
    with pytest.raises(UsageError, match="refers to itself"):
        values_of("Conditions: {A: !Not [!Condition A]}\nValue: !If [A, b, c]\n")


def test_a_name_computed_once_still_has_the_function_that_asked_as_its_source() -> None:
    text = """
Conditions: {No: !Equals [a, b]}
Resources: {R: {Type: 'AWS::IAM::Role', Properties: {RoleName: !Sub '${AWS::StackName}-role'}}}
Value:
  - !Ref R
  - !GetAtt R.Arn
  - !If [No, a, !Ref R]
  - !Sub '${R.Arn}'
  - !Sub '${R}!'
"""
    _, found = values_of(text)
    sources = [each.source for each in found]
    attribute = ("Fn::GetAtt", ["R", "Arn"])
    assert sources == [("Ref", "R"), attribute, ("Ref", "R"), attribute, ("Fn::Sub", "${R}!")]


def test_growth_is_counted_for_each_value_and_named() -> None:
    # GIVEN one value of many parts THEN another one begins anew
    values, _ = values_of("Resources: {}\n")
    (template,) = values.stacks.templates
    for _ in range(3):
        assert len(values.of([0] * 200_000, template)) == 200_000
    # AND outputs of which each is the one before twice are refused by that name
    chain = "".join(
        f"  O{n}: {{Export: {{Name: o{n}}}, Value: [!ImportValue o{n - 1}, !ImportValue o{n - 1}]}}\n"
        for n in range(1, 25)
    )
    with pytest.raises(UsageError, match="grows to more than 500,000 values"):
        values_of(
            f"Resources: {{}}\nOutputs:\n  O0: {{Export: {{Name: o0}}, Value: a}}\n{chain}Value: !ImportValue o24\n"
        )


def test_conditions_of_two_templates_with_one_name_are_not_mixed_up() -> None:
    files = [SourceFile(Path(f"{folder}/t.yaml"), "") for folder in "ab"]
    documents = [{"Conditions": {"C": {"Fn::Equals": ["a", folder]}}} for folder in "ab"]
    templates = [stacks.Template(*each, stack="t") for each in zip(files, documents, strict=True)]
    values = Values(stacks.Stacks(templates))
    assert [values.is_true("C", each) for each in templates] == [True, False]


@pytest.mark.parametrize("text", ["!Select [.inf, [a]]", "!Select [1e400, [a]]", "!Select [.nan, [a]]"])
def test_an_index_without_an_end_is_no_index(text: str) -> None:
    assert names_in(values_of(f"Resources: {{}}\nValue: {text}\n")[1]) == ("Select",)


def test_a_logical_id_may_be_a_number() -> None:
    text = "Resources: {1: {Type: 'AWS::S3::Bucket', Properties: {BucketName: b}}}\nValue: !Ref 1\n"
    assert values_of(text)[1] == "b"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("!If [IsOpen, hunter2hunter2, !Ref Other]", ["IsOpen", "Other"]),
        ("!Sub ['${a}-${b}-${Queue.Arn}', {a: hunter2hunter2, b: !GetAtt A.B}]", ["Queue.Arn", "A.B"]),
        ("!Base64 'postgres://admin:hunter2hunter2@db'", []),
        ("!Join [hunter2hunter2, [!Sub '${!hunter2hunter2}${X}', !Condition C]]", ["X", "C"]),
        ("!Ref 'no name'", []),
    ],
)
def test_only_what_a_function_refers_to_is_shown_of_it(text: str, names: list[str]) -> None:
    (document,) = SourceFile(Path("t.yaml"), f"Value: {text}\n").documents()
    assert names_of(*function_of(document["Value"])) == names
