"""What runs cost, by hand-reckoned numbers; and the files of prices."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from batchtab.costs import sizing, usage
from batchtab.costs.prices import Prices
from batchtab.costs.usage import Money, Run, Size
from batchtab.errors import UsageError

#: Of 1 vCPU with 2 GiB.
SIZE = Size(1, 2048)
PACKAGE = Path(usage.__file__).parents[1]


@pytest.fixture
def prices() -> Prices:
    return Prices.load("us-east-1")


def run(*seconds: float, size: Size = SIZE, capacity: str = "FARGATE", **others: float) -> Run:
    return Run("job", size, capacity, seconds, **others)  # type: ignore[arg-type]


def test_an_hour_costs_its_vcpus_and_its_memory(prices: Prices) -> None:
    found = usage.of_job("job", [run(3600)], prices)
    # THEN each place has its own rates
    fargate, arm = 0.04048 + 2 * 0.004445, 0.03238 + 2 * 0.00356
    assert found.money == Money(
        now=pytest.approx(fargate),
        fargate=pytest.approx(fargate),
        fargate_spot=pytest.approx(fargate * 0.31),
        fargate_arm=pytest.approx(arm),
        ec2=pytest.approx(0.048),  # of m5, whose vCPU has 4 GiB beside it
    )
    assert (found.vcpu_hours, found.gib_hours, found.hours) == (1, 2, 1)


@pytest.mark.parametrize(
    ("capacity", "architecture", "expected"),
    [
        ("FARGATE", "x86_64", 0.04937),
        ("FARGATE", "arm64", 0.0395),
        ("FARGATE_SPOT", "x86_64", 0.04937 * 0.31),
        ("FARGATE_SPOT", "arm64", 0.0395 * 0.31),
        ("EC2", "x86_64", 0.048),
        ("SPOT", "x86_64", 0.048 * 0.4),
    ],
)
def test_now_is_what_the_capacity_costs(capacity: str, architecture: str, expected: float, prices: Prices) -> None:
    found = usage.of_job("job", [run(3600, size=Size(1, 2048, 0, architecture), capacity=capacity)], prices)
    assert found.money.now == pytest.approx(expected)


def test_fargate_bills_a_minute_of_each_attempt_and_whole_seconds(prices: Prices) -> None:
    # GIVEN three attempts of 10 s, 70.2 s and 59.9 s
    found = usage.of_job("job", [run(10, 70.2), run(59.9)], prices)
    # THEN they are billed as 60, 71 and 60 s; what they used is what they used
    assert found.billed_hours == pytest.approx(191 / 3600)
    assert found.hours == pytest.approx(140.1 / 3600)
    assert found.attempts == 3
    assert found.money.fargate == pytest.approx(191 / 3600 * 0.04937)
    # AND EC2 bills no minute of a job
    assert found.money.ec2 == pytest.approx(140.1 / 3600 * 0.048)


def test_memory_decides_on_ec2_where_it_takes_the_larger_share(prices: Prices) -> None:
    # GIVEN 1 vCPU with 16 GiB, which is the memory of 4 vCPUs of m5
    found = usage.of_job("job", [run(3600, size=Size(1, 16384), capacity="EC2")], prices)
    assert found.money.now == pytest.approx(4 * 0.048)
    # AND another family has other memory
    r5 = Prices.load("us-east-1", family="r5")
    assert usage.of_job("job", [run(3600, size=Size(1, 16384), capacity="EC2")], r5).money.now == pytest.approx(0.126)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (Size(0.25, 512), (0.25, 512)),
        (Size(1, 1024), (1, 2048)),  # Fargate has no less memory beside 1 vCPU
        (Size(3, 6000), (4, 8192)),
        (Size(1, 9000), (2, 9216)),  # nor more than 8 GiB
        (Size(64, 1024), None),
        (Size(1, 2048, gpus=1), None),
    ],
)
def test_what_fargate_would_take_is_the_smallest_of_its_sizes_that_fits(
    size: Size, expected: tuple[float, int] | None
) -> None:
    assert usage.fargate_size(size) == expected


def test_what_does_not_fit_on_fargate_has_no_price_there_and_no_ec2_price_with_gpus(prices: Prices) -> None:
    large = usage.of_job("a", [run(3600, size=Size(64, 1024), capacity="EC2")], prices)
    gpus = usage.of_job("b", [run(3600, size=Size(4, 8192, gpus=1), capacity="EC2")], prices)
    assert (large.money.fargate, large.money.fargate_spot, large.money.fargate_arm) == (None, None, None)
    assert gpus.money == Money(None, None, None, None, None)
    # AND the total is of what has a price
    assert usage.total([large, gpus]).money.now == pytest.approx(64 * 0.048)


def test_children_that_were_not_looked_at_are_reckoned_and_marked(prices: Prices) -> None:
    found = usage.of_job("job", [run(100, 100, estimated_seconds=800, estimated_attempts=8)], prices)
    assert (found.is_estimated, found.attempts, found.billed_hours) == (True, 10, pytest.approx(1000 / 3600))


def test_forgotten_runs_cost_the_mean_of_the_others_and_are_not_added(prices: Prices) -> None:
    found = usage.of_job("job", [run(3600), run(3600)], prices, forgotten=4)
    assert found.money.now == pytest.approx(2 * 0.04937)
    assert found.forgotten_usd == pytest.approx(4 * 0.04937)
    assert usage.of_job("job", [], prices, forgotten=4).forgotten_usd is None


# --- less memory


def test_less_memory_is_suggested_where_1_3_times_the_peak_fits(prices: Prices) -> None:
    # GIVEN 1 vCPU with 8 GiB, of which no run used more than 2,300 MiB
    runs = [run(3600, size=Size(1, 8192))] * 2
    found = sizing.smaller(runs, [1000.0, 2300.0], prices)
    # THEN the smallest memory beside 1 vCPU that holds 2,990 MiB is suggested
    assert found is not None
    assert (found.memory_mib, found.instead_of_mib, found.peak_mib, found.measured) == (3072, 8192, 2300.0, 2)
    assert found.saved_usd == pytest.approx(2 * 5 * 0.004445)


@pytest.mark.parametrize(("peak", "suggested"), [(1575, 2048), (1576, 3072), (2363, 3072), (2364, None)])
def test_the_room_above_the_peak_decides(peak: float, suggested: int | None, prices: Prices) -> None:
    found = sizing.smaller([run(60, size=Size(1, 4096))], [peak], prices)
    # 1,576 times 1.3 is more than 2,048; from 2,364 on more than 3,072
    assert (found and found.memory_mib) == suggested


def test_the_least_memory_beside_its_vcpus_stays(prices: Prices) -> None:
    assert sizing.smaller([run(60, size=Size(1, 2048))], [10.0], prices) is None


def test_nothing_is_suggested_where_nothing_was_measured(prices: Prices) -> None:
    assert sizing.smaller([run(60, size=Size(1, 8192))], [], prices) is None
    assert sizing.smaller([], [10.0], prices) is None


def test_on_ec2_any_size_is_taken_in_steps(prices: Prices) -> None:
    found = sizing.smaller([run(3600, size=Size(1, 8192), capacity="EC2")], [400.0], prices)
    assert found is not None
    assert found.memory_mib == 768
    assert found.saved_usd == pytest.approx(0.048)  # of two shares one is left: that of its vCPU


# --- prices


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-2"])
def test_each_price_of_the_package_says_where_it_is_from(region: str) -> None:
    content = yaml.safe_load((PACKAGE / "prices" / f"{region}.yaml").read_text())
    groups = [content["fargate"], content["spot_share"], content["ec2"]["families"]]
    for price in (each for group in groups for each in group.values()):
        assert price["source"].startswith("https://")
        assert price["date"].year >= 2026
        assert isinstance(price["confirmed"], bool)
    # AND both loads as it is, with Spot said to be an estimate
    assert {"Fargate Spot", "EC2 Spot"} <= {*Prices.load(region).unconfirmed()}


def test_a_price_that_nobody_confirmed_is_named() -> None:
    assert "Fargate x86_64" not in [*Prices.load("us-east-1").unconfirmed()]
    assert "Fargate x86_64" in [*Prices.load("ap-northeast-2").unconfirmed()]
    assert "EC2 c5" not in [*Prices.load("ap-northeast-2", family="c5").unconfirmed()]


def test_a_region_without_a_file_names_the_option() -> None:
    with pytest.raises(UsageError, match=r"no prices of region eu-west-1: only of .*, us-east-1 \[hint: --prices"):
        Prices.load("eu-west-1")


def own(tmp_path: Path, old: str = "", new: str = "") -> Path:
    path = tmp_path / "prices.yaml"
    text = (PACKAGE / "prices" / "us-east-1.yaml").read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else text)
    return path


def test_a_file_of_ones_own_is_used(tmp_path: Path) -> None:
    path = own(tmp_path, "usd_per_vcpu_hour: 0.04048", "usd_per_vcpu_hour: 0.02")
    assert Prices.load("us-east-1", path).fargate("x86_64").usd_per_vcpu_hour == 0.02


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("region: us-east-1", "region: eu-west-1", "has the prices of eu-west-1, and the stage is in us-east-1"),
        ("usd_per_gib_hour: 0.004445", "usd_per_gib_hour: -1", "fargate.x86_64.usd_per_gib_hour: input should be"),
        ("    confirmed: true", "    confirmd: true", "fargate.x86_64.confirmed: field required"),
        ("default_family: m5", "default_family: m55", "has no family 'm55': m5, c5, r5, m7g, m6g"),
        ("region: us-east-1", "region: [", "is not valid YAML"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        Prices.load("us-east-1", own(tmp_path, old, new))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_and_a_family_that_is_not_in_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--prices .*nope\.yaml: No such file"):
        Prices.load("us-east-1", tmp_path / "nope.yaml")
    with pytest.raises(UsageError, match="has no family 'p5'"):
        Prices.load("us-east-1", family="p5")


def test_an_architecture_that_a_file_does_not_have_is_said(tmp_path: Path) -> None:
    path = own(tmp_path)
    content = yaml.safe_load(path.read_text())
    del content["fargate"]["arm64"]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError, match=r"fargate\.arm64 is missing"):
        Prices.load("us-east-1", path).fargate("arm64")
