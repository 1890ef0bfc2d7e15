"""What travels in the package: exact versions with hashes, and no address of where they come from."""

from __future__ import annotations

import json
import re

import pytest

from batchtab.toolchain.folder import PINS


@pytest.mark.parametrize("part", ["local", "checkov", "node"])
def test_every_requirement_is_exact_and_has_a_hash(part: str) -> None:
    # GIVEN the pins of an environment
    text = (PINS / f"{part}.txt").read_text().replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]

    # WHEN they are read THEN each names one version and its hashes, and what was asked for is among them
    assert all(re.match(r"[\w.-]+(\[[\w,]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line) for line in requirements)
    pinned = {re.split(r"[=\[]", line)[0].lower() for line in requirements}
    asked = [line for line in (PINS / f"{part}.in").read_text().splitlines() if line and not line.startswith("#")]
    assert {re.split(r"[=<>\[]", line)[0].lower() for line in asked} <= pinned


def test_the_lock_file_agrees_with_the_package_and_names_no_registry() -> None:
    # GIVEN the package of the cdktf CLI
    package = json.loads((PINS / "package.json").read_text())
    text = (PINS / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]

    # WHEN they are compared THEN they agree
    assert list(package["dependencies"]) == ["cdktf-cli"]
    assert packages[""]["dependencies"] == package["dependencies"]
    assert packages["node_modules/cdktf-cli"]["version"] == package["dependencies"]["cdktf-cli"]
    assert '"resolved":' not in text
    assert all("integrity" in each for name, each in packages.items() if name and not each.get("inBundle"))
    assert "omit-lockfile-registry-resolved=true" in (PINS / "npmrc").read_text()
