"""The spec of a Job: how often, how many at once, how long."""

from __future__ import annotations

from batchtab import limits
from batchtab.importers.kinds.kubernetes import failures
from batchtab.importers.kinds.kubernetes.draft import Draft, whole
from batchtab.importers.node import Node

_BACKOFF_LIMIT = 6  # https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy
_DAY = 86_400
_NO_DELAY = "Kubernetes waits ever longer between attempts, Batch does not"
_LEFT = {
    "ttlSecondsAfterFinished": "Batch removes its record of a run by itself",
    "podReplacementPolicy": "the next attempt starts when the one before has ended, as with Failed",
    "manualSelector": "selects pods, which Batch does not have",
    "selector": "selects pods, which Batch does not have",
    "managedBy": "names a controller of the cluster",
}


def counts(spec: Node, draft: Draft) -> None:
    """Completions and parallelism: an array, whose children Batch starts at once."""
    draft.is_indexed = spec.take("completionMode") == "Indexed"
    completions, parallelism = whole(spec.take("completions")), whole(spec.take("parallelism"))
    size = completions if completions is not None else parallelism if parallelism is not None else 1
    if size >= limits.ARRAY_SIZE.minimum:
        if refusal := limits.ARRAY_SIZE.refusal(size):
            why, todo = f"as array_size it {refusal}", "split the work into more jobs"
            spec.leave("completions", why, todo)
            spec.leave("parallelism", why if completions is None else "there is no array", todo)
        else:
            draft.settings["array_size"] = size
            _array(spec, completions, parallelism or 1)
    elif size == 0:
        spec.leave("completions", "nothing would run; the imported job runs once", "decide whether it should run")
        spec.leave("parallelism", "nothing would run; the imported job runs once", "decide whether it should run")
    else:
        for key in ("completions", "parallelism"):
            spec.carry(key, "one run, which a job without array_size is")
    if draft.is_indexed:
        spec.change("completionMode", "each child has its index, in AWS_BATCH_JOB_ARRAY_INDEX")
    else:
        spec.carry("completionMode", "the children of an array are alike, but for an index")


def _array(spec: Node, completions: int | None, parallelism: int) -> None:
    size = completions if completions is not None else parallelism
    if completions is None:
        note = f"array_size: {size}. Kubernetes ends the work when one pod succeeds, here each child has to"
        spec.change("parallelism", note, "let each child end with 0 when no work is left")
        return
    spec.carry("completions", f"array_size: {size}")
    if parallelism >= size:
        spec.carry("parallelism", "an array starts all its children at once")
        return
    note = f"Batch starts all {size} children as soon as there is room, Kubernetes {parallelism} at once"
    todo = "decide whether all may run at once; else give the job a queue whose max_vcpus allows fewer"
    if "parallelism" in spec:
        spec.leave("parallelism", note, todo)
    else:
        spec.recorder.not_carried(spec.name("parallelism"), 1, f"{note}, as it says nothing else", todo)


def retries(spec: Node, draft: Draft, main: str) -> None:
    """Retries become attempts, and the policy of failures becomes rules."""
    key = "backoffLimitPerIndex" if "backoffLimitPerIndex" in spec else "backoffLimit"
    limit = whole(_BACKOFF_LIMIT if spec.data.get(key) is None else spec.data[key])
    attempts = 1 if limit is None or limit < 0 else min(limit + 1, limits.ATTEMPTS.maximum)
    most = failures.policy(spec, draft, main, attempts)
    _record(spec, draft, key, limit, most)
    if key == "backoffLimitPerIndex":
        spec.leave("backoffLimit", "each child is retried by itself, as backoffLimitPerIndex says")
    if most > 1:
        draft.settings["attempts"] = most
    spec.leave("maxFailedIndexes", "an array goes on when children fail", "decide whether that is wanted")


def _record(spec: Node, draft: Draft, key: str, limit: int | None, attempts: int) -> None:
    """Record the limit of retries, of which come the attempts."""
    if spec.data.get(key) is None:
        note = f"attempts: {attempts}, because Kubernetes retries {_BACKOFF_LIMIT} times where nothing is said"
        if key in spec:
            spec.change(key, note)
        else:
            spec.recorder.changed(spec.name(key), "", f"{note}; {_NO_DELAY}")
        return
    if limit is None or limit < 0:
        spec.leave(key, "is not a whole number", "write attempts")
        return
    note = f"attempts: {attempts}, the first included"
    if not limit and attempts > 1:
        note = f"attempts: {attempts}, the most, only after failures that podFailurePolicy ignores"
        note += ". Kubernetes has no limit for these"
    elif limit + 1 > limits.ATTEMPTS.maximum:
        note += f": {limits.ATTEMPTS.maximum} are the most"
    elif limit:
        note += f"; {_NO_DELAY}"
    if draft.settings.get("array_size") and key == "backoffLimit" and limit:
        note += ", of each child; Kubernetes counts those of all pods together"
    spec.change(key, note)


def deadline(spec: Node, pod: Node, draft: Draft) -> None:
    """How long it may run: of the whole Job, and of one pod."""
    found = {}
    for node, key in ((spec, "activeDeadlineSeconds"), (pod, "activeDeadlineSeconds")):
        seconds = whole(node.data.get(key))
        if seconds is not None and seconds > 0:
            found[node.path] = seconds
    bounds = limits.FARGATE_TIMEOUT_SECONDS if draft.options.is_fargate else limits.TIMEOUT_SECONDS
    if not found:
        draft.settings["timeout_seconds"] = _DAY
        note = f"timeout_seconds: {_DAY}, a day: Kubernetes sets no limit, and Batchtab's default is an hour"
        spec.recorder.changed(spec.name("activeDeadlineSeconds"), spec.take("activeDeadlineSeconds") or "", note)
        return
    seconds = min(max(min(found.values()), bounds.minimum), bounds.maximum)
    draft.settings["timeout_seconds"] = seconds
    if spec.path not in found:
        spec.leave("activeDeadlineSeconds", "is not a number of seconds")
        return
    note = f"timeout_seconds: {seconds}"
    if seconds != found[spec.path]:
        is_least = seconds == bounds.minimum
        note += ", the least" if is_least else ", the most" if seconds == bounds.maximum else ", which the pod says"
    elif draft.settings.get("attempts", 1) == 1:
        spec.carry("activeDeadlineSeconds", "timeout_seconds")
        return
    if draft.settings.get("attempts", 1) > 1:
        note += ". It is for each attempt; Kubernetes counts all attempts together"
    spec.change("activeDeadlineSeconds", note)


def others(spec: Node) -> None:
    """What has no place in jobs.yaml."""
    for key, why in _LEFT.items():
        spec.leave(key, why)
    if spec.take("suspend") is True:
        spec.leave("suspend", "each run would wait until somebody resumes it", "decide who starts the job")
    else:
        spec.carry("suspend", "a run starts at once")
    if "successPolicy" in spec:
        todo = "decide whether the array may end before all its children do"
        spec.leave("successPolicy", "an array succeeds when all its children do", todo)
