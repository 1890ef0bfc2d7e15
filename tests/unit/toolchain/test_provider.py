"""Where the AWS provider comes from, and what the environment names and cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchtab.toolchain import ToolchainError, cli_config, provider, readable

SOURCES = Path(provider.__file__).parents[2]
NOBODY = 65534
# Everything is imported before the rights are given up: the sources may be closed to that user.
CHILD = """
import os, sys
from pathlib import Path
from batchtab.toolchain import ToolchainError, cli_config, prepare, provider, readable
provider._ROOTS = ()
if os.getuid() == 0:
    os.setgroups([])
    os.setgid({nobody})
    os.setuid({nobody})
{body}
"""


@pytest.fixture(autouse=True)
def _terraform(program: Callable[..., Path]) -> None:
    program("terraform", "Terraform v1.11.4")


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user may write to, with a folder `closed` that only root may enter."""
    folder = Path(tempfile.mkdtemp(prefix="batchtab-test-"))
    folder.chmod(0o777)
    closed = folder / "closed"
    (closed / provider.PROVIDERS["Terraform"]).mkdir(parents=True)
    (closed / "file").write_text("")
    closed.chmod(0)
    yield folder
    closed.chmod(0o700)
    shutil.rmtree(folder)


def as_nobody(body: str, **environment: str) -> str:
    """What a program prints that runs as a user without rights."""
    command = [sys.executable, "-c", CHILD.format(nobody=NOBODY, body=body)]
    variables = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def mirror_in(folder: Path, product: str = "Terraform") -> Path:
    """A folder with the provider."""
    (folder / provider.PROVIDERS[product]).mkdir(parents=True)
    return folder


def test_without_a_mirror_the_provider_is_kept_in_a_cache(prepared: Callable[..., list[str]], project: Path) -> None:
    # GIVEN no mirror WHEN the project is prepared THEN the configuration names a cache that exists
    prepared("terraform")
    cache = project / ".batchtab/plugin-cache"
    assert cache.is_dir()
    assert f'plugin_cache_dir = "{cache}"' in (project / ".batchtab/terraform.rc").read_text()


@pytest.mark.parametrize("how", ["named", "implied", "found"])
def test_a_mirror_on_disk_is_used(
    prepared: Callable[..., list[str]], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    # GIVEN a mirror in one of three places
    places = {"named": "a", "implied": "home/.terraform.d/plugins", "found": "b/plugins"}
    folder = mirror_in(tmp_path / places[how])
    if how == "named":
        monkeypatch.setenv("TERRAFORM_PROVIDER_MIRROR", str(folder))
    if how == "found":
        monkeypatch.setattr(provider, "_ROOTS", (str(folder.parent),))

    # WHEN the project is prepared THEN the configuration names it
    prepared("terraform")
    assert f'filesystem_mirror {{\n    path = "{folder}"' in (project / ".batchtab/terraform.rc").read_text()


def test_opentofu_does_not_use_a_mirror_of_terraforms_registry(
    prepared: Callable[..., list[str]],
    program: Callable[..., Path],
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN OpenTofu, and a mirror with the provider under Terraform's host only
    program("tofu", "OpenTofu v1.10.0")
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "tofu")
    implied = mirror_in(tmp_path / "home/.terraform.d/plugins")

    # WHEN the project is prepared THEN it is not used, and it is once it has OpenTofu's
    prepared("terraform")
    assert "plugin_cache_dir" in (project / ".batchtab/terraform.rc").read_text()
    mirror_in(implied, "OpenTofu")
    prepared("terraform")
    assert str(implied) in (project / ".batchtab/terraform.rc").read_text()


def test_a_mirror_without_the_provider_is_refused(
    prepared: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN the provider's own folder in place of the one above
    folder = mirror_in(tmp_path / "mirror") / "registry.terraform.io"
    monkeypatch.setenv("TERRAFORM_PROVIDER_MIRROR", str(folder))

    # WHEN the project is prepared THEN the line says which folder to name
    with pytest.raises(ToolchainError, match=r"TERRAFORM_PROVIDER_MIRROR='.*' has no .*; name the folder above it"):
        prepared("terraform")


def test_another_cache_is_left_alone(
    prepared: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a cache of the caller's
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("TF_PLUGIN_CACHE_DIR", str(cache))

    # WHEN the project is prepared THEN nothing changes
    prepared("terraform")
    assert os.environ["TF_PLUGIN_CACHE_DIR"] == str(cache)
    assert not list(cache.iterdir())


def test_what_the_environment_configures_comes_first(
    prepared: Callable[..., list[str]], project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a project that is not prepared THEN there is no configuration
    assert cli_config(project) is None

    # WHEN it is prepared THEN its own is used, unless the environment names one that can be read
    prepared("terraform")
    own = project / ".batchtab/terraform.rc"
    assert cli_config(project) == own
    for absent in (str(tmp_path / "absent"), "x" * 5000, "", str(own / "below a file")):
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", absent)
        assert cli_config(project) == own
    (tmp_path / "theirs.rc").write_text("")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "theirs.rc"))
    assert cli_config(project) == tmp_path / "theirs.rc"


def test_paths_that_are_closed_to_a_user_count_as_absent(shared: Path, program: Callable[..., Path]) -> None:
    # GIVEN an ordinary user, and an environment that names files and folders which are closed to that user
    folder = shared / "programs"
    program("terraform", "Terraform v1.11.4", folder=folder)
    for path in (folder, folder / "terraform"):
        path.chmod(0o755)
    closed = str(shared / "closed")

    # WHEN that user prepares a project
    body = (
        f"project = Path({str(shared / 'project')!r}); project.mkdir()\n"
        "prepare(project, ['terraform'])\n"
        "print(cli_config(project).name)"
    )
    printed = as_nobody(
        body,
        HOME=closed,
        PATH=f"{closed}:{folder}",
        TF_CLI_CONFIG_FILE=f"{closed}/file",
        TERRAFORM_PROVIDER_MIRROR=closed,
        UV=f"{closed}/uv",
    )

    # THEN it works as if these names were not there
    ignored = f"  TERRAFORM_PROVIDER_MIRROR='{closed}' is not a folder that can be read; it is ignored\n"
    assert printed == f"{ignored}terraform.rc\n"
    assert "plugin_cache_dir" in (shared / "project/.batchtab/terraform.rc").read_text()


def test_a_folder_that_cannot_be_written_to_is_one_line(shared: Path, program: Callable[..., Path]) -> None:
    # GIVEN an ordinary user in a project that belongs to another one
    folder = program("terraform", "Terraform v1.11.4", folder=shared / "programs").parent
    (shared / "theirs").mkdir(mode=0o755)
    if os.getuid():
        (shared / "theirs").chmod(0o555)
    call = f"prepare(Path({str(shared / 'theirs')!r}), ['terraform', 'python'])"
    body = f"try: {call}\nexcept ToolchainError as error: print(error)"

    # WHEN that user prepares it THEN the line names the folder and the fault
    printed = as_nobody(body, PATH=str(folder))
    assert printed.startswith("the project cannot be written to: ")
    assert "Permission denied" in printed
    assert printed.count("\n") == 1


def test_readable_never_raises(shared: Path, tmp_path: Path) -> None:
    # GIVEN files, folders and what are neither
    file = tmp_path / "file"
    file.write_text("")

    # WHEN they are asked for THEN only what can be read counts
    assert readable(file)
    assert readable(tmp_path)
    for absent in (tmp_path / "absent", file / "below", "x" * 5000, "null\0byte", ""):
        assert not readable(absent)
    paths = [str(shared), str(shared / "closed"), str(shared / "closed/file")]
    assert as_nobody(f"print([readable(path) for path in {paths}])") == "[True, False, False]\n"
