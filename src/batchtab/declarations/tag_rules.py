"""Which tags AWS takes: of what characters, how many of a resource, and that IAM does not look at a key's case.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from batchtab import limits
from batchtab.declarations.diagnostics import STAGES, Diagnostic
from batchtab.declarations.service import Source
from batchtab.declarations.stage import StageConfig
from batchtab.declarations.yaml_file import Document, Key

_ALLOWED = f"allowed are letters, digits, spaces and {' '.join(limits.TAG_PUNCTUATION)}"


def stage_problems(stage: StageConfig, document: Document) -> Iterator[Diagnostic]:
    """What is wrong with a stage's tags, which everything in it has."""
    for key, value, message, hint in [*_unwritable(stage.tags), *_twins(stage.tags, {}, "")]:
        yield document.problem(("tags", key), message, value=value, hint=hint)
    number = len({*stage.tags, *limits.OWN_TAGS})
    if number > limits.TAGS_MAX:
        text = f"are {len(stage.tags)}, {number} with Batchtab's own: at most {limits.TAGS_MAX}"
        yield document.problem(("tags",), text)


def job_problems(stage: StageConfig, source: Source) -> Iterator[Diagnostic]:
    """What is wrong with the tags of a service's jobs, with those of the stage added."""
    for name, job in source.spec.jobs.items():
        if (name, "tags") in source.invalid_fields or not job.tags:
            continue
        for key, value, message, hint in [*_unwritable(job.tags), *_twins(job.tags, stage.tags, f" of {STAGES}")]:
            yield source.document.problem(_place(source, name, key), message, value=value, hint=hint)
        number = len({*job.tags, *stage.tags, *limits.OWN_TAGS})
        if number > limits.TAGS_MAX:
            text = f"are {len(job.tags)}, {number} with those of {STAGES} and Batchtab's own: at most {limits.TAGS_MAX}"
            yield source.document.problem(("jobs", name, "tags"), text)


def refused(text: str) -> str:
    """The characters that no tag has: all but letters, digits and spaces of any language, and few others."""
    return "".join(
        sorted({one for one in text if unicodedata.category(one)[0] not in "LZN" and one not in limits.TAG_PUNCTUATION})
    )


def _unwritable(tags: Mapping[str, str]) -> Iterator[tuple[str, object, str, str]]:
    for key, value in tags.items():
        if found := refused(key):
            yield key, None, f"has {_quoted(found)} in its name: {_ALLOWED}", ""
        if found := refused(value):
            yield key, value, f"has {_quoted(found)}: {_ALLOWED}", ""


def _quoted(characters: str) -> str:
    return ", ".join(f"'{one}'" for one in characters)


def _twins(tags: Mapping[str, str], others: Mapping[str, str], of: str) -> Iterator[tuple[str, object, str, str]]:
    first = {other.lower(): (other, of) for other in others}
    for key in tags:
        twin, whose = first.setdefault(key.lower(), (key, ""))
        if twin != key:
            yield key, None, f"differs from the tag {twin}{whose} {limits.TAG_TWINS}", f"write {twin}"


def _place(source: Source, name: str, key: str) -> Key:
    """Where a job's tag is: in the job, or in its service's defaults."""
    own = source.document.data["jobs"][name].get("tags") or {}
    return ("jobs", name, "tags", key) if key in own else ("defaults", "tags", key)
