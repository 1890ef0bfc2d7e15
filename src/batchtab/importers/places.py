"""The account and the region of a source's resources."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ARN = re.compile(r"arn:(?P<partition>[^:]+):[^:]+:(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):.+")


@dataclass(frozen=True, slots=True)
class Place:
    """An account and a region; either may be unknown."""

    account: str = ""
    region: str = ""

    @property
    def partition(self) -> str:
        """Its partition, by the region's name."""
        for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
            if self.region.startswith(prefix):
                return partition
        return "aws"

    @property
    def is_known(self) -> bool:
        """Whether both are known."""
        return bool(self.account and self.region)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource there."""
        region = "" if service == "iam" else self.region
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{resource}"


def place_of(arn: str) -> Place:
    """Account and region of an ARN."""
    match = _ARN.fullmatch(arn)
    return Place(match["account"], match["region"]) if match else Place()
