"""Terraform from its publisher: only what is pinned arrives, and faults that pass are no faults."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.unit.toolchain.publisher import ARCHIVE, SUMS, Answer, Publisher

from batchtab.toolchain import ToolchainError, download, release

HELP = ("PATH", "TERRAFORM_BINARY_NAME=/path/to/terraform", "BATCHTAB_TERRAFORM_URL")


def what_is_in(project: Path) -> list[str]:
    """All that a refused download may not leave behind."""
    state = project / ".batchtab"
    return [path.name for path in [*state.glob("bin/*"), *state.glob("download-*")]]


def test_without_terraform_the_pinned_one_is_downloaded_once(
    publisher: Publisher, release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN a PATH without Terraform, and a publisher
    release_of()

    # WHEN the project is prepared twice
    first = prepared("terraform")
    asked = len(publisher.requests)
    second = prepared("terraform")

    # THEN the first run downloads an executable program, and the second one does nothing
    assert (project / ".batchtab/bin/terraform").stat().st_mode & 0o777 == 0o755
    assert f"Terraform 1.11.4 from {publisher.address}" in " ".join(first)
    assert second == []
    assert len(publisher.requests) == asked
    assert what_is_in(project) == ["terraform"]


def test_a_list_with_another_checksum_is_refused_before_the_archive_is_fetched(
    publisher: Publisher, release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN a publisher whose list does not agree with what is pinned
    release_of(listed="f" * 64)

    # WHEN the project is prepared
    with pytest.raises(ToolchainError) as caught:
        prepared("terraform")

    # THEN one line names both checksums and what helps, and nothing was fetched or installed
    assert str(caught.value).count("\n") == 0
    assert "f" * 64 in str(caught.value)
    assert release.SHA256["linux_amd64"] in str(caught.value)
    assert all(word in str(caught.value) for word in HELP)
    assert publisher.count(ARCHIVE) == 0
    assert what_is_in(project) == []


def test_an_archive_with_another_checksum_is_refused(
    publisher: Publisher, release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN an archive that was changed after it was listed
    archive = release_of()
    publisher.files[ARCHIVE] = [Answer(archive + b"evil")]

    # WHEN the project is prepared
    with pytest.raises(ToolchainError, match="is pinned"):
        prepared("terraform")

    # THEN it is fetched once, because this fault does not pass, and nothing of it remains
    assert publisher.count(ARCHIVE) == 1
    assert what_is_in(project) == []


def test_a_server_that_recovers_is_no_fault(
    publisher: Publisher, release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN a server that answers 500 and 503 first, and cuts the archive off once
    archive = release_of()
    publisher.files[SUMS] = [Answer(status=500), Answer(status=503), *publisher.files[SUMS]]
    publisher.files[ARCHIVE] = [Answer(archive[:100], length=len(archive)), Answer(archive)]

    # WHEN the project is prepared
    prepared("terraform")

    # THEN it is asked again until it answers
    assert publisher.count(SUMS) == 3
    assert publisher.count(ARCHIVE) == 2
    assert what_is_in(project) == ["terraform"]


@pytest.mark.parametrize(
    ("answer", "attempts", "said"),
    [
        (Answer(status=500), 3, "answered 500, 3 times"),
        (Answer(b"half", length=1000), 3, "ended after 4 of 1000 bytes, 3 times"),
        (Answer(status=404), 1, "answered 404"),
        (Answer(status=403), 1, "answered 403"),
    ],
    ids=["always 500", "always cut off", "absent", "forbidden"],
)
def test_a_server_that_does_not_recover_is_asked_no_more_than_makes_sense(
    publisher: Publisher,
    release_of: Callable[..., bytes],
    prepared: Callable[..., list[str]],
    project: Path,
    answer: Answer,
    attempts: int,
    said: str,
) -> None:
    # GIVEN a server that always answers so
    release_of()
    publisher.files[ARCHIVE] = [answer]

    # WHEN the project is prepared
    with pytest.raises(ToolchainError) as caught:
        prepared("terraform")

    # THEN one line says what happened and what helps
    assert publisher.count(ARCHIVE) == attempts
    assert said in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert all(word in str(caught.value) for word in HELP)
    assert what_is_in(project) == []


def test_behind_a_closed_network_one_line_says_what_helps(
    prepared: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a port that is taken, where nobody listens
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        monkeypatch.setenv("BATCHTAB_TERRAFORM_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")

        # WHEN the project is prepared THEN the line names the fault and the three ways out
        with pytest.raises(ToolchainError, match="Connection refused") as caught:
            prepared("terraform")
    assert str(caught.value).count("\n") == 0
    assert all(word in str(caught.value) for word in HELP)


def test_a_host_that_does_not_exist_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a name that no server knows
    asked: list[object] = []

    def unknown(*args: object, **_: object) -> None:
        asked.append(args)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    # WHEN it is asked THEN it is asked once
    with pytest.raises(download.DownloadError, match="Name or service not known"):
        download.download("http://nowhere.invalid/file", tmp_path / "file", 10)
    assert len(asked) == 1


def test_more_than_the_limit_is_not_read(publisher: Publisher, tmp_path: Path) -> None:
    # GIVEN a file of 100 bytes
    publisher.files["large"] = [Answer(b"x" * 100)]

    # WHEN 99 are allowed THEN it is refused
    with pytest.raises(download.DownloadError, match="more than 99 bytes"):
        download.download(f"{publisher.address}/large", tmp_path / "large", 99)


def test_a_password_is_sent_to_its_host_alone_and_never_shown(publisher: Publisher, tmp_path: Path) -> None:
    # GIVEN a mirror that asks for a password and sends the caller on to another address
    publisher.files["first"] = [Answer(status=302, headers={"Location": f"{publisher.address}/second"})]
    publisher.files["second"] = [Answer(b"found")]
    url = publisher.address.replace("://", "://user:p%40ss@") + "/first"

    # WHEN a file is downloaded
    download.download(url, tmp_path / "file", 100)

    # THEN only the first request carries it
    assert (tmp_path / "file").read_bytes() == b"found"
    assert publisher.logins == ["Basic dXNlcjpwQHNz", None]
    assert download.without_password(url) == f"{publisher.address}/first"


def test_members_of_an_archive_are_never_used_as_paths(
    release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN an archive with members that lead out of the folder
    release_of(other_members=("../evil", "/evil", "../bin/node"))

    # WHEN the project is prepared THEN the one program arrives and nothing else
    prepared("terraform")
    assert what_is_in(project) == ["terraform"]
    assert not list(project.rglob("evil"))


@pytest.mark.parametrize("members", [("../terraform",), ("bin/terraform",), ()])
def test_an_archive_without_the_program_is_refused(
    release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path, members: tuple[str, ...]
) -> None:
    # GIVEN an archive that has other members only
    release_of("", other_members=members)

    # WHEN the project is prepared THEN it is refused
    with pytest.raises(ToolchainError, match="has no program 'terraform'"):
        prepared("terraform")
    assert what_is_in(project) == []


@pytest.mark.parametrize("archive", [b"", b"no archive", b"PK\x03\x04 and no more"])
def test_what_is_no_archive_is_refused(
    publisher: Publisher,
    prepared: Callable[..., list[str]],
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    archive: bytes,
) -> None:
    # GIVEN a file with the right checksum that is no archive
    monkeypatch.setitem(release.SHA256, "linux_amd64", publisher.publish(archive))

    # WHEN the project is prepared THEN it is refused
    with pytest.raises(ToolchainError, match="archive cannot be read"):
        prepared("terraform")
    assert what_is_in(project) == []


def test_a_program_that_does_not_run_here_is_refused(
    release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN a program that answers with a version that does not suffice, as one for another system answers nothing
    release_of("0.1.0")

    # WHEN the project is prepared THEN it is refused
    with pytest.raises(ToolchainError, match="does not run in"):
        prepared("terraform")
    assert what_is_in(project) == []


def test_what_a_killed_download_left_is_removed(
    release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN what a killed download left
    release_of()
    left = project / ".batchtab/download-left"
    left.mkdir(parents=True)
    (left / "archive.zip").write_bytes(b"half")

    # WHEN the project is prepared THEN it is gone
    prepared("terraform")
    assert what_is_in(project) == ["terraform"]


@pytest.mark.parametrize("address", ["ftp://host/x", "host", "https://", "http://host:port", "/a/folder", "file:///x"])
def test_an_address_that_is_none_is_refused(
    prepared: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    # GIVEN BATCHTAB_TERRAFORM_URL with something else
    monkeypatch.setenv("BATCHTAB_TERRAFORM_URL", address)

    # WHEN the project is prepared THEN the line shows the value and what is allowed
    with pytest.raises(ToolchainError, match="http://host or https://host is allowed") as caught:
        prepared("terraform")
    assert f"BATCHTAB_TERRAFORM_URL='{address.rstrip('/')}'" in str(caught.value)


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "linux_amd64"),
        ("Linux", "aarch64", "linux_arm64"),
        ("Darwin", "arm64", "darwin_arm64"),
        ("Darwin", "x86_64", "darwin_amd64"),
    ],
)
def test_systems_are_named_as_the_publisher_names_them(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, name: str
) -> None:
    # GIVEN a machine
    monkeypatch.setattr(release, "platform", SimpleNamespace(system=lambda: system, machine=lambda: machine))

    # WHEN its release is looked for THEN it has the publisher's name and address, and a whole checksum
    found = release.Release.pinned()
    assert found.system == name
    assert found.address == "https://releases.hashicorp.com"
    assert re.fullmatch("[0-9a-f]{64}", found.sha256)


def test_a_machine_without_a_pinned_release_is_named(
    prepared: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a machine that Terraform is not pinned for
    monkeypatch.setattr(release, "platform", SimpleNamespace(system=lambda: "Linux", machine=lambda: "riscv64"))

    # WHEN the project is prepared THEN the line names it and what helps
    with pytest.raises(ToolchainError, match="not pinned for linux_riscv64") as caught:
        prepared("terraform")
    assert all(word in str(caught.value) for word in HELP)
