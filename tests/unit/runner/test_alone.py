"""The runner travels in an image with little else of the package: what the image carries is all that it needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.unit.runner.harness import ROOT, environment

from batchtab.runner_image import context

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = ROOT / "src" / "batchtab"
FOLDER = PACKAGE / "runner"


def test_it_imports_itself_and_the_standard_library_and_botocore_in_one_place() -> None:
    # GIVEN every import statement of the runner
    found: dict[str, set[str]] = {}
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(file.name)
    # THEN what is not Python's own is known by name
    foreign = {name: files for name, files in found.items() if name not in sys.stdlib_module_names}
    assert {name: files for name, files in foreign.items() if name != "batchtab"} == {"botocore": {"batch.py"}}


@pytest.mark.parametrize("how", [["-m", "batchtab.runner"], ["-IS", "batchtab/runner/entrypoint.py"]])
def test_what_the_image_carries_of_the_package_runs(tmp_path: Path, how: list[str]) -> None:
    # GIVEN what an image has of this project, and nothing else
    context.stage(tmp_path / "no-project", tmp_path)
    # WHEN it is started as a module, or by its file
    result = subprocess.run(
        [sys.executable, *how, "--", "sh", "-c", "exit 3"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
    )
    # THEN it runs
    assert result.returncode == 3, result.stderr


def test_a_start_loads_nothing_that_costs_time() -> None:
    # WHEN the runner is imported as the image does
    program = "import sys; sys.path.insert(0, 'src'); import batchtab.runner.main; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-IS", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    # THEN the slow modules are not among what it loaded
    assert "batchtab.runner.supervisor" in loaded
    slow = {"argparse", "json", "re", "typing", "enum", "subprocess", "pathlib", "logging", "ssl", "urllib", "botocore"}
    assert loaded & slow == set()
