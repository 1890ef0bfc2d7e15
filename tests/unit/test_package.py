"""The wheel and the sdist: what is in them, and what an import of the package costs."""

from __future__ import annotations

import email
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from tests.e2e.checkout import ROOT
from tests.e2e.installed import Built, build

SOURCE = "src/batchtab"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """As `uv build` makes them: the sdist from the sources, and the wheel from the sdist."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def names(built: Built) -> set[str]:
    """The names of the files in the wheel."""
    return set(zipfile.ZipFile(built.wheel).namelist())


@pytest.fixture(scope="session")
def metadata(built: Built) -> Message:
    with zipfile.ZipFile(built.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(wheel.read(name))


def tracked(*folders: str) -> list[str]:
    """The files that Git knows below folders."""
    command = ["git", "ls-files", "-z", *folders]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in printed.split("\0") if name and (ROOT / name).exists()]


def test_the_wheel_has_one_package_with_all_that_git_knows_of_it(names: set[str], metadata: Message) -> None:
    # GIVEN the wheel
    own = f"batchtab-{metadata['Version']}.dist-info"
    # THEN it has one package beside what describes it
    assert {name.split("/")[0] for name in names} == {"batchtab", own}
    # AND in it is what Git tracks, the modules and the changelog, and nothing else
    expected = {name.removeprefix("src/") for name in tracked(SOURCE)}
    expected |= {f"batchtab/{name}" for name in tracked("modules")} | {"batchtab/project/CHANGELOG.md"}
    assert {name for name in names if name.startswith("batchtab/")} == expected
    # AND the license is with it
    assert f"{own}/licenses/LICENSE" in names


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        "modules/job_alerts/job_alerts.zip",
        "modules/job_runs/submit_run.zip",
        "modules/scheduled_job/main.tf.json",
        "runner/entrypoint.py",
        "runner_image/requirements.txt",
        "local_aws/server.py",
        "local_aws/send_to_slack/handler.py",
        "calendar/page.css",
        "project/templates/main.py.tmpl",
        "project/templates/gitignore.tmpl",
        "project/templates/workflows/deploy.yml.tmpl",
        "project/CHANGELOG.md",
        "toolchain/pins/local.txt",
        "toolchain/pins/package-lock.json",
        "toolchain/pins/hashicorp.asc",
        "toolchain/pins/npmrc",
        "terraform/checkov.yaml",
    ],
)
def test_what_an_installed_tool_reads_is_in_the_wheel(names: set[str], name: str) -> None:
    assert f"batchtab/{name}" in names


def test_the_policy_that_travels_is_true_in_any_project() -> None:
    # GIVEN the scan's policy, which is in the wheel
    text = (ROOT / SOURCE / "terraform" / "checkov.yaml").read_text()
    # THEN it names nothing that only this repository has
    assert [word for word in ("make ", "docs/", "repository", "examples", "tests") if word in text] == []
    # AND each check that is skipped has its reason
    skips = [line for line in text.splitlines() if line.startswith("  - ")]
    assert len(skips) > 10
    assert [line for line in skips if not re.fullmatch(r"  - CKV\w+ +# .{20,}", line)] == []


def test_neither_tests_nor_what_python_makes_is_in_it(built: Built, names: set[str]) -> None:
    assert built.sdist
    with tarfile.open(built.sdist) as archive:
        both = names | set(archive.getnames())
    assert [name for name in both if {"tests", "__pycache__", ".batchtab"} & set(name.split("/"))] == []
    assert [name for name in both if "/test_" in name or name.endswith(".pyc")] == []


def test_the_sources_and_the_sdist_give_the_same_bytes_each_time(built: Built, tmp_path: Path) -> None:
    # GIVEN an sdist, and a wheel that was made from it
    assert built.sdist
    # WHEN both are built again, and the wheel straight from the sources too
    again, straight = build(tmp_path / "again"), build(tmp_path / "straight", kind="--wheel")
    assert again.sdist
    # THEN no byte differs
    assert _digest(again.sdist) == _digest(built.sdist)
    assert {_digest(each.wheel) for each in (again, straight)} == {_digest(built.wheel)}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_writes_terraform_is_an_extra(metadata: Message) -> None:
    required = metadata.get_all("Requires-Dist", [])
    base = {line for line in required if "extra ==" not in line}
    # THEN the base is light
    assert {_name(line) for line in base} == {"boto3", "pydantic", "pyyaml", "rich", "typer", "tzdata"}
    # AND there is an extra for each framework
    assert {"synth", "cdktn"} <= set(metadata.get_all("Provides-Extra", []))
    for extra, framework in (("synth", "cdktf"), ("cdktn", "cdktn")):
        own = [line for line in required if line.endswith(f"extra == '{extra}'")]
        assert {_name(line) for line in own} >= {framework, "constructs"}, own
    assert metadata["Requires-Python"] == ">=3.11"


def _name(requirement: str) -> str:
    return re.split(r"[=<>~]", requirement)[0].lower()


def test_an_import_of_the_package_loads_nothing_else(built: Built, tmp_path: Path) -> None:
    # GIVEN the wheel, unpacked where no other package can be found
    shutil.unpack_archive(built.wheel, tmp_path, "zip")
    program = "import sys; sys.path.insert(0, sys.argv[1]); old = set(sys.modules); import batchtab"
    program += "; print(*sorted(set(sys.modules) - old))"
    # WHEN it is imported
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, tmp_path], capture_output=True, text=True, check=True, timeout=300
    )
    # THEN nothing comes with it
    assert done.stdout.split() == ["__future__", "batchtab"]
