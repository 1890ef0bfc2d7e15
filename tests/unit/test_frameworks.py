"""Which framework writes the Terraform, and what is said where it is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from batchtab import frameworks
from batchtab.errors import UsageError
from batchtab.frameworks import choose


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The packages that can be found: fill it."""
    found: set[str] = set()
    monkeypatch.setattr(frameworks, "find_spec", lambda name: name if name in found else None)
    monkeypatch.delenv("BATCHTAB_FRAMEWORK", raising=False)
    return found


def test_cdktf_is_used_where_both_are_installed_unless_the_other_is_named(
    installed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed |= {"cdktf", "cdktf_cdktf_provider_aws", "cdktn", "cdktn_provider_aws"}
    assert choose() == "cdktf"
    monkeypatch.setenv("BATCHTAB_FRAMEWORK", "cdktn")
    assert choose() == "cdktn"


def test_a_framework_counts_with_its_bindings_only(installed: set[str]) -> None:
    installed |= {"cdktf", "cdktn", "cdktn_provider_aws"}
    assert choose() == "cdktn"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("wanted", "name", "extra"), [("", "cdktf", "synth"), ("cdktn", "cdktn", "cdktn")])
def test_what_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, wanted: str, name: str, extra: str
) -> None:
    monkeypatch.setenv("BATCHTAB_FRAMEWORK", wanted)
    with pytest.raises(UsageError) as error:
        choose()
    assert isinstance(error.value, ImportError)
    line = f"batchtab: {name} is not installed [hint: pip install 'batchtab[{extra}]=={version('batchtab')}']"
    assert str(error.value) == line


@pytest.mark.parametrize("command", [["main.py"], ["-m", "batchtab.cli.main", "plan"]])
def test_a_framework_that_is_none_is_one_line(project: Path, command: list[str]) -> None:
    # WHEN the app, or a plan, is to use what is no framework
    (project / "main.py").write_text("import sys; from batchtab.app import main; sys.exit(main())")
    environment = {**os.environ, "BATCHTAB_FRAMEWORK": "terraform"}
    done = subprocess.run(
        [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    # THEN that is all that it says
    assert done.returncode == 2
    assert done.stderr == "batchtab: BATCHTAB_FRAMEWORK: 'terraform' is not one of cdktf, cdktn\n"
