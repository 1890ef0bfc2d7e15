from __future__ import annotations

import pytest

from batchtab.declarations.diagnostics import Diagnostic, Diagnostics, dotted, show
from batchtab.errors import did_you_mean


def test_a_problem_reads_as_file_line_where_field_value_allowed_hint() -> None:
    problem = Diagnostic("jobs/a/jobs.yaml", 12, "job b", "timeout_seconds", 59, "is too short: 60 or more", "think")

    assert str(problem) == "jobs/a/jobs.yaml:12: job b: timeout_seconds: 59 is too short: 60 or more [hint: think]"


def test_what_is_not_known_leaves_no_trace_in_the_line() -> None:
    assert str(Diagnostic("config/x.yaml", None, "", "", None, "is empty")) == "config/x.yaml: is empty"


@pytest.mark.parametrize("nasty", ["a\nb", "a\x1b[31mb", "a\u2028b", "a\rb"])
def test_a_value_can_neither_break_the_line_nor_paint_the_terminal(nasty: str) -> None:
    line = str(Diagnostic("f", 1, nasty, nasty, nasty, "is wrong"))

    assert len(line.splitlines()) == 1
    assert line.isprintable()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "'a'"),
        (3.0, "3"),
        (0.25, "0.25"),
        (True, "true"),
        ([1, "a"], '[1, "a"]'),
        ("x" * 100, "'" + "x" * 78 + "…"),
    ],
)
def test_values_are_shown_as_people_write_them(value: object, shown: str) -> None:
    assert show(value) == shown


def test_problems_are_sorted_and_told_once() -> None:
    late, early = Diagnostic("b", 1, "", "", None, "x"), Diagnostic("a", 10, "", "", [1], "x")
    problems = Diagnostics([late, early, late, Diagnostic("a", 9, "", "", None, "x")])

    assert str(problems).splitlines() == ["a:9: x", "a:10: [1] x", "b:1: x"]
    assert problems.exit_code == 2


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("timeout", "timeout_seconds"), ("memory", "memory_mib"), ("memoryMib", "memory_mib"), ("Command", "command"),
     ("jobRoleArn", "job_role_arn"), ("read-only-root-filesystem", "read_only_root_filesystem"), ("comand", "command"),
     ("commnad", "command"), ("tga", "tag"), ("vcpu", "vcpus"), ("timout_secnds", "timeout_seconds")],
)  # fmt: skip
def test_a_slip_or_the_first_words_lead_to_a_name(wrong: str, meant: str) -> None:
    known = ["command", "timeout_seconds", "memory_mib", "tag", "job_role_arn", "read_only_root_filesystem", "vcpus"]

    assert did_you_mean(wrong, known) == f"did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("wrong", "known"),
    [("zzz", "command"), ("timeout", "command"), ("gpus", "vcpus"), ("enabled", "end"), ("ulimits", "queue_limit"),
     ("tmpfs", "attempts"), ("sidecars", "secrets"), ("b", "a"), ("ab", "ax"), ("seconds", "timeout_seconds")],
)  # fmt: skip
def test_what_is_only_a_little_alike_is_no_hint(wrong: str, known: str) -> None:
    assert did_you_mean(wrong, [known]) == ""


def test_the_first_words_of_two_names_are_no_hint() -> None:
    assert did_you_mean("job", ["job_role_arn", "job_queue_arn"]) == ""


def test_a_path_is_written_with_dots_and_brackets() -> None:
    assert dotted(("evaluate_on_exit", 1, "action")) == "evaluate_on_exit[1].action"
