"""What the page of costs shows: the same as `batchtab cost`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batchtab.aws.client import Aws
from batchtab.cli.jobs import cost, cost_table
from batchtab.cli.spans import span
from batchtab.costs.prices import Prices
from batchtab.declarations.named_jobs import all_jobs, find
from batchtab.terraform.session import Session

USUAL = "30d"
SPANS = {"1d": "day", "7d": "7 days", USUAL: "30 days", "90d": "90 days"}


def form(session: Session) -> Mapping[str, Any]:
    """What can be asked for."""
    names = [job.full for job in all_jobs(session.catalog)]
    return {"names": names, "spans": SPANS, "name": "", "since": USUAL, "has_memory": False, "is_asked": False}


def reckoned(
    session: Session, aws: Aws, now: datetime, name: str, since: str, *, has_memory: bool
) -> Mapping[str, Any]:
    """What runs cost.

    Raises:
        UsageError: there is no such job or span, or the region has no prices.
    """
    chosen = [find(session.catalog, name, "cost")] if name else list(all_jobs(session.catalog))
    prices = Prices.load(session.catalog.stage.region)
    period = (now - span(since, "cost"), now)
    found = cost.report(session, aws, chosen, prices, period, measure=has_memory)
    rows = [*found.costs, found.total]
    listing = cost_table.listing(found, rows)
    columns = [column for column in listing.columns[1:] if not column.is_wide]
    return {
        **form(session),
        "name": chosen[0].full if name else "",
        "since": since,
        "has_memory": has_memory,
        "is_asked": True,
        "headings": [column.heading.strip() for column in columns],
        "rows": [
            {"job": each.job, "cells": [column.cell(each).strip() for column in columns], "note": listing.note(each)}
            for each in rows
        ],
        "notes": list(cost_table.notes(found)),
    }
