"""The bill of materials names all that the image's build takes; no image is built here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.projects import PROJECT, copy_project

from batchtab.runner_image import context
from batchtab.runner_image.bill import bill

NAME = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/batchtab-runner"
DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def made() -> dict[str, Any]:
    return bill(PROJECT, NAME, DIGEST)


def test_it_is_of_one_image(made: dict[str, Any]) -> None:
    image = made["metadata"]["component"]
    assert (image["name"], image["version"]) == (NAME, DIGEST)
    assert image["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    # AND the same files make the same bytes
    assert json.dumps(bill(PROJECT, NAME, DIGEST)) == json.dumps(made)


def test_the_base_the_packages_and_every_file_are_in_it(made: dict[str, Any]) -> None:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for component in made["components"]:
        by_kind.setdefault(component["type"], []).append(component)
    # THEN the base has the digest of the Dockerfile
    base = context.base((PROJECT / "jobs" / "Dockerfile").read_text())
    assert [(each["name"], each["version"]) for each in by_kind["container"]] == [base]
    assert by_kind["container"][0]["hashes"][0]["content"] == base[1].rpartition(":")[2] if base else False
    # AND each package of the requirements its version and hashes
    files = context.files(PROJECT)
    lines = files["requirements.txt"].read_text().splitlines()
    assert [f"{each['name']}=={each['version']}" for each in by_kind["library"]] == [
        line.removesuffix(" \\") for line in lines if "==" in line
    ]
    assert sum(len(each["externalReferences"]) for each in by_kind["library"]) == sum(
        "--hash" in line for line in lines
    )
    # AND each file of the build is there by name and hash
    assert {each["name"] for each in by_kind["file"]} == set(files) - {"requirements.txt"}
    # AND nothing is named twice
    references = [each["bom-ref"] for each in made["components"]]
    assert len(set(references)) == len(references) > 10
    assert made["dependencies"] == [{"ref": f"{NAME}@{DIGEST}", "dependsOn": references}]


def test_an_image_of_ones_own_dockerfile_has_no_base_that_is_known(tmp_path: Path) -> None:
    copy_project(tmp_path)
    (tmp_path / "jobs" / "Dockerfile").write_text("FROM scratch\n")
    assert {each["type"] for each in bill(tmp_path, NAME, DIGEST)["components"]} == {"library", "file"}
