"""Builds the shared runner image of a project with docker, podman or buildah."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from batchtab.runner_image import context
from batchtab.toolchain import readable

BUILDERS = {
    # How to see that it is there and answers: docker's client is often installed where no engine runs.
    "docker": ["docker", "version", "--format", "{{.Server.Version}}"],
    "podman": ["podman", "info", "--format", "{{.Version.Version}}"],
    "buildah": ["buildah", "version"],
}
ANSWER_SECONDS = 20
PIP_FILES = ("/etc/pip.conf", "/etc/xdg/pip/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")
CERTIFICATES = "/build/ca-certificates.crt"


class BuildError(Exception):
    """The image could not be built; the message says what to do."""


@dataclass(frozen=True)
class Image:
    """A built image."""

    builder: str
    tag: str
    size_bytes: int
    user: str
    entrypoint: list[str]
    labels: dict[str, str]


def find_builder(wanted: str | None = None) -> str:
    """The first of docker, podman and buildah that is installed and answers.

    Args:
        wanted: the only one to try.

    Raises:
        BuildError: if none does.
    """
    tried = []
    for name in [wanted] if wanted else list(BUILDERS):
        if shutil.which(name) is None:
            tried.append(f"{name} is not installed")
            continue
        try:
            result = subprocess.run(BUILDERS[name], capture_output=True, timeout=ANSWER_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            tried.append(f"{name} does not answer")
            continue
        if result.returncode == 0:
            return name
        tried.append(f"{name} is installed but does not answer")
    raise BuildError(f"nothing here builds images ({'; '.join(tried)}); on Debian: apt-get install buildah")


def build(
    *,
    tag: str,
    builder: str,
    project: Path,
    arguments: dict[str, str] | None = None,
    base: tuple[str | None, str | None] = (None, None),
    pull: bool = True,
    labels: dict[str, str] | None = None,
    log: IO[bytes] | None = None,
) -> Image:
    """Build an image and look at it.

    pip's settings of this machine (index, proxy, certificates) reach the build as secrets: they are in no layer.

    Args:
        tag: the image's name.
        builder: docker, podman or buildah, or another that takes docker's flags.
        project: whose `jobs/Dockerfile` and programs.
        arguments: build arguments.
        base: another base image: where it is, and its tag; None is the Dockerfile's own. A tag without a digest is not
            compared with the pinned one.
        pull: whether a base image that is not on this machine may be fetched.
        labels: labels of the image, beside those of the Dockerfile.
        log: where the builder's output goes; None is this process's own.

    Raises:
        BuildError: if the builder fails, or pip's settings cannot be used.
    """
    file = context.dockerfile(project)
    command = [builder, "build", "--tag", tag]
    given = dict(arguments or {})
    text = file.read_text(encoding="utf-8") if any(base) else ""
    pinned = context.base(text)
    if pinned is None:  # a Dockerfile of an older version
        given |= {name: value for name, value in zip(("BASE_IMAGE", "BASE_TAG"), base, strict=True) if value}
    for name, value in given.items():
        command += ["--build-arg", f"{name}={value}"]
    for name, value in (labels or {}).items():
        command += ["--label", f"{name}={value}"]
    if builder == "buildah" and not pull:
        command.append("--pull-never")
    elif builder == "podman" and not pull:
        command.append("--pull=never")
    if builder in ("podman", "buildah"):
        command.append("--format=docker")  # the OCI format has no HEALTHCHECK
    with tempfile.TemporaryDirectory(prefix="batchtab-image-") as folder:
        command += _pip_secrets(Path(folder))
        staged = Path(folder) / "context"
        context.stage(project, staged)
        used = file
        if pinned is not None:
            used = Path(folder) / "Dockerfile"
            name, own_tag = base[0] or pinned[0], base[1] or pinned[1]
            used.write_text(context.with_base(text, f"{name}:{own_tag}"), encoding="utf-8")
        command += ["--file", str(used)]
        result = subprocess.run([*command, str(staged)], env=_environment(builder), stdout=log, stderr=log, check=False)
    if result.returncode != 0:
        where = f"see {log.name}" if log else "see above"
        raise BuildError(f"{builder} could not build {file}: exit code {result.returncode}, {where}")
    return inspect(tag, builder)


def inspect(tag: str, builder: str) -> Image:
    """Look at an image that is on this machine.

    Raises:
        BuildError: if it is not.
    """
    command = [builder, "inspect", "--type", "image", tag]
    result = subprocess.run(command, capture_output=True, env=_environment(builder), check=False)
    if result.returncode != 0:
        raise BuildError(f"{builder} has no image {tag}")
    found = json.loads(result.stdout)
    if builder == "buildah":
        config = found["Docker"]["config"]
        listed = subprocess.run(
            ["buildah", "images", "--json", tag], capture_output=True, env=_environment(builder), check=True
        )
        size = _bytes(json.loads(listed.stdout)[0]["size"])
    else:
        config, size = found[0]["Config"], int(found[0].get("Size") or 0)
    return Image(builder, tag, size, config.get("User", ""), config.get("Entrypoint") or [], config.get("Labels") or {})


def _environment(builder: str) -> dict[str, str]:
    """The environment for the builder: BuildKit for docker; no container runtime needed for buildah."""
    environment = dict(os.environ, DOCKER_BUILDKIT="1")
    if builder == "buildah" and not any(shutil.which(runtime) for runtime in ("crun", "runc")):
        environment.setdefault("BUILDAH_ISOLATION", "chroot")
    return environment


def _pip_secrets(folder: Path) -> list[str]:
    """Write this machine's pip settings where a build can mount them; the builder's flags for it."""
    settings = _pip_settings()
    flags = []
    certificates = settings.pop("cert", None)
    if certificates and _is_readable_file(certificates):
        flags += ["--secret", f"id=ca-certificates,src={certificates}"]
        settings["cert"] = CERTIFICATES
    if settings:
        file = folder / "pip.conf"
        file.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        flags += ["--secret", f"id=pip-conf,src={file}"]
    return flags


def _pip_settings() -> dict[str, str]:
    """What pip would use on this machine; indexes that are folders of this machine are left out.

    Files that cannot be read count as absent, as they do for pip.

    Raises:
        BuildError: a file is not what pip reads.
    """
    parser = configparser.RawConfigParser()
    files = [os.path.expanduser(name) for name in PIP_FILES]  # noqa: PTH111 (never raises without a HOME)
    for file in [*files, os.environ.get("PIP_CONFIG_FILE", "")]:
        if _is_readable_file(file):
            try:
                parser.read(file)
            except (configparser.Error, UnicodeDecodeError) as error:
                # The parser's own text quotes the line, in which a password may be.
                raise BuildError(f"'{file}' cannot be parsed; correct it: `pip config list` names the line") from error
    settings: dict[str, str] = {}
    for name in (*PIP_SETTINGS, "cert"):
        variable = "PIP_" + name.upper().replace("-", "_")
        value = os.environ.get(variable) or str(parser.get("global", name, fallback=""))
        words = [word for word in value.split() if not word.startswith("file:")]
        if words:
            settings[name] = " ".join(words)
    return settings


def _is_readable_file(path: str) -> bool:
    return os.path.isfile(path) and readable(path)  # noqa: PTH113 (never raises below a folder that is closed to us)


def _bytes(text: str) -> int:
    """Buildah's size, such as `289 MB`, in bytes."""
    number, unit = text.split()
    return int(float(number) * {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}[unit.upper()])
