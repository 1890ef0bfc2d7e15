"""`batchtab env` where the environment names a Terraform configuration that cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import batchtab
from batchtab.project.answers import Answers
from batchtab.project.new_project import create

SOURCES = Path(batchtab.__file__).parents[1]
NOBODY = 65534
# The first call loads all modules before the rights are given up: the sources may be closed to that user.
CHILD = f"""
import contextlib, io, os, sys
from batchtab.cli.main import main
named = os.environ.pop("TF_CLI_CONFIG_FILE")
with contextlib.redirect_stdout(io.StringIO()):
    main(["env"])
os.environ["TF_CLI_CONFIG_FILE"] = named
if os.getuid() == 0:
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
sys.exit(main(["env"]))
"""


@pytest.fixture
def project() -> Iterator[Path]:
    """A project that every user may write to, set up, beside a folder that only root may enter."""
    folder = Path(tempfile.mkdtemp(prefix="batchtab-test-"))
    folder.chmod(0o755)
    root = folder / "jobs"
    create(root, Answers("jobs"), "0.2.0")
    (root / ".batchtab").mkdir()
    (root / ".batchtab" / "terraform.rc").write_text("")
    for path in (root, *root.rglob("*")):
        path.chmod(0o777)
    closed = folder / "closed"
    closed.mkdir()
    (closed / "terraform.rc").write_text("")
    closed.chmod(0)
    yield root
    closed.chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "named",
    ["../closed/terraform.rc", "../closed", "/etc/passwd/x", "x" * 5000, "/absent", "", "~/.terraformrc"],
    ids=["closed file", "closed folder", "below a file", "too long", "absent", "empty", "unexpanded"],
)
def test_a_terraform_configuration_that_cannot_be_read_counts_as_absent(project: Path, named: str) -> None:
    # GIVEN an ordinary user, and a TF_CLI_CONFIG_FILE that this user cannot read
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONDONTWRITEBYTECODE": "1"}
    # WHEN the variables are printed
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        cwd=project,
        env=environment | {"TF_CLI_CONFIG_FILE": named},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    # THEN they name the project's own, without a word
    assert (done.returncode, done.stderr) == (0, "")
    assert f"export TF_CLI_CONFIG_FILE={project}/.batchtab/terraform.rc\n" in done.stdout
