"""Batch's part of a snapshot; every job in it has ended."""

from __future__ import annotations

from typing import Any

from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.store import Store

State = dict[str, Any]
_PARTS = ("environments", "queues", "policies", "definitions")


def state(store: Store) -> State:
    """Return all that Batch knows; to be called under the store's lock."""
    parts = {name: getattr(store, name) for name in _PARTS}
    return {**parts, "jobs": [_job_state(job) for job in store.jobs.values()]}


def restore(store: Store, found: State) -> None:
    """Give Batch what it knew."""
    for name in _PARTS:
        getattr(store, name).update(found[name])
    for number, entry in enumerate(found["jobs"], -len(found["jobs"])):
        parent = store.jobs.get(entry["parent"])
        job = Job(entry["record"], entry["account_id"], entry["region"], number, parent=parent)
        store.jobs[job.id] = job
        if parent is not None:
            parent.children.append(job)
        node_of = job.node_of = store.jobs.get(entry.get("node_of"))
        if node_of is not None:
            node_of.nodes.append(job)


def _job_state(job: Job) -> State:
    return {
        "record": job.record,
        "account_id": job.account_id,
        "region": job.region,
        "parent": job.parent.id if job.parent is not None else None,
        "node_of": job.node_of.id if job.node_of is not None else None,
    }
