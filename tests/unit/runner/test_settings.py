"""Flags, variables and defaults."""

from __future__ import annotations

import pytest
from tests.unit.runner.harness import ROOT

from batchtab.runner.settings import SETTINGS, SettingsError, parse


def test_a_flag_beats_its_variable_and_a_variable_its_default() -> None:
    # GIVEN a variable
    environment = {"BATCHTAB_GRACE_SECONDS": "7"}
    # WHEN it stands alone, beside a flag, or empty
    alone, _ = parse(["true"], environment)
    beside, _ = parse(["--grace-seconds", "9", "true"], environment)
    empty, _ = parse(["true"], {"BATCHTAB_GRACE_SECONDS": ""})
    # THEN the explicit one wins
    assert (alone.grace_seconds, beside.grace_seconds, empty.grace_seconds) == (7, 9, 25)


def test_a_wrong_variable_is_named() -> None:
    # WHEN a variable holds nonsense
    # THEN the error names the variable, not the flag
    with pytest.raises(SettingsError, match="BATCHTAB_SKIP_EXIT_CODE must be a number"):
        parse(["true"], {"BATCHTAB_SKIP_EXIT_CODE": "x"})


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["node", "app", "--grace-seconds", "3"], ["node", "app", "--grace-seconds", "3"]),
        (["--", "--grace-seconds", "3"], ["--grace-seconds", "3"]),
        (["--grace-seconds=1", "--", "sh", "--"], ["sh", "--"]),
        (["--grace-seconds", "1", "sh", "-c", "x"], ["sh", "-c", "x"]),
    ],
)
def test_the_command_begins_after_two_dashes_or_at_the_first_plain_word(
    arguments: list[str], command: list[str]
) -> None:
    # WHEN a command line holds the runner's words and the command's
    # THEN the command's are left alone
    assert parse(arguments, {})[1] == command


def test_every_setting_has_a_help_text_and_a_default_that_it_would_accept() -> None:
    # GIVEN all settings
    for setting in SETTINGS:
        # THEN each explains itself, and its default is allowed
        assert setting.help
        assert setting.check(setting.default, "default") == setting.default


def test_forbid_on_batch_needs_the_jobs_name() -> None:
    # GIVEN a job on Batch that wants no overlap, whose name nobody set
    environment = {"AWS_BATCH_JOB_ID": "1", "BATCHTAB_CONCURRENCY_POLICY": "forbid"}
    # WHEN it starts
    # THEN the error says what to set
    with pytest.raises(SettingsError, match="set BATCHTAB_JOB_NAME"):
        parse(["true"], environment)


def test_the_page_about_the_runner_has_every_setting_with_its_default() -> None:
    # GIVEN the table of settings in the documentation
    text = (ROOT / "docs" / "runner.md").read_text()
    table = [line for line in text.splitlines() if line.startswith("| `--")]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:4]] for line in table]
    # THEN it is the code's
    assert rows == [[setting.flag, setting.variable, setting.default] for setting in SETTINGS]
