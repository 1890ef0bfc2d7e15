"""A checkout has the same bytes on every system, so that a function's zip does not depend on where it was built."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from batchtab.constructs._terraform import package
from batchtab.constructs._terraform.imports import closure

FUNCTIONS = sorted(path.stem for path in (package.ROOT / "modules").glob("*/*.zip"))


def git(*arguments: str, cwd: Path = package.ROOT) -> str:
    return subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True).stdout


def attributes(*paths: str) -> dict[tuple[str, str], str]:
    rows = (line.rsplit(": ", 2) for line in git("check-attr", "text", "eol", "binary", "--", *paths).splitlines())
    return {(path, attribute): value for path, attribute, value in rows}


def test_there_are_functions() -> None:
    assert FUNCTIONS == ["job_alerts", "submit_run"]


def test_zips_are_binary_and_modules_have_unix_lines() -> None:
    zips = git("ls-files", "*.zip").splitlines()
    generated = git("ls-files", "*.tf.json").splitlines()
    found = attributes(*zips, *generated)
    assert {found[path, "binary"] for path in zips} == {"set"}
    assert {found[path, "eol"] for path in generated} == {"lf"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_packaged_has_unix_lines(name: str) -> None:
    folder = package.sources(name)
    assert folder is not None
    members = closure(folder, package.PACKAGE, package.ROOT / "lambda" / "shared").values()
    paths = [str(path.relative_to(package.ROOT)) for path in members]
    found = attributes(*paths)
    assert {found[path, "eol"] for path in paths} == {"lf"}


def test_a_checkout_with_autocrlf_builds_the_same_zips(tmp_path: Path, monkeypatch: Any) -> None:
    # GIVEN a clone as Windows makes them
    clone = tmp_path / "clone"
    git("-c", "core.autocrlf=true", "clone", "-q", "--depth=1", "--no-tags", f"file://{package.ROOT}", str(clone))
    git("config", "core.autocrlf", "true", cwd=clone)
    monkeypatch.setattr(package, "ROOT", clone)
    monkeypatch.setattr(package, "PACKAGE", clone / "src" / "batchtab")
    for name in FUNCTIONS:
        # WHEN a function is packaged from it THEN its zip is the one that is committed
        (committed,) = (clone / "modules").glob(f"*/{name}.zip")
        assert package.build(name) == committed.read_bytes()
    # AND git sees no change
    assert git("status", "--porcelain", cwd=clone) == ""
