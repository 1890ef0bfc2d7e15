"""`batchtab ci release-files`, `release-publish`: a tag's modules and packages, with checksums and what changed."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.ci import registry
from batchtab.errors import UsageError
from batchtab.github import actions
from batchtab.github.api import GitHubError
from batchtab.project.version import Version

CHECKSUMS = "SHA256SUMS"
NOTES = "NOTES.md"
_TAG = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?")
_FILES = ("*.tf.json", "*.zip", "README.md")
TagOption = Annotated[str, typer.Option("--tag", envvar="GITHUB_REF_NAME", help="The tag, such as v1.2.0.")]


def release_files(
    tag: TagOption,
    out: Annotated[Path, typer.Option(help="Folder for the files; emptied of others of their kind.")] = Path("dist"),
    root: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
) -> None:
    """Write a release of Batchtab: an archive per module, checksums, and the changes since the tag before.

    The tag must be the version of pyproject.toml. Of Python packages in the folder, those of this version are in the
    checksums, and others are removed. The same tag gives the same bytes everywhere.
    """
    _check(tag)
    version = _version(tag, root)
    out.mkdir(parents=True, exist_ok=True)
    packages = {*out.glob(f"batchtab-{version}-*.whl"), *out.glob(f"batchtab-{version}.tar.gz")}
    for stale in {*out.glob("*.tar.gz"), *out.glob("*.whl"), out / CHECKSUMS, out / NOTES} - packages:
        stale.unlink(missing_ok=True)
    sums = []
    for folder in sorted(path.parent for path in (root / "modules").glob("*/main.tf.json")):
        if folder.name == registry.ROOT_MODULE:  # it calls others, and is whole with them
            name = f"{registry.NAME}-{tag}.tar.gz"
            content = archive({f"{registry.NAME}/{path}": of for path, of in registry.files(root, tag).items()})
        else:
            name = f"batchtab-{folder.name}-{tag}.tar.gz"
            content = archive({f"{folder.name}/{path.name}": path.read_bytes() for path in _files(folder)})
        (out / name).write_bytes(content)
        sums.append(_sum(content, name))
    if not sums:
        raise UsageError(f"{root / 'modules'}: no module is there")
    sums += [_sum(path.read_bytes(), path.name) for path in sorted(packages)]
    (out / CHECKSUMS).write_text("".join(sums))
    (out / NOTES).write_text(notes(tag, root), encoding="utf-8")
    for path in _visible(out):
        typer.echo(str(path))


def release_publish(
    tag: TagOption,
    files: Annotated[Path, typer.Option(help="Folder of release-files.")] = Path("dist"),
) -> None:
    """Publish a release of Batchtab with these files on GitHub, or add what is missing to an existing one.

    Reads GITHUB_TOKEN, GITHUB_REPOSITORY and, for GitHub Enterprise Server, GITHUB_API_URL.
    """
    _check(tag)
    uploads = [path for path in _visible(files) if path.name != NOTES] if files.is_dir() else []
    if not uploads:
        raise UsageError(f"{files}: nothing to publish", "batchtab ci release-files")
    try:
        body = (files / NOTES).read_text(encoding="utf-8")
        done = actions.github().release(tag, body, {path.name: path.read_bytes() for path in uploads})
    except GitHubError as error:
        raise UsageError(str(error)) from None
    typer.echo(f"release {tag}: {done.did} {done.url}".rstrip())


def archive(files: Mapping[str, bytes]) -> bytes:
    """Files by their paths as a .tar.gz with the same bytes each time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), 0o644, 0
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def notes(tag: str, root: Path) -> str:
    """What changed since the tag before, a line for each commit, and how to use the modules."""
    before = _git(root, "describe", "--tags", "--abbrev=0", "--match=v*", f"{tag}^")
    span = f"{before}..{tag}" if before else tag
    subjects = _git(root, "log", "--no-merges", "--format=%s", span).splitlines()
    since = f"Since {before}" if before else "All there is"
    lines = [f"# {tag}", "", f"{since}:", "", *(f"- {subject}" for subject in subjects or ["nothing"]), ""]
    lines += [
        "Check the files with `sha256sum -c SHA256SUMS`, and where they come from with `gh attestation verify`.",
        "",
    ]
    return "\n".join(lines)


def _files(folder: Path) -> list[Path]:
    """What Terraform and people read of a module."""
    return sorted({path for pattern in _FILES for path in folder.glob(pattern)})


def _version(tag: str, root: Path) -> str:
    """The version of the package, which must be the tag's."""
    path = root / "pyproject.toml"
    version = registry.version_of(root)
    try:
        same = Version.parse(tag) == Version.parse(version)
    except ValueError:  # SemVer allows words that Python does not
        same = False
    if not same:
        raise UsageError(f"tag {tag} is not version {version} of {path}", "change the version and tag that commit")
    return version


def _sum(content: bytes, name: str) -> str:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n"


def _visible(folder: Path) -> list[Path]:
    """The files of a release's folder, without the `.gitignore` that uv writes there."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _git(root: Path, *arguments: str) -> str:
    asked = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _check(tag: str) -> None:
    if _TAG.fullmatch(tag) is None:
        raise UsageError(f"'{tag}' is not a version's tag", "such as v1.2.0")
