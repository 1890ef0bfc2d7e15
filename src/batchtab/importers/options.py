"""What the command line says about an import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchtab.errors import UsageError

if TYPE_CHECKING:
    from batchtab.aws.client import Aws


@dataclass(frozen=True, slots=True)
class Options:
    """How to import.

    Attributes:
        service: The service's name; empty: the source's, or the name of its file.
        timezone: The zone of sources that do not name one, such as a crontab's machine.
        connect: Reaches the account of a stage that was named, and checks that the credentials are of it.
        is_zone_given: Whether somebody named it; else UTC is a guess.
        image: An image's address for jobs whose source has none; empty: the shared runner image.
        is_fargate: Whether the jobs will run on Fargate, which has fixed sizes.
        account: The AWS account's id, where the stage has one.
        region: The AWS region, where the stage has one.
        settings: Settings of one kind, by name: `--set exports=exports.json`.
    """

    service: str = ""
    timezone: str = "UTC"
    image: str = ""
    is_fargate: bool = True
    account: str | None = None
    region: str | None = None
    is_zone_given: bool = False
    connect: Callable[[], Aws] | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def only(self, kind: str, *allowed: str) -> None:
        """Refuse settings that a kind does not have.

        Raises:
            UsageError: There is another one.
        """
        for name in self.settings:
            if name not in allowed:
                known = ", ".join(allowed) or "it has none"
                raise UsageError(f"--set {name}=… is not a setting of {kind}: {known}")
