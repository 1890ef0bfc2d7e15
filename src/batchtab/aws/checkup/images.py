"""Images: those of the account's own ECR exist, and are for the processor that their jobs run on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from batchtab import limits
from batchtab.aws.checkup.check import Check, Question
from batchtab.aws.checkup.finding import Finding, fail
from batchtab.aws.checkup.survey import Survey
from batchtab.declarations.image_registry import image_uri
from batchtab.declarations.named_jobs import NamedJob

_NAME = "images"
_AT_ONCE = 100  # images of a repository in one call
_MANIFESTS = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]
#: Docker's word for each of Batch's.
_PROCESSORS = {"X86_64": "amd64", "ARM64": "arm64"}
# Families of Graviton: a1, t4g, m7gd, c6gn, im4gn, g5g. https://docs.aws.amazon.com/ec2/latest/instancetypes/
_GRAVITON = re.compile(r"a1|[a-z]+\d+g[a-z-]*")


@dataclass(frozen=True)
class _Use:
    """A job that runs an image, and the processor that it gets; empty if that is not known."""

    job: str
    processor: str


def checks(survey: Survey) -> list[Check]:
    """The images; none for local AWS, whose jobs run what this machine has."""
    if survey.stage.is_local:
        return []
    own: dict[str, dict[str, list[_Use]]] = {}  # by repository and tag or digest
    others: set[str] = set()
    for job in survey.jobs:
        for uri in sorted(_images(survey, job)):
            found = re.match(limits.ECR_IMAGE_PATTERN, uri)
            if found is None or (found[1], found[2]) != (survey.stage.account_id, survey.stage.region):
                others.add(uri)
                continue
            repository, mark = _split(uri)
            uses = own.setdefault(repository, {}).setdefault(mark, [])
            uses.append(_Use(job.full, _processor(survey, job)))
    questions = []
    for repository, marks in own.items():
        listed = list(marks)
        for begin in range(0, len(listed), _AT_ONCE):
            some = {mark: marks[mark] for mark in listed[begin : begin + _AT_ONCE]}
            questions.append(Question(f"images of repository {repository}", _repository(survey, repository, some)))
    number = sum(map(len, own.values()))
    result = [Check(_NAME, f"{number} image{'s' if number > 1 else ''} of ECR can be pulled", questions)]
    if others:
        text = f"{len(others)} image{'s' if len(others) > 1 else ''} of other registries (not checked)"
        result.append(Check(_NAME, text, [Question("images of other registries", lambda: ())]))
    return [check for check in result if check.questions]


def _images(survey: Survey, job: NamedJob) -> set[str]:
    """What a job runs now, and what its file says that it will; the shared image may get a digest as it is deployed."""
    definition = survey.definition(job)
    named = [job.spec.image, *(each.image for each in job.spec.containers.values())]
    found = {image_uri(survey.catalog, image) for image in named if image}
    if definition:
        return found | definition.images
    return found | ({image_uri(survey.catalog, None)} if job.spec.image is None else set())


def _split(uri: str) -> tuple[str, str]:
    """An address's repository, and its tag or digest as `:1.0` or `@sha256:…`."""
    path = uri.partition("/")[2]
    if "@" in path:
        repository, _, digest = path.partition("@")
        return repository.partition(":")[0], f"@{digest}"
    repository, _, tag = path.partition(":")
    return repository, f":{tag or 'latest'}"


def _processor(survey: Survey, job: NamedJob) -> str:
    environments = survey.stage.environments_of(job.spec.queue).values()
    if all(each.is_fargate for each in environments):
        definition = survey.definition(job)
        asked = (definition.architecture if definition else "") or job.spec.architecture.upper()
        return _PROCESSORS.get(asked, "")
    kinds = {_of_types(name) for each in environments for name in each.instance_types}
    return kinds.pop() if len(kinds) == 1 else ""


def _of_types(name: str) -> str:
    if name.startswith("default_"):
        return _PROCESSORS.get(name.removeprefix("default_").upper(), "")
    family = name.partition(".")[0]
    return "arm64" if _GRAVITON.fullmatch(family) else "amd64"


def _repository(survey: Survey, repository: str, marks: Mapping[str, list[_Use]]) -> Callable[[], Iterator[Finding]]:
    def ask() -> Iterator[Finding]:
        ids = [{"imageDigest": mark[1:]} if mark.startswith("@") else {"imageTag": mark[1:]} for mark in marks]
        try:
            found = survey.client("ecr").batch_get_image(
                registryId=survey.stage.account_id,
                repositoryName=repository,
                imageIds=ids,
                acceptedMediaTypes=_MANIFESTS,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "RepositoryNotFoundException":
                raise
            user = next(iter(marks.values()))[0].job
            made = repository in survey.stage.repositories
            fix = f"aws ecr create-repository --repository-name {repository} {survey.where}"
            text = f"does not exist, and job {user} runs its image"
            yield fail(_NAME, f"repository {repository}", text, survey.deploy if made else fix)
            return
        manifests: dict[str, str] = {}
        for image in found.get("images") or ():
            for form in (f"@{image['imageId'].get('imageDigest')}", f":{image['imageId'].get('imageTag')}"):
                manifests[form] = image.get("imageManifest") or "{}"
        for mark, uses in marks.items():
            yield from _problems(survey, f"{repository}{mark}", manifests.get(mark), uses)

    return ask


def _problems(survey: Survey, image: str, manifest: str | None, uses: list[_Use]) -> Iterator[Finding]:
    more = f" and {len(uses) - 1} more" if len(uses) > 1 else ""
    if manifest is None:
        shared = survey.stage.runner_image
        is_shared = shared is not None and image.startswith(f"{shared.repository}{shared.suffix[0]}")
        build = f"batchtab ci runner-image --build --stage {survey.stage.name}"
        push = f"docker push the image, or {survey.deploy} with a tag that exists"
        text = f"is not in ECR, and job {uses[0].job}{more} runs it"
        yield fail(_NAME, f"image {image}", text, build if is_shared else push)
        return
    has = processors(manifest)
    for use in uses:
        if has and use.processor and use.processor not in has:
            text = f"is for {', '.join(sorted(has))}, and job {use.job}{more} runs on {use.processor}"
            yield fail(_NAME, f"image {image}", text, f"docker buildx build --platform linux/{use.processor} --push")
            return


def processors(manifest: str) -> set[str]:
    """The processors that an index has images for; empty where the manifest does not say."""
    try:
        listed: Any = json.loads(manifest).get("manifests") or ()
        platforms = [each.get("platform") or {} for each in listed]
    except (ValueError, AttributeError):
        return set()
    return {str(each["architecture"]) for each in platforms if each.get("architecture") not in (None, "unknown")}
