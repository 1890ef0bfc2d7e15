"""What is allowed and mostly not meant: warnings of `batchtab check`, which `--strict` makes faults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from batchtab import limits
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.container_rules import all_of
from batchtab.declarations.diagnostics import Diagnostic, Diagnostics
from batchtab.declarations.job import JobSpec
from batchtab.declarations.joins import Joins
from batchtab.declarations.service import Source
from batchtab.declarations.sizes import REFERENCE
from batchtab.masking import mask, mask_forms

Caution = tuple[tuple[str, ...], object, str, str]  # path in the job, value, message, hint
_MOVING_TAG = "latest"
_MOVES = "moves: a run takes the image that was pushed last, which no plan shows"
_PINNED = "the tag of a version, or digest: sha256:…"
NOTHING_RETRIED = "has no effect: attempts is 1, so no failure is retried"
# A variable that says where a secret is, or something about one; and values that are no secrets whatever the name.
_ABOUT = re.compile(
    r"(?i)(url|uri|endpoint|host|file|path|dir|name|arn|id|ids|ttl|seconds|minutes|days|expiry|length|size|limit|count"
    r"|type|mode|enabled|required|policy|version|header|prefix|region|bucket|table|algorithm)$"
)
_NO_SECRET = re.compile(
    r"(?i)[\d.,:_-]*|true|false|yes|no|none|null|.{0,5}|/.*|\.{1,2}/.*|[a-z0-9]+://.*|arn:.*|\$.*|<.*>"
)


def cautions(catalogs: Sequence[Catalog], now: datetime) -> tuple[Diagnostic, ...]:
    """The warnings of all stages, each once, in the order of the files.

    Args:
        catalogs: The stages that are checked, each with its services.
        now: For what is over.
    """
    found = (each for catalog in catalogs for each in _of_catalog(catalog, now))
    return Diagnostics(replace(each, severity="warning") for each in found).problems


def _of_catalog(catalog: Catalog, now: datetime) -> Iterator[Diagnostic]:
    image = catalog.stage.runner_image
    if catalog.document is not None and not catalog.stage.is_local and image is not None and image.tag == _MOVING_TAG:
        yield catalog.document.problem(("runner_image", "tag"), _MOVES, value=_MOVING_TAG, hint=_PINNED)
    jobs = {(source.spec.service, name): job for source in catalog.sources for name, job in source.spec.jobs.items()}
    joins = Joins(jobs, now)
    for source in catalog.sources:
        yield from _unused_parameters(source)
        if not catalog.stage.is_local:
            yield from _moving_images(source)
        for name, job in source.spec.jobs.items():
            found = [*_secrets(job), *_privileges(job), *_useless_rules(source, name, job)]
            if not job.suspend:
                found += [*_over(job, now), *_overlaps(job)]
                found += _joins(source.spec.service, job, joins)
            for path, value, message, hint in found:
                yield source.document.problem(_place(source, name, path), message, value=value, hint=hint)


def _overlaps(job: JobSpec) -> Iterator[Caution]:
    timing = job.timing if job.concurrency_policy == "allow" else None
    most = timing.outlasted_by(job.timeout_seconds) if timing else None
    if most is not None:
        text = f"is longer than the {most} seconds between two runs, and concurrency_policy allow lets them overlap"
        yield ("timeout_seconds",), job.timeout_seconds, text, f"concurrency_policy: forbid, or at most {most}"


def _over(job: JobSpec, now: datetime) -> Iterator[Caution]:
    timing = job.timing
    if timing is None or timing.is_rate:
        return
    if timing.next_runs(now, 1):
        return
    if job.end is not None:
        yield ("end",), job.end, "is over: the job does not run any more", "another end, or leave schedule and end out"
    else:
        yield ("schedule",), job.schedule, "is over: the job does not run any more", "another year, or leave it out"


def _useless_rules(source: Source, name: str, job: JobSpec) -> Iterator[Caution]:
    own = source.document.data["jobs"][name]
    is_meant = "attempts" in own and "evaluate_on_exit" not in own  # a job of a service whose others are tried again
    if job.evaluate_on_exit and job.attempts == 1 and not is_meant:
        yield (
            ("evaluate_on_exit",),
            None,
            NOTHING_RETRIED,
            "attempts: 2 or more",
        )


def _privileges(job: JobSpec) -> Iterator[Caution]:
    for path, each in all_of(job):
        if each.privileged:
            text = "lets the container do everything on its EC2 instance, like root there"
            yield (*path, "privileged"), True, text, "leave it out, and name the devices that it needs"
    for arn in job.managed_policy_arns:
        if limits.is_wide_policy(arn):
            yield ("managed_policy_arns",), arn, limits.WIDE, "permissions, with the actions that it needs"


def _secrets(job: JobSpec) -> Iterator[Caution]:
    places: dict[tuple[str, ...], dict[str, str]] = {("environment",): job.environment}
    places |= {("containers", name, "environment"): each.environment for name, each in job.containers.items()}
    for path, variables in places.items():
        for name, value in variables.items():
            is_named = mask(f"{name}={value}") != f"{name}={value}"
            is_literal = not _ABOUT.search(name) and not _NO_SECRET.fullmatch(value)
            if (is_named and is_literal) or mask_forms(value) != value:
                text = "looks like a secret, which all see who read this file, a plan or the job definition"
                yield (*path, name), None, text, f"secrets: {{{name}: /a/parameter}}, and another secret"


def _joins(service: str, job: JobSpec, joins: Joins) -> Iterator[Caution]:
    if runs := joins.runs(service, job):
        text = f"names jobs that run equally often, and the end of each starts this one: {runs} runs"
        yield ("after",), [*job.after], text, f"after_all: [{', '.join(job.after)}] starts one run when all have ended"
    if len(job.after_all) == 1:
        yield ("after_all",), [*job.after_all], "names one job only", f"after: {job.after_all[0]}"


def _unused_parameters(source: Source) -> Iterator[Diagnostic]:
    used = {name: {*REFERENCE.findall(" ".join(job.command))} for name, job in source.spec.jobs.items()}
    data = source.document.data
    holders: list[tuple[tuple[str, ...], dict[str, Any], set[str], str]] = [
        (("jobs", name), data["jobs"][name], own, "the job's command does not use it") for name, own in used.items()
    ]
    anywhere = {reference for own in used.values() for reference in own}
    holders.append((("defaults",), data.get("defaults") or {}, anywhere, "no command of the service uses it"))
    for place, holder, references, why in holders:
        for name in holder.get("parameters") or {}:
            if name not in references:
                path = (*place, "parameters", name)
                yield source.document.problem(path, f"has no effect: {why}", hint=f"write Ref::{name} where it belongs")


def _moving_images(source: Source) -> Iterator[Diagnostic]:
    for name, job in source.spec.jobs.items():
        if job.image is not None and job.image.tag == _MOVING_TAG:
            data = source.document.data
            places = (("jobs", name), ("defaults",), ())
            holders = (data["jobs"][name], data.get("defaults") or {}, data)
            place = next(place for place, holder in zip(places, holders, strict=True) if "image" in holder)
            yield source.document.problem((*place, "image", "tag"), _MOVES, value=_MOVING_TAG, hint=_PINNED)


def _place(source: Source, name: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """Where it is: in the job, in its service's defaults, or nowhere, which counts as the job."""
    data = source.document.data
    for place, holder in ((("jobs", name), data["jobs"][name]), (("defaults",), data.get("defaults") or {})):
        inner = holder
        for part in path:
            inner = inner.get(part) if isinstance(inner, dict) else None
        if inner is not None:
            return (*place, *path)
    return ("jobs", name, *path)
