"""Addresses of images, as jobs.yaml writes them."""

from __future__ import annotations

import re

_ECR = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<name>.+)")

#: Docker's official images without ENTRYPOINT, or with one that runs the command that it gets.
_PLAIN_IMAGES = {
    *("almalinux", "alpine", "amazoncorretto", "amazonlinux", "bash", "buildpack-deps", "busybox", "debian"),
    *("eclipse-temurin", "elixir", "erlang", "fedora", "gcc", "golang", "gradle", "mariadb", "maven", "mongo", "mysql"),
    *("node", "openjdk", "perl", "php", "postgres", "python", "redis", "rockylinux", "ruby", "rust", "ubuntu"),
}
_OFFICIAL = ("docker.io/library/", "public.ecr.aws/docker/library/")


def image_fields(address: str) -> dict[str, str]:
    """`python:3.12` becomes `{repository: docker.io/library/python, tag: "3.12"}`; no tag means `latest`.

    A registry must be named in jobs.yaml, because a name without one is a repository in the account's ECR. An image in
    ECR keeps its whole address, except by `short_ecr`.
    """
    rest, at, digest = address.partition("@")
    head, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    repository = f"{head}{slash}{name}"
    host = repository.partition("/")[0]
    if not ("/" in repository and ("." in host or ":" in host or host == "localhost")):
        repository = f"docker.io/{repository if '/' in repository else f'library/{repository}'}"
    return {"repository": repository, "digest": digest} if at else {"repository": repository, "tag": tag or "latest"}


def short_ecr(fields: dict[str, str], account: str | None = None, region: str | None = None) -> dict[str, str]:
    """The same image by its repository's name alone, if it is in this account's ECR; None takes any account."""
    match = _ECR.fullmatch(fields["repository"])
    if match is None or account not in {None, match["account"]} or region not in {None, match["region"]}:
        return fields
    return fields | {"repository": match["name"]}


def runs_any_command(repository: str) -> bool:
    """Whether an image is known to run the command that it gets, so that replacing its ENTRYPOINT changes nothing."""
    return repository.startswith(_OFFICIAL) and repository.rpartition("/")[2] in _PLAIN_IMAGES
