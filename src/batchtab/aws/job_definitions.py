"""The revisions of job definitions that Batch would run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from batchtab.aws.client import Aws
from batchtab.aws.parallel import mapped

_PAGE = 100
_PAGES = {"MaxItems": 1000, "PageSize": _PAGE}  # of one definition
_ASKED_FOR = 20  # by their names: more would keep Batch from answering the submit function, which shares its quota
_MOST_PAGES = 50  # of the account's definitions


class Active(NamedTuple):
    """The ACTIVE revisions of definitions, by name.

    Attributes:
        revisions: Of each name that was asked for; none for a definition that is not there.
        read: How many of the account's were read; None if those of all names were found.
    """

    revisions: dict[str, list[int]]
    read: int | None = None


def active_revisions(aws: Aws, names: Iterable[str]) -> Active:
    """The ACTIVE revisions of each definition. For many names it reads all of the account's, up to a bound.

    A job that is submitted by the definition's name runs the newest of them.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html

    Raises:
        ClientError, BotoCoreError: Batch refuses, or can't be reached.
    """
    found, read = active_definitions(aws.client("batch"), names)
    return Active({name: [each["revision"] for each in its] for name, its in found.items()}, read)


def active_definitions(batch: Any, names: Iterable[str]) -> tuple[dict[str, list[Any]], int | None]:
    """The same definitions as Batch describes them, and how many were read; None if those of all names were found.

    Args:
        batch: A client.
        names: Of the definitions.
    """
    paginator: Any = batch.get_paginator("describe_job_definitions")
    wanted = list(names)
    if len(wanted) > _ASKED_FOR:
        return _of_account(paginator, wanted)

    def of(name: str) -> list[Any]:
        pages = paginator.paginate(jobDefinitionName=name, status="ACTIVE", PaginationConfig=_PAGES)
        found = (each for page in pages for each in page["jobDefinitions"])
        return [each for each in found if each["jobDefinitionName"] == name]

    return dict(zip(wanted, mapped(of, wanted), strict=True)), None


def _of_account(paginator: Any, names: list[str]) -> tuple[dict[str, list[Any]], int | None]:
    found: dict[str, list[Any]] = {name: [] for name in names}
    read, page = 0, {}
    for page in islice(paginator.paginate(status="ACTIVE", PaginationConfig={"PageSize": _PAGE}), _MOST_PAGES):
        read += len(page["jobDefinitions"])
        for each in page["jobDefinitions"]:
            if each["jobDefinitionName"] in found:
                found[each["jobDefinitionName"]].append(each)
    return found, read if page.get("nextToken") else None
