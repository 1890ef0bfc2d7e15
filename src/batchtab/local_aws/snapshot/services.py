"""The state of ministack's services, as its own persistence has it, and what that leaves out."""

from __future__ import annotations

import importlib
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import lambda_svc, s3, sqs

from batchtab.local_aws.internals import BESIDE
from batchtab.local_aws.snapshot.port import Port
from batchtab.local_aws.snapshot.values import Values

State = dict[str, Any]


def values() -> Values:
    """Return what writes ministack's values to a file and reads them."""
    return Values({"account": AccountScopedDict, "region": AccountRegionScopedDict})


def port(old: int, new: int) -> Port:
    """Return what moves state from one port to another, with ministack's own sums."""
    return Port(old, new, s3._compute_s3_checksum, sqs._md5_msg_attrs)


def executing() -> int:
    """Return how many functions run."""
    return int(lambda_svc.executions_in_flight()[0])


def state() -> State:
    """Return the state of all services that have any."""
    gateway = importlib.import_module("ministack.app")
    found = {key: get_state() for key, get_state in gateway._build_persistence_save_dict().items()}
    beside = {f"{module}.{name}": dict(_content(module, name)) for module, names in BESIDE.items() for name in names}
    return {
        "services": {key: content for key, content in found.items() if not _is_empty(content)},
        "beside": {key: content for key, content in beside.items() if content},
    }


def restore(found: State) -> None:
    """Give the services their state; they must have none yet."""
    gateway = importlib.import_module("ministack.app")
    for key, content in found["services"].items():
        gateway._get_module(gateway._state_map[key]).load_persisted_state(content)
    for key, content in found["beside"].items():
        module, _, name = key.partition(".")
        _content(module, name).update(content)


def _content(module: str, name: str) -> dict[Any, Any]:
    store = getattr(importlib.import_module(f"ministack.services.{module}"), name)
    content: dict[Any, Any] = getattr(store, "_data", store)
    return content


def _is_empty(content: Any) -> bool:
    items = content.values() if isinstance(content, dict) else [content]
    return not any(getattr(item, "_data", item) for item in items)
