"""Fixtures of the constructs' tests; the questions are in `template.py`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# jsii warns on a Node that has had its day; the checkout's own is new enough. It is read when cdktf is imported.
_NODE = Path(__file__).resolve().parents[2] / ".batchtab" / "bin" / "node"
if _NODE.exists():
    os.environ.setdefault("JSII_NODE", str(_NODE))
os.environ.setdefault("NODE_OPTIONS", "--no-deprecation")  # cdktf 0.21 calls what Node 24 will drop


@pytest.fixture(scope="session")
def terraform_rc() -> Path | None:
    """The checkout's configuration of Terraform's plug-ins, where set-up wrote one."""
    path = Path(__file__).resolve().parents[2] / ".batchtab" / "terraform.rc"
    return path if path.exists() else None
