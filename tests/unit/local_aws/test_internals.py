"""Every internal of ministack that local AWS uses is checked at start-up."""

from __future__ import annotations

import ast
from pathlib import Path

from batchtab.local_aws.internals import BESIDE, REQUIRED

CORE = ("iam_actions", "iam_evaluator", "responses", "router")
PACKAGE = Path(__file__).resolve().parents[3] / "src" / "batchtab" / "local_aws"


def used() -> set[str]:
    """Names of ministack that the package reads or replaces, as `services.sqs._queues`."""
    found: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text())
        modules: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack."):
                prefix = str(node.module).removeprefix("ministack.")
                for alias in node.names:
                    if prefix == "services" or alias.name in CORE:
                        modules[alias.name] = f"{prefix}.{alias.name}"
                    else:
                        found.add(f"{prefix}.{alias.name}")
        if file.name == "hooks.py":
            modules |= {
                name: f"services.{name}" for name in ("batch", "eventbridge", "scheduler", "cloudwatch", "lambda_svc")
            }
            modules["lambda_runtime"] = "core.lambda_runtime"
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                found.add(f"{modules[node.value.id]}.{node.attr}")
    return found


def checked() -> set[str]:
    return {f"{module}.{name.partition('(')[0]}" for module, names in REQUIRED.items() for name in names}


def test_what_is_used_is_checked() -> None:
    assert len(used()) > 30
    assert used() - checked() == set()


def test_nothing_is_checked_that_is_not_used() -> None:
    by_name = {f"app.{name}" for name in ("app", "_build_persistence_save_dict", "_get_module", "_reset_all_state")}
    by_name |= {f"app._{name}" for name in ("authenticate_only", "enforce_ses_v2", "handle_pre_body_request")}
    by_name |= {"app._handle_special_data_plane_request", "services.iam._groups", "services.iam._users"}
    by_name |= {"app._state_map", *(f"services.{module}.{name}" for module in BESIDE for name in BESIDE[module])}
    wrapped = {"services.eventbridge._put_rule", "services.eventbridge._enable_rule"}  # reached by their names
    wrapped |= {"services.scheduler._create_schedule", "services.scheduler._update_schedule", "app.AUTH"}
    wrapped |= {
        "services.kms._create_key",
        "services.kms._put_key_policy",
        "services.secretsmanager._put_resource_policy",
    }
    wrapped |= {"services.sns._create_topic", "services.sns._set_topic_attributes"}
    assert checked() - used() - by_name - wrapped - {"services.scheduler._error"} == set()
