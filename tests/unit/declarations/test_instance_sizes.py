"""Whether a job fits on instance types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.declarations import instance_sizes
from batchtab.declarations.catalog import load
from batchtab.errors import UsageError


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("m6i.large", (2, 8192)),
        ("c7g.medium", (1, 2048)),
        ("r6i.xlarge", (4, 32768)),
        ("m7i-flex.2xlarge", (8, 32768)),
        ("c6in.16xlarge", (64, 131072)),
        ("c5n.9xlarge", (36, 96768)),
        ("m5zn.12xlarge", (48, 196608)),
        ("m6i", None),
        ("optimal", None),
        ("default_x86_64", None),
        ("c4.8xlarge", None),
        ("g5.xlarge", None),
        ("m6i.metal", None),
    ],
)
def test_a_types_name_says_its_size_or_is_not_read(name: str, size: tuple[int, int] | None) -> None:
    assert instance_sizes.size(name) == size


@pytest.mark.parametrize(
    ("types", "vcpus", "memory_mib", "expected"),
    [
        (["m6i.large"], 2, 8000, None),
        (["m6i.large"], 4, 2048, ("vcpus", "m6i.large has 2")),
        (["m6i.large", "c6i.4xlarge"], 16, 2048, None),
        (["m6i.large"], 2, 8192, ("memory_mib", "m6i.large has 8192, less what its own programs need")),
        # the one is wide enough and the other has the memory
        (["c6i.4xlarge", "r6i.2xlarge"], 8, 40000, None),
        (["c6i.4xlarge", "r6i.xlarge"], 16, 32768, ("memory_mib", "c6i.4xlarge has 32768")),
        (["m6i.large", "m6i"], 64, 2048, None),
        (["m6i.large", "p5.48xlarge"], 64, 2048, None),
        (["optimal"], 500, 2048, None),
        ([], 500, 2048, None),
    ],
)
def test_only_what_fits_on_no_type_is_refused(
    types: list[str], vcpus: float, memory_mib: int, expected: tuple[str, str] | None
) -> None:
    found = instance_sizes.refusal(types, vcpus, memory_mib)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found[0] == expected[0]
        assert expected[1] in found[1]


def test_a_job_is_checked_against_the_types_of_its_queue(project: Path, spoil: Callable[[str, str, str], None]) -> None:
    # GIVEN a stage that lists one small type, and a job of all the memory that it has
    spoil("config/local.yaml", "instance_types: [optimal]", "instance_types: [m6i.large]")
    spoil("jobs/my-service/jobs.yaml", "queue: continuously", "queue: continuously\n    memory_mib: 8192")
    # WHEN it is read
    with pytest.raises(UsageError) as caught:
        load("local", project)
    # THEN the job that fits on no instance is refused
    assert "memory_mib: 8192 does not fit on any of the instance types: m6i.large has 8192" in str(caught.value)
