"""The project at the top of this repository. No other test reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchtab.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


def test_every_stage_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN the committed files are checked
    status = main(["check", "--root", str(ROOT)])
    # THEN all stages are in order
    output = capsys.readouterr()
    assert status == 0, output.err
    assert output.out.count(": ok") == len(list((ROOT / "config").glob("*.yaml")))
