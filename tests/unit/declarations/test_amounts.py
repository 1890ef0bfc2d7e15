"""Amounts with a unit, in the unit of a field."""

from __future__ import annotations

import pytest

from batchtab.declarations import amounts


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [
        ("memory_mib", "2GB", 2048), ("memory_mib", "2 GiB", 2048), ("memory_mib", "1.5GiB", 1536),
        ("memory_mib", "2G", 2048), ("memory_mib", "512m", 512), ("memory_mib", "512Mi", 512),
        ("memory_mib", "536870912 bytes", 512), ("memory_mib", "1,024", 1024), ("memory_mib", "1KiB", 1),
        ("ephemeral_storage_gib", "30720 MiB", 30), ("ephemeral_storage_gib", "0.1TB", 103),
        ("timeout_seconds", "30m", 1800), ("timeout_seconds", "1h", 3600), ("timeout_seconds", "90s", 90),
        ("timeout_seconds", "PT5M", 300), ("timeout_seconds", "P1DT2H", 93_600), ("timeout_seconds", "1h30m", 5400),
        ("timeout_seconds", "1 hour, 5 minutes", 3900), ("timeout_seconds", "00:30:00", 1800),
        ("timeout_seconds", "1e3", 1000), ("flexible_window_minutes", "1h", 60), ("flexible_window_minutes", "90s", 2),
        ("log_retention_days", "2 weeks", 14),
    ],
)  # fmt: skip
def test_an_amount_is_a_number_of_the_fields_unit(field: str, text: str, number: int) -> None:
    assert amounts.in_unit_of(field, text) == number


@pytest.mark.parametrize(
    ("field", "text"),
    [("timeout_seconds", "9" * 400), ("timeout_seconds", f"{'9' * 400}h"), ("memory_mib", "1e400"),
     ("memory_mib", "30m30"), ("memory_mib", "much"), ("memory_mib", "2 x"), ("timeout_seconds", "2GB"),
     ("timeout_seconds", "P"), ("timeout_seconds", ""), ("timeout_seconds", "1h x"), ("memory_mib", "1.5.2GB"),
     ("attempts", "30m")],
)  # fmt: skip
def test_what_is_no_amount_of_the_field_is_none(field: str, text: str) -> None:
    assert amounts.in_unit_of(field, text) is None


@pytest.mark.parametrize(
    ("value", "vcpus"),
    [
        ("500m", 0.5),
        ("100m", 0.25),
        ("1500m", 2),
        ("2", 2),
        (0.5, 0.5),
        (1024, 1),
        (256, 0.25),
        ("4 vCPUs", 4),
        (64, 64),
    ],
)
def test_cpus_are_the_next_number_of_vcpus_that_is_enough(value: object, vcpus: float) -> None:
    assert amounts.vcpus(value) == vcpus


@pytest.mark.parametrize("value", [True, None, "many", [1], 0, "0"])
def test_what_says_no_cpus_is_none(value: object) -> None:
    assert amounts.vcpus(value) is None


@pytest.mark.parametrize("value", [1e400, float("nan"), "1e400", "9" * 400, f"{'9' * 400} cpus", "1e400m"])
def test_a_number_beyond_all_numbers_is_no_number_of_cpus(value: object) -> None:
    assert amounts.vcpus(value) is None
