"""What holds for all tests: their order, the code that their children run, and no limit on one example's time.

Files that wait for Terraform begin first, so that none is left for the end.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.examples import load_profile

pytest_plugins = ["tests.cost"]

# The sources beside these tests, also where the environment's own `batchtab` is another checkout's.
os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1] / "src")

load_profile()

# The longest first; the others follow in the order that pytest-randomly gave them. A worker whose file has one or two
# tests takes its next file beforehand, and keeps it until then: behind those three come short ones.
_LONG = (
    "e2e/test_ci_roles.py",
    "e2e/test_alerts.py",
    "e2e/test_schedules.py",
    "e2e/test_why_faults.py",
    "e2e/test_installed.py",
    "e2e/test_pull_request.py",
    "image/test_containers_of_up.py",
    "e2e/test_local_rules.py",
    "hcl/test_examples_as_ci.py",
    "e2e/test_killed_up.py",
    "hcl/test_from_cloudformation.py",
    "e2e/test_local_batch.py",
    "e2e/test_local_resources.py",
    "e2e/test_up.py",
    "hcl/test_modules.py",
    "image/",
    "hcl/",
    "e2e/",
    "constructs/test_kernel.py",
    "unit/toolchain/",
    "unit/runner/",
    "unit/lambda_/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Moves long files to the front, each as a whole, and in a file to its end what waits while the others go on."""

    files: dict[str, int] = {}

    def rank(item: pytest.Item) -> tuple[int, int]:
        path = item.path.as_posix()
        file = next((number for number, part in enumerate(_LONG) if f"/tests/{part}" in path), len(_LONG))
        return file, files.setdefault(path, len(files)) * 2 + (item.get_closest_marker("last") is not None)

    items.sort(key=rank)
