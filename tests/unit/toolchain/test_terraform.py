"""Which Terraform is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.toolchain.publisher import Publisher

from batchtab.toolchain import ToolchainError
from batchtab.toolchain.release import VERSION


@pytest.mark.parametrize("version", ["1.10.0", "1.11.4", "1.15.0-beta1", "2.0.0"])
def test_terraform_on_path_is_used(
    program: Callable[..., Path], prepared: Callable[..., list[str]], project: Path, version: str
) -> None:
    # GIVEN a Terraform on PATH that is new enough, and no publisher
    program("terraform", f"Terraform v{version}")

    # WHEN the project is prepared THEN it is used
    assert prepared("terraform") == []
    assert not (project / ".batchtab/bin/terraform").exists()
    assert (project / ".batchtab/terraform.rc").exists()


@pytest.mark.parametrize("version", ["0.12.31", "1.5.7", "1.9.8"])
def test_terraform_that_is_too_old_is_replaced_by_a_download(
    program: Callable[..., Path],
    release_of: Callable[..., bytes],
    prepared: Callable[..., list[str]],
    project: Path,
    version: str,
) -> None:
    # GIVEN a Terraform on PATH that is too old
    program("terraform", f"Terraform v{version}")
    release_of()

    # WHEN the project is prepared
    said = prepared("terraform")

    # THEN that is said, and the pinned one is in the folder that comes first on PATH
    assert f"Terraform {version} on PATH is older than 1.10" in " ".join(said)
    assert (project / ".batchtab/bin/terraform").exists()


@pytest.mark.parametrize("script", ["exit 1", "echo usage: something else", "kill -9 $$"])
def test_a_program_that_is_no_terraform_counts_as_absent(
    program: Callable[..., Path],
    release_of: Callable[..., bytes],
    prepared: Callable[..., list[str]],
    project: Path,
    script: str,
) -> None:
    # GIVEN another program with that name
    program("terraform", script=script)
    release_of()

    # WHEN the project is prepared THEN Terraform is downloaded
    prepared("terraform")
    assert (project / ".batchtab/bin/terraform").exists()


def test_what_was_downloaded_serves_without_a_network(
    publisher: Publisher,
    program: Callable[..., Path],
    release_of: Callable[..., bytes],
    prepared: Callable[..., list[str]],
) -> None:
    # GIVEN a download, after which the publisher is gone, and an old Terraform on PATH
    program("terraform", "Terraform v1.5.7")
    release_of()
    prepared("terraform")
    publisher.files.clear()

    # WHEN the project is prepared again THEN nothing is asked for
    assert prepared("terraform") == []


def test_a_download_follows_a_new_pin(
    program: Callable[..., Path], release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN what an older Batchtab downloaded: new enough, and not the version that this one pins
    own = program("terraform", "Terraform v1.10.5", folder=project / ".batchtab/bin")
    release_of()

    # WHEN the project is prepared THEN the pinned version takes its place
    assert "  Terraform 1.10.5, downloaded before, is replaced" in prepared("terraform")
    assert f"Terraform v{VERSION}" in own.read_text()
    # AND a second time there is nothing to do
    assert prepared("terraform") == []


def test_terraform_on_path_replaces_a_download(
    program: Callable[..., Path], release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN a download, and a Terraform that was installed since
    release_of()
    prepared("terraform")
    program("terraform", "Terraform v1.14.0")

    # WHEN the project is prepared
    said = prepared("terraform")

    # THEN the download is gone: it would come first on PATH
    assert said == ["  Terraform 1.14.0 on PATH replaces the downloaded one"]
    assert not (project / ".batchtab/bin/terraform").exists()


@pytest.mark.parametrize("spelt", ["as it is", "by a link", "a link to the program"])
def test_the_projects_own_programs_are_not_those_of_the_machine(
    release_of: Callable[..., bytes],
    prepared: Callable[..., list[str]],
    project: Path,
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spelt: str,
) -> None:
    # GIVEN a download, and a PATH on which it is found, as make has it
    release_of()
    prepared("terraform")
    own = project / ".batchtab/bin"
    if spelt == "by a link":
        (tmp_path / "link").symlink_to(project)
        own = tmp_path / "link/.batchtab/bin"
    elif spelt == "a link to the program":
        (programs / "terraform").symlink_to(own / "terraform")
        own = programs
    monkeypatch.setenv("PATH", f"{own}:{programs}")

    # WHEN the project is prepared again THEN the download remains
    assert prepared("terraform") == []
    assert (project / ".batchtab/bin/terraform").exists()


@pytest.mark.parametrize("where", ["on PATH", "by its path"])
def test_another_program_can_be_named(
    program: Callable[..., Path],
    prepared: Callable[..., list[str]],
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    # GIVEN OpenTofu, a Terraform that is too old, and no publisher
    program("terraform", "Terraform v1.5.7")
    tofu = (
        program("tofu", "OpenTofu v1.10.6")
        if where == "on PATH"
        else program("tofu", "OpenTofu v1.10.6", folder=tmp_path / "else where")
    )
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "tofu" if where == "on PATH" else str(tofu))

    # WHEN the project is prepared THEN OpenTofu is used, and nothing is downloaded
    assert prepared("terraform") == []
    assert not (project / ".batchtab/bin/terraform").exists()


def test_a_plain_name_is_as_good_as_none(
    release_of: Callable[..., bytes], prepared: Callable[..., list[str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the name that is used anyway, and no such program
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "terraform")
    release_of()

    # WHEN the project is prepared THEN it is downloaded
    prepared("terraform")
    assert (project / ".batchtab/bin/terraform").exists()


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ("absent", "is not a program that can be run"),
        ("/absent/tofu", "is not a program that can be run"),
        ("x" * 5000, "is not a program that can be run"),
        ("bin/tofu", "is a relative path"),
        ("~/tofu", "is a relative path"),
        ("old", "is OpenTofu 1.6.2, too old"),
        ("other", "does not answer `version`"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(
    publisher: Publisher,
    program: Callable[..., Path],
    prepared: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    named: str,
    fault: str,
) -> None:
    # GIVEN a name that leads nowhere, although a good Terraform is on PATH
    program("terraform", "Terraform v1.11.4")
    program("old", "OpenTofu v1.6.2")
    program("other", "something else")
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", named)

    # WHEN the project is prepared THEN one line shows the value, the fault and what is allowed
    with pytest.raises(ToolchainError) as caught:
        prepared("terraform")
    assert f"TERRAFORM_BINARY_NAME='{named}'" in str(caught.value)
    assert fault in str(caught.value)
    assert "1.10 or newer" in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert publisher.requests == []


def test_settings_of_the_caller_do_not_change_the_answer(
    program: Callable[..., Path], prepared: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a Terraform that fails with the caller's settings
    program("terraform", script='[ -z "$TF_CLI_CONFIG_FILE$TF_CLI_ARGS" ] && echo Terraform v1.11.4')
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/absent")
    monkeypatch.setenv("TF_CLI_ARGS", "-no-color")

    # WHEN the project is prepared THEN it is used
    assert prepared("terraform") == []
