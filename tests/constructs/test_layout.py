"""Modules are laid out for readers: what is long has a name, a document a member a line, a change is a few lines."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.constructs.template import committed_module

from batchtab.constructs._terraform import export, layout
from batchtab.constructs._terraform.layout import lay_out
from batchtab.constructs._terraform.syntax import parse, parse_template, template_text
from batchtab.constructs._terraform.total import Totals

#: `batchtab` is not laid out: it would be three megabytes, and changes with the loader's rules.
NAMES = [name for name in export.names() if name != "batchtab"]
LONGEST_LINE = 200
#: Lines that may be longer, how long, and why.
LONGER = [
    (r'"error_message": ', 400, "a sentence for people has no names to give"),
    (
        r"local\.crontab\b|local\.crontab_",
        900,
        "crontab's days of the week are counted in one expression that may fail",
    ),
    (r"\bfor \w+(, \w+)? in .*\bfor \w+(, \w+)? in ", 320, "a loop in a loop"),
    (r"\bfor \w+, \w+ in var\.\w+ : ", 240, "a condition that a loop has beside its result"),
    (r'^ +"\^\(\?:', 800, "a pattern of one field of a schedule"),
    (r"\bwrong_(schedules|exceptions)\b|cron_patterns", 1100, "each field of a schedule has a pattern"),
    (r"local\.cron_fields\[5\]", 420, "whether a day ever comes depends on each of the years"),
    (r'"upstream_prefix": ', 210, "an ARN of each job in a list"),
    (r'"policy": .*elasticfilesystem', 720, "a permission of each volume is in the one list of permissions"),
    (r"plantimestamp\(\)", 300, "a moment that may be null is compared where it is"),
    (r'_owner_id": ', 210, "GitHub's subject, whose parts may be null"),
]
VARIABLES = {
    "name": {"type": "string", "nullable": False},
    "key": {"type": "string", "nullable": True},
    "log": {"type": 'object({ driver = optional(string, "awslogs"), pattern = optional(string) })', "nullable": False},
    "mounts": {"type": "list(object({ path = string, size = optional(number, 1) }))", "nullable": False},
}


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def text(content: Any) -> list[str]:
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False).splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_longer_than_a_reader_takes(name: str) -> None:
    for file in ("main.tf.json", "outputs.tf.json"):
        for line in (export.MODULES / name / file).read_text(encoding="utf-8").splitlines():
            allowed = max([LONGEST_LINE, *(most for pattern, most, _ in LONGER if re.search(pattern, line))])
            assert len(line) <= allowed, f"{file}: {line.strip()[:300]}"


@pytest.mark.parametrize("name", NAMES)
def test_each_local_is_used(name: str) -> None:
    content = committed_module(name)
    used = set(re.findall(r"local\.(\w+)", content.text()))
    assert set(content.content.get("locals", {})) - used == set()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_written_as_it_was(name: str) -> None:
    # GIVEN every string of a module, in its constructs' words and as it is committed
    both = [export.load(name).files(laid_out=False), committed_module(name).content]
    for string in strings(both):
        # WHEN it is read and written again THEN it is the same, but for spaces
        assert re.sub(r"\s", "", template_text(parse_template(string))) == re.sub(r"\s", "", string)


def test_names_for_readers_are_those_of_expressions_that_exist() -> None:
    found = {local for name in NAMES for local in committed_module(name).content.get("locals", {})}
    assert set(layout._NAMES.values()) <= found


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("batch_environment", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages"),  # a permission
        ("ci_roles", "lambda:DeleteFunctionEventInvokeConfig", "lambda:GetFunction"),
        ("scheduled_job", "sharedMemorySize", "sharedMemorySizes"),  # a field of the container
        ("scheduled_job", "var.shared_memory_mib", "var.memory_mib"),
        ("job_alerts", "Batch Job Queue Blocked", "Batch Job Queue Stuck"),
    ],
)
def test_a_change_is_a_few_lines(name: str, old: str, new: str) -> None:
    # GIVEN a module, and the same with one thing changed in its construct
    files = export.load(name).files(laid_out=False)
    variables, outputs = files["variables.tf.json"]["variable"], files["outputs.tf.json"]["output"]
    main = json.dumps(files["main.tf.json"])
    assert old in main
    before, after = (
        text(lay_out(json.loads(content), variables, outputs)[0]) for content in (main, main.replace(old, new))
    )
    # THEN few lines of what is committed differ, all short
    changed = [line[2:] for line in difflib.ndiff(before, after) if line.startswith(("+ ", "- "))]
    times = main.count(old)
    assert 2 <= len(changed) <= 12 * times, changed
    assert max(map(len, changed)) <= LONGEST_LINE


def test_documents_have_a_member_a_line() -> None:
    # GIVEN a role with a policy, of which one statement depends on an input
    one = '{ Effect = "Allow", Action = ["s3:GetObject"], Resource = [var.name] }'
    two = '{ Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.key] }'
    statements = f"concat([{one}], var.key != null ? [{two}] : [])"
    policy = f'${{jsonencode({{ "Statement" = {statements}, "Version" = "2012-10-17" }})}}'
    main = {"resource": {"aws_iam_role_policy": {"reader_policy": {"policy": policy}}}}
    # WHEN it is laid out
    content, _ = lay_out(main, VARIABLES, {})
    # THEN the document is a local, with a statement's condition beside it
    assert content["resource"]["aws_iam_role_policy"]["reader_policy"]["policy"] == "${jsonencode(local.reader_policy)}"
    parts = "[for part in local.reader_policy_statement_parts : part.items if part.when]"
    assert content["locals"] == {
        "reader_policy": {
            "Statement": f"${{concat([], {parts}...)}}",
            "Version": "2012-10-17",
        },
        "reader_policy_statement_parts": [
            {
                "items": [{"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": ["${var.name}"]}],
                "when": True,
            },
            {
                "items": [{"Action": ["kms:Decrypt"], "Effect": "Allow", "Resource": ["${var.key}"]}],
                "when": "${var.key != null}",
            },
        ],
    }


@pytest.mark.parametrize(
    ("expression", "always"),
    [
        ('"arn:${var.name}"', True),
        ('"arn:${var.key}"', False),  # no text takes a null
        ('var.key != null ? "arn:${var.key}" : "none"', True),
        ('var.key == null ? "none" : "arn:${var.key}"', True),
        ('"arn:${var.log.driver}"', True),
        ('"arn:${var.log.pattern}"', False),
        ("length(var.mounts) > 0", True),
        ("length(var.key) > 0", False),
        ("var.mounts[0].path", False),  # it may be empty
        ("[for mount in var.mounts : mount.size + 1]", True),
        ("[for mount in var.mounts : length(mount.path)]", True),  # a validation refuses a null path
        ('[for parts in [split(":", var.name)] : parts[1] if length(parts) == 2]', True),
        ('regex("x", var.name)', False),
        ('try(regex("x", var.name), null)', True),
        ("aws_iam_role.role.arn", True),
        ('coalesce(var.key, "-")', True),
        ("coalesce(var.key, var.name)", False),  # both may be empty
    ],
)
def test_what_always_has_a_value_is_known(expression: str, always: bool) -> None:
    assert Totals(VARIABLES, {}).always(parse(expression)) is always


def test_what_may_fail_stays_where_it_is_asked_for() -> None:
    # GIVEN a resource that is not made without a key, and a long expression that fails without one
    name = f"{'x' * 150}-${{var.key}}-{'y' * 50}"
    main = {"resource": {"aws_sqs_queue": {"queue": {"count": "${var.key != null ? 1 : 0}", "name": name}}}}
    # THEN it is no local, which would fail for those who give no key
    assert lay_out(main, VARIABLES, {})[0] == main
