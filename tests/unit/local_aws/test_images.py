from __future__ import annotations

from pathlib import Path

import pytest

from batchtab.local_aws.batch import images


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("my-service", "my-service"),
        ("my-service:latest", "my-service"),
        ("team/my-service:1.2", "team/my-service"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/my-service:1", "team/my-service"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/my-service@sha256:abc", "my-service"),
        ("localhost/a:1", "a"),
        ("registry:5000/a/b", "a/b"),
        ("my-service:1@sha256:abc", "my-service"),
    ],
)
def test_repository_is_the_image_without_registry_tag_and_digest(image: str, repository: str) -> None:
    assert images.repository_of(image) == repository


def test_folder_is_that_of_the_most_parts() -> None:
    folders = {"b": Path("/short"), "a/b": Path("/long")}
    assert images.entry_for("r.io/a/b:1", folders) == Path("/long")
    assert images.entry_for("r.io/c/b:1", folders) == Path("/short")
    assert images.entry_for("r.io/b/c:1", folders) is None
    assert images.short_name("r.io/b/c:1") == "c"
