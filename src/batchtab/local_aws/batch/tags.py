from __future__ import annotations

from typing import Any

from batchtab.local_aws import tag_rules
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.store import Scope, Store


def check_tags(tags: dict[str, str] | None) -> None:
    """Refuse more tags than a resource can have, keys that are AWS's own, and characters that no tag has."""
    if not tags:
        return
    if len(tags) > tag_rules.TAGS_MAXIMUM:
        raise ClientError(f"tags: {len(tags)} given, at most {tag_rules.TAGS_MAXIMUM} are allowed")
    if (found := tag_rules.fault(tags)) is not None:
        raise ClientError(f"tags: {found[0]!r} {found[1]}")


def find(store: Store, arn: str) -> dict[str, str]:
    """Return the tags of a resource, to be changed in place.

    Raises:
        ClientError: There is no such resource here.
    """
    if not arn.startswith(Scope.current().prefix):
        raise ClientError(f"Resource {arn} does not exist")
    records: list[dict[str, Any]] = [
        record for part in (store.environments, store.queues, store.policies) if (record := part.get(arn))
    ]
    base, _, revision = arn.rpartition(":")
    records += [r for r in store.definitions.get(base, []) if str(r["revision"]) == revision]
    records += [job.record for job in [store.jobs.get(arn.rsplit("/", 1)[-1])] if job is not None and job.arn == arn]
    if not records:
        raise ClientError(f"Resource {arn} does not exist")
    tags: dict[str, str] = records[0].setdefault("tags", {})
    return tags
