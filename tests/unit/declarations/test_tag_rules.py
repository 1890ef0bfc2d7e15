"""Tags that AWS refuses, alone or with those of the stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from batchtab.declarations import catalog, tag_rules
from batchtab.errors import UsageError
from batchtab.local_aws import tag_rules as local_rules

ALLOWED = "allowed are letters, digits, spaces and _ . : / = + - @"


def faults(project: Path, tags: dict[str, str], defaults: dict[str, str] | None = None) -> list[str]:
    """The faults of a job with these tags in the stage on AWS, from its name on."""
    path = project / "jobs" / "tagged" / "jobs.yaml"
    path.parent.mkdir(exist_ok=True)
    content = {
        "service": "tagged",
        "defaults": {"tags": defaults or {}},
        "jobs": {"j": {"command": ["x"], "tags": tags}},
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    try:
        catalog.load("example", project)
    except UsageError as error:
        return [line.split(": ", 1)[1] for line in str(error).splitlines()]
    return []


@pytest.mark.parametrize(
    ("value", "refused"),
    [("Doe, Jane", "','"), ("a (b) #1", "'#', '(', ')'"), ("🚀", "'🚀'"), ("bot[x]", "'[', ']'"), ("*", "'*'")],
)
def test_a_value_with_a_character_that_iam_refuses_is_refused(project: Path, value: str, refused: str) -> None:
    assert faults(project, {"owner": value}) == [f"job j: tags.owner: '{value}' has {refused}: {ALLOWED}"]


def test_a_key_has_the_same_alphabet(project: Path) -> None:
    assert faults(project, {"a,b": "x"}) == [f"job j: tags.a,b: has ',' in its name: {ALLOWED}"]


@pytest.mark.parametrize("value", ["a@example.com", "가나다", "Zoë 1_2.3:4/5=6+7-8", ""])
def test_letters_of_all_languages_and_few_signs_are_allowed(project: Path, value: str) -> None:
    assert faults(project, {"owner": value}) == []


def test_two_keys_that_differ_in_case_are_refused(project: Path) -> None:
    # GIVEN twins within a job, with its defaults, and with the stage, which has the tag `team`
    hint = "in case only, which IAM refuses [hint: write {}]"
    assert faults(project, {"Owner": "a", "owner": "b"}) == [
        f"job j: tags.owner: differs from the tag Owner {hint.format('Owner')}"
    ]
    assert faults(project, {"Owner": "a"}, {"owner": "b"}) == [
        f"job j: tags.Owner: differs from the tag owner {hint.format('owner')}"
    ]
    assert faults(project, {"Team": "a"}) == [
        f"job j: tags.Team: differs from the tag team of stage example {hint.format('team')}"
    ]


def test_a_tag_of_the_stage_may_have_another_value_in_a_job(project: Path) -> None:
    assert faults(project, {"team": "another"}) == []


def test_with_those_of_the_stage_and_of_batchtab_there_are_at_most_50(project: Path) -> None:
    # GIVEN a stage with two tags of its own
    assert faults(project, {f"t{n}": "x" for n in range(46)}) == []
    assert faults(project, {f"t{n}": "x" for n in range(47)}) == [
        "job j: tags: are 47, 51 with those of stage example and Batchtab's own: at most 50"
    ]


def test_a_stages_tags_follow_the_same_rules(project: Path, spoil: Callable[[str, str, str], None]) -> None:
    spoil("config/example.yaml", "tags: {team: platform,", 'tags: {team: "a, b", Team: x,')
    with pytest.raises(UsageError) as error:
        catalog.load("example", project)
    assert [line.split(": ", 1)[1] for line in str(error.value).splitlines()] == [
        f"tags.team: 'a, b' has ',': {ALLOWED}",
        "tags.Team: differs from the tag team in case only, which IAM refuses [hint: write team]",
    ]


@pytest.mark.parametrize("text", ["a", "a b", "é", "1", "_.:/=+-@", "\u3000", *"\n,#()[]{}$%&*?!'\"<>|\\^~`;", "🚀"])
def test_local_aws_judges_the_same(text: str) -> None:
    assert bool(tag_rules.refused(text)) == bool(local_rules.fault({"key": text}))
