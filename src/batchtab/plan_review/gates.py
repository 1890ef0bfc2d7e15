"""Which plans must not pass by themselves: `--fail-on`."""

from __future__ import annotations

from enum import StrEnum

from batchtab.plan_review.job_change import REMOVED
from batchtab.plan_review.resource import DELETE, REPLACE
from batchtab.plan_review.summary import Summary


class Gate(StrEnum):
    """What a plan can be refused for."""

    CHANGES = "changes"
    DESTROY = "destroy"
    REPLACE = "replace"
    LOSS = "loss"
    JOB_REMOVED = "job-removed"
    IAM = "iam"
    WIDE = "wide"
    FINDINGS = "findings"


def reasons(summary: Summary, gates: list[Gate]) -> list[str]:
    """Why a plan does not pass, a line for each gate; empty if it does."""
    losses = summary.destructions
    permissions = summary.all_permissions
    scan = summary.findings
    found: dict[Gate, list[str]] = {
        Gate.CHANGES: [row.address for row in summary.resources] + list(summary.outputs),
        Gate.DESTROY: [loss.address for loss in losses if loss.action == DELETE],
        Gate.REPLACE: [loss.address for loss in losses if loss.action == REPLACE],
        Gate.LOSS: [f"{loss.address} ({loss.lost})" for loss in losses if loss.lost],
        Gate.JOB_REMOVED: [change.name for change in summary.jobs if change.action == REMOVED],
        Gate.IAM: [change.address for change in permissions if change.widens],
        Gate.WIDE: [f"{change.address} ({p})" for change in permissions for p in change.added if p.is_wide],
        Gate.FINDINGS: [f"{f.check} {f.resource}" for f in scan.failed] if scan else ["no scan was given"],
    }
    if scan and scan.is_blind:
        found[Gate.FINDINGS].append("the scan could not read its files")
    words = {
        Gate.CHANGES: "changes something",
        Gate.DESTROY: "destroys",
        Gate.REPLACE: "replaces",
        Gate.LOSS: "loses what is in",
        Gate.JOB_REMOVED: "removes the job",
        Gate.IAM: "gives more permissions",
        Gate.WIDE: "gives wide permissions",
        Gate.FINDINGS: "checkov",
    }
    return [f"{gate.value}: {words[gate]}: {_first(found[gate])}" for gate in gates if found[gate]]


def _first(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
