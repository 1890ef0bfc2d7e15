"""A publisher on this machine, programs that only answer, and a PATH without anything else."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.toolchain.publisher import Publisher

from batchtab.toolchain import download, prepare, release


@pytest.fixture(name="publisher")
def _publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """The publisher, named by BATCHTAB_TERRAFORM_URL; attempts follow each other at once."""
    publisher = Publisher()
    thread = threading.Thread(target=publisher.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("BATCHTAB_TERRAFORM_URL", publisher.address)
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))
    yield publisher
    publisher.server.shutdown()
    thread.join()
    publisher.server.server_close()


@pytest.fixture
def release_of(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bytes]:
    """Publishes a Terraform that answers with a version, and pins its checksum."""

    def make(version: str = "1.11.4", *, other_members: tuple[str, ...] = (), listed: str | None = None) -> bytes:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as opened:
            for name in other_members:
                opened.writestr(name, "evil")
            if version:
                opened.writestr("terraform", f"#!/bin/sh\necho 'Terraform v{version}'\n")
        checksum = publisher.publish(archive.getvalue(), listed=listed)
        monkeypatch.setitem(release.SHA256, "linux_amd64", checksum)
        return archive.getvalue()

    return make


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, empty, on a machine that Terraform is pinned for; no settings of the caller's."""
    for name in (
        *("TERRAFORM_BINARY_NAME", "BATCHTAB_TERRAFORM_URL", "TERRAFORM_PROVIDER_MIRROR", "TF_CLI_CONFIG_FILE"),
        *("TF_PLUGIN_CACHE_DIR", "UV", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"),
    ):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(release, "platform", SimpleNamespace(system=lambda: "Linux", machine=lambda: "x86_64"))
    monkeypatch.setattr("batchtab.toolchain.provider._ROOTS", ())
    return folder


@pytest.fixture
def program(programs: Path) -> Callable[..., Path]:
    """Makes a program that prints a text, on PATH or elsewhere."""

    def make(name: str, text: str = "", *, script: str = "", folder: Path = programs) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script or f'echo {text!r}'}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project, in a folder with a space in its name."""
    folder = tmp_path / "a project"
    folder.mkdir()
    return folder


@pytest.fixture
def prepared(project: Path) -> Callable[..., list[str]]:
    """Prepares some parts of the project; returns what was said."""

    def make(*parts: str) -> list[str]:
        said: list[str] = []
        prepare(project, parts, say=said.append)
        return said

    return make
