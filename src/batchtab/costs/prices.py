"""The prices of a region, from a file of the package or a named one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date as Date  # noqa: N812 - a field is called so
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from batchtab.errors import UsageError, did_you_mean, listed

_FOLDER = "prices"
Price = Annotated[float, Field(gt=0, lt=1000)]
Architecture = Literal["x86_64", "arm64"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Sourced(_Part):
    """A price and where it is from.

    Attributes:
        date: When it was read or estimated.
        source: Where it can be read.
        confirmed: Whether it was read there.
    """

    date: Date
    source: str
    confirmed: bool


class FargateRate(_Sourced):
    """What Fargate takes for a task, on demand."""

    usd_per_vcpu_hour: Price
    usd_per_gib_hour: Price


class SpotShare(_Sourced):
    """What Spot costs, as a part of the price on demand: an estimate, as it has no fixed price."""

    share: Annotated[float, Field(gt=0, le=1)]


class Family(_Sourced):
    """A family of instances: the price of each vCPU, with the memory beside it."""

    architecture: Architecture
    gib_per_vcpu: Annotated[float, Field(gt=0)]
    usd_per_vcpu_hour: Price


class SpotShares(_Part):
    """The estimates for Spot."""

    fargate: SpotShare
    ec2: SpotShare


class Ec2(_Part):
    """Families by name."""

    default_family: str
    families: Annotated[Mapping[str, Family], Field(min_length=1)]


class PriceFile(_Part):
    """A file of prices, as it is written."""

    region: str
    fargate: Mapping[Architecture, FargateRate]
    spot_share: SpotShares
    ec2: Ec2


class Prices:
    """The prices of one region."""

    def __init__(self, content: PriceFile, name: str, family: str) -> None:
        self._content = content
        self.name = name
        self.family_name = family

    @classmethod
    def load(cls, region: str, path: Path | None = None, family: str | None = None) -> Prices:
        """Reads a file.

        Args:
            region: Of the stage.
            path: The file; left out: the package's own of this region.
            family: A family of instances in it; left out: the file's default.

        Raises:
            UsageError: there is none of the region, it cannot be read, or it has no such family.
        """
        name, text = _text(region, path)
        try:
            content = PriceFile.model_validate(yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise UsageError(f"cost: {name} is not valid YAML: {str(error).splitlines()[0]}", "--prices") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            text = f"cost: {name}: {where}: {first['msg'][:1].lower()}{first['msg'][1:]}"
            raise UsageError(text, f"the form is that of the package's {_FOLDER}/us-east-1.yaml") from None
        if content.region != region:
            text = f"cost: {name} has the prices of {content.region}, and the stage is in {region}"
            raise UsageError(text, "--prices FILE with those of the region")
        wanted = family or content.ec2.default_family
        if wanted not in content.ec2.families:
            known = listed(content.ec2.families)
            raise UsageError(
                f"cost: {name} has no family '{wanted}': {known}", did_you_mean(wanted, content.ec2.families)
            )
        return cls(content, name, wanted)

    @property
    def family(self) -> Family:
        """The family of instances by which EC2 is reckoned."""
        return self._content.ec2.families[self.family_name]

    def fargate(self, architecture: str) -> FargateRate:
        """What Fargate takes on a processor.

        Raises:
            UsageError: the file does not say it.
        """
        rate = next((rate for name, rate in self._content.fargate.items() if name == architecture), None)
        if rate is None:
            raise UsageError(f"cost: {self.name}: fargate.{architecture} is missing", "--prices FILE that has it")
        return rate

    def spot_share(self, *, fargate: bool) -> float:
        """What Spot costs of the price on demand."""
        shares = self._content.spot_share
        return shares.fargate.share if fargate else shares.ec2.share

    def unconfirmed(self) -> Iterator[str]:
        """The prices that are used and were not read at their source."""
        shares = self._content.spot_share
        used: dict[str, _Sourced] = {f"Fargate {name}": rate for name, rate in self._content.fargate.items()}
        used |= {"Fargate Spot": shares.fargate, "EC2 Spot": shares.ec2, f"EC2 {self.family_name}": self.family}
        for what, one in used.items():
            if not one.confirmed:
                yield what


def _text(region: str, path: Path | None) -> tuple[str, str]:
    """A file's name and its content."""
    if path is not None:
        try:
            return str(path), path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            raise UsageError(f"cost: --prices {path}: {why}") from None
    folder = files("batchtab") / _FOLDER
    known = sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml"))
    if region not in known:
        text = f"cost: there are no prices of region {region}: only of {listed(known)}"
        raise UsageError(text, "--prices FILE names a file with them")
    return f"{_FOLDER}/{region}.yaml", (folder / f"{region}.yaml").read_text(encoding="utf-8")
