"""checkov, imported once for several folders: what it finds, and what it could not look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.e2e.checkout import ROOT

from batchtab.terraform.scan import scan_all

pytestmark = pytest.mark.e2e


def test_findings_name_files_as_the_project_has_them_and_what_was_not_scanned_is_a_fault(tmp_path: Path) -> None:
    # GIVEN an image that runs as root, a folder with nothing to check, and a stack that is no Terraform
    (tmp_path / ".batchtab").symlink_to(ROOT / ".batchtab")
    for name in ("jobs", "empty", "stacks"):
        (tmp_path / name).mkdir()
    (tmp_path / "jobs" / "Dockerfile").write_text("FROM python:3.13\nRUN apt-get update\n")
    (tmp_path / "empty" / "text").write_text("")
    (tmp_path / "stacks" / "cdk.tf.json").write_text(json.dumps({"resource": {"aws_s3_bucket": "no block"}}))
    # WHEN they are scanned
    (image, empty, stacks), sarif = scan_all(tmp_path, ["jobs", "empty", "stacks"])
    # THEN the image's finding is there, under the path that the project has for its file
    assert "CKV_DOCKER_3" in {check["check_id"] for check in image.failed}
    assert image.faults == []
    places = [
        place["physicalLocation"]["artifactLocation"]["uri"]
        for run in sarif["runs"]
        for result in run["results"]
        for place in result["locations"]
    ]
    assert set(places) == {"jobs/Dockerfile"}
    # AND what could not be looked at is a fault
    assert empty.faults == ["nothing was checked"]
    assert stacks.faults
