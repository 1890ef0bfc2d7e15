"""What Node the constructs' tests use; their questions are in `template.py`."""

from __future__ import annotations

import os
from pathlib import Path

# jsii warns on a Node that has had its day; the checkout's own is new enough. It is read when cdktf is imported.
_NODE = Path(__file__).resolve().parents[2] / ".batchtab" / "bin" / "node"
if _NODE.exists():
    os.environ.setdefault("JSII_NODE", str(_NODE))
os.environ.setdefault("NODE_OPTIONS", "--no-deprecation")  # cdktf 0.21 calls what Node 24 will drop
