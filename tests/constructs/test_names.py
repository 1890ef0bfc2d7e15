"""The names by which commands find what the constructs made."""

from __future__ import annotations

import pytest

from batchtab import names
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs.scheduled_job import chain, triggers

LONG = "batchtab-production-accounting-reconcile-the-ledger-with-the-bank"


@pytest.mark.parametrize("full_name", ["batchtab-prod-billing-invoice", LONG, f"{LONG}-2"])
def test_commands_call_a_jobs_triggers_as_the_construct_does(full_name: str) -> None:
    assert names.rule(full_name) == triggers.rule_name(full_name)
    assert names.after_rule(full_name) == chain.rule_name(full_name)


def test_a_name_that_is_shortened_stays_within_the_limit_and_is_no_others() -> None:
    # GIVEN two names that begin alike WHEN they are shortened
    found = [names.rule(LONG), names.rule(f"{LONG}-2")]
    # THEN they fit, and differ in their hashes
    assert [len(name) for name in found] == [64, 64]
    assert found[0][:55] == found[1][:55]
    assert found[0] != found[1]


def test_terraform_shortens_to_the_same_form() -> None:
    # GIVEN a name that only Terraform knows THEN it cuts where Python cuts
    assert 'substr(var.name, 0, 55)}-${substr(sha1(var.name), 0, 8)}"' in shorten(Expression.of("var.name"), 64)
