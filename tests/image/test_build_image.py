"""How the build chooses a builder and hands on pip's settings; no image is built here."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.projects import PROJECT

from batchtab.runner_image import build, context
from batchtab.runner_image.build import BuildError, find_builder

PINNED = context.base((PROJECT / "jobs" / "Dockerfile").read_text()) or ("", "")


def _program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_first_builder_that_answers_is_taken(programs: Path) -> None:
    # GIVEN a docker client without an engine, and a buildah
    _program(programs, "docker", "exit 1")
    _program(programs, "buildah", "exit 0")
    # THEN buildah is taken, and docker where it answers
    assert find_builder() == "buildah"
    _program(programs, "docker", "exit 0")
    assert find_builder() == "docker"


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (("registry.example/python", None), f"FROM registry.example/python:{PINNED[1]} AS base"),
        ((None, "3.13.13-slim"), "FROM python:3.13.13-slim AS base"),
    ],
)
def test_another_base_takes_the_place_of_the_pinned_one(
    programs: Path, tmp_path: Path, wanted: tuple[str | None, str | None], line: str
) -> None:
    # GIVEN a builder that keeps the Dockerfile which it gets
    _program(
        programs,
        "buildah",
        f'for a; do case $a in */Dockerfile) while read l; do echo "$l"; done <$a >{tmp_path}/got;; esac; done; exit 9',
    )
    # WHEN the image is built on a mirror's base, or on another version
    with pytest.raises(BuildError, match="exit code 9"):
        build.build(tag="x", builder="buildah", project=PROJECT, base=wanted)
    # THEN that is the one base of both stages, and a mirror's has the same digest
    froms = [text for text in (tmp_path / "got").read_text().splitlines() if text.startswith("FROM ")]
    assert froms == [line, "FROM base AS build", "FROM base"]


def test_the_base_is_pinned_by_digest_and_the_same_in_every_copy() -> None:
    assert re.fullmatch(r"[\w.-]+@sha256:[0-9a-f]{64}", PINNED[1])
    root = Path(__file__).resolve().parents[2]
    copies = (root / "jobs" / "Dockerfile", root / "src" / "batchtab" / "project" / "templates" / "Dockerfile.tmpl")
    assert {context.base(path.read_text()) for path in copies} == {PINNED}


def test_a_dockerfile_of_an_older_version_gets_build_arguments(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "Dockerfile").write_text(
        "ARG BASE_IMAGE=python\nARG BASE_TAG=3\nFROM ${BASE_IMAGE}:${BASE_TAG}\n"
    )
    _program(programs, "buildah", f'echo "$@" >{tmp_path}/said; exit 9')
    with pytest.raises(BuildError):
        build.build(tag="x", builder="buildah", project=tmp_path, base=("mirror/python", None))
    assert "--build-arg BASE_IMAGE=mirror/python" in (tmp_path / "said").read_text()


def test_without_a_builder_the_error_says_what_was_tried_and_what_to_install(programs: Path) -> None:
    # GIVEN a docker client without an engine, and nothing else
    _program(programs, "docker", "exit 1")
    # THEN the error says so
    with pytest.raises(BuildError, match=r"docker is installed but does not answer; podman is not.*install buildah"):
        find_builder()


@pytest.mark.usefixtures("programs")
def test_without_a_builder_the_module_ends_with_2_and_one_line() -> None:
    # WHEN the module is called on such a machine
    command = [sys.executable, "-m", "batchtab.runner_image"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
    # THEN it ends as for an error of its user
    assert result.returncode == 2
    assert result.stderr.startswith(b"runner_image: nothing here builds images")
    assert len(result.stderr.splitlines()) == 1


def test_pips_settings_reach_the_build_as_secrets_only(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a machine with an index, a certificate and a folder of its own
    certificate = tmp_path / "ca.crt"
    certificate.write_text("certificate")
    monkeypatch.setattr(build, "PIP_FILES", ())
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@packages.example/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///opt/somewhere")
    monkeypatch.setenv("PIP_CERT", str(certificate))
    noted = tmp_path / "noted"
    copy = f'id=pip-conf,src=*) while read l; do echo "$l"; done <${{a#id=pip-conf,src=}} >>{noted};;'
    _program(programs, "buildah", f'echo "$@" >>{noted}; for a; do case $a in {copy} esac; done; exit 9')
    # WHEN the image is built
    with pytest.raises(BuildError, match="exit code 9"):
        build.build(tag="x", builder="buildah", project=PROJECT)
    # THEN the command line names files, and the file has what pip needs inside the build
    command, *settings = noted.read_text().splitlines()
    assert "packages.example" not in command
    assert f"id=ca-certificates,src={certificate}" in command
    assert settings == [
        "[global]",
        "index-url = https://user:secret@packages.example/simple",
        "cert = /build/ca-certificates.crt",
    ]
    # AND the settings' file is gone
    (source,) = [word.partition("src=")[2] for word in command.split() if word.startswith("id=pip-conf")]
    assert not Path(source).exists()


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is closed to us, with a file in it; also for root, whom no mode keeps out."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "file").write_text("[global]\nindex-url = https://packages.example/simple\n")
    real_stat, real_open, real_access = os.stat, io.open, os.access

    def refuse(path: object) -> None:
        if isinstance(path, str | os.PathLike) and str(path).startswith(str(folder)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def stat_(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        refuse(path)
        return real_stat(path, *arguments, **options)

    def open_(path: Any, *arguments: Any, **options: Any) -> Any:
        refuse(path)
        return real_open(path, *arguments, **options)

    def access(path: Any, mode: int, **options: Any) -> bool:
        return not str(path).startswith(str(folder)) and real_access(path, mode, **options)

    monkeypatch.setattr(os, "stat", stat_)
    monkeypatch.setattr("builtins.open", open_)
    monkeypatch.setattr(os, "access", access)
    return folder / "file"


@pytest.mark.parametrize("setting", ["PIP_CERT", "PIP_CONFIG_FILE", "PIP_FILES"])
def test_settings_of_pip_that_cannot_be_read_count_as_absent(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    # GIVEN a machine on which they are closed to us
    for name in ("PIP_CERT", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(build, "PIP_FILES", (str(closed),) if setting == "PIP_FILES" else ())
    if setting != "PIP_FILES":
        monkeypatch.setenv(setting, str(closed))
    # WHEN pip's settings are written for a build THEN nothing is, and nothing fails
    assert build._pip_secrets(tmp_path) == []


def test_without_a_home_only_the_machines_files_of_pip_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a user without a home, as a container may have one
    def nobody(_number: int) -> None:
        raise KeyError("no such user")

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    (tmp_path / "pip.conf").write_text("[global]\ntimeout = 9\n")
    monkeypatch.setattr(build, "PIP_FILES", ("~/.pip/pip.conf", str(tmp_path / "pip.conf")))
    # THEN the files that need no home are read
    assert build._pip_settings()["timeout"] == "9"


def test_a_file_of_pip_that_is_none_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a file without sections, and a password in it
    (tmp_path / "pip.conf").write_text("index-url = https://user:secret@packages.example\n")
    monkeypatch.setattr(build, "PIP_FILES", (str(tmp_path / "pip.conf"),))
    # WHEN pip's settings are read THEN one line names it, without the password
    with pytest.raises(BuildError, match=r"pip.conf' cannot be parsed; correct it: `pip config list`") as caught:
        build._pip_settings()
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
