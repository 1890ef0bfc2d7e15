"""`batchtab ci registry-files`: the module `batchtab` as a Terraform registry wants it, a root module of its own.

A registry takes a repository `terraform-<provider>-<name>` with the module at its top, and versions that are tags. What
the module calls is below `modules/`, and how it is used below `examples/`.
https://developer.hashicorp.com/terraform/registry/modules/publish
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from batchtab.errors import UsageError

NAME = "terraform-aws-batchtab"
ROOT_MODULE = "batchtab"
_EXAMPLE = "hcl-jobs-yaml"
#: What makes something that the root module takes, beside what it calls.
_BESIDE = {"compute_environment"}
_SOURCE = re.compile(r'"source": "\.\./(\w+)"')
_GIT = re.compile(r'"git::https://github\.com/my-company/batchtab\.git//modules/(\w+)\?ref=v[^"]+"')
_PRE_RELEASE = {"a": "alpha", "b": "beta", "rc": "rc"}
_VERSION = re.compile(r"([0-9]+)\.([0-9]+)(?:\.([0-9]+))?(?:(a|b|rc)([0-9]+))?(?:\.(dev)([0-9]+))?")
_MODULE_FILES = ("*.tf.json", "*.zip", "README.md")


def registry_files(
    out: Annotated[Path, typer.Option(help="Folder of the repository; its files of a release before are replaced.")],
    root: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
) -> None:
    """Write the repository terraform-aws-batchtab: the module batchtab, the modules that it calls, an example.

    Prints the tag that the version of pyproject.toml gets there.
    """
    tag = semver_tag(version_of(root))
    written = files(root, tag)
    for old in {path for path in out.glob("**/*") if path.is_file() and ".git" not in path.relative_to(out).parts}:
        if str(old.relative_to(out).as_posix()) not in written:
            old.unlink()
    for name, content in written.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    typer.echo(f"{NAME} {tag}: {len(written)} files in {out}")


def files(root: Path, tag: str) -> dict[str, bytes]:
    """The repository's files by their paths.

    Raises:
        UsageError: The module is not there.
    """
    modules = root / "modules"
    if not (modules / ROOT_MODULE / "main.tf.json").is_file():
        raise UsageError(f"{modules / ROOT_MODULE}: no module is there")
    below = sorted(_BESIDE | set(_SOURCE.findall((modules / ROOT_MODULE / "main.tf.json").read_text(encoding="utf-8"))))
    found = {name: _read(path, tag, "") for name, path in _of_module(modules / ROOT_MODULE)}
    for module in below:
        found |= {f"modules/{module}/{name}": _read(path, tag, module) for name, path in _of_module(modules / module)}
    for path in sorted((root / "examples" / _EXAMPLE).glob("*")):
        if path.suffix in {".tf", ".yaml", ".md"}:
            text = path.read_text(encoding="utf-8").replace(f'"../../modules/{ROOT_MODULE}"', '"../.."')
            text = text.replace(
                "`git::https://github.com/<org>/batchtab.git//modules/batchtab?ref=<tag>`", "the registry's"
            )
            found[f"examples/jobs-yaml/{path.name}"] = text.encode()
    return found | {"LICENSE": (root / "LICENSE").read_bytes()}


def version_of(root: Path) -> str:
    """The package's version, as pyproject.toml has it."""
    path = root / "pyproject.toml"
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{path}: [project] has no version") from None


def semver_tag(version: str) -> str:
    """The tag of a Python version: `1.2rc1` is `v1.2.0-rc.1`.

    Raises:
        UsageError: Semantic versions have no such version.
    """
    parts = _VERSION.fullmatch(version)
    if parts is None:
        raise UsageError(f"version {version} has no tag that a registry takes", "such as 1.2.0 or 1.2.0rc1")
    major, minor, patch, kind, number, dev, dev_number = parts.groups()
    words = [*([_PRE_RELEASE[kind], number] if kind else []), *([dev, dev_number] if dev else [])]
    return f"v{major}.{minor}.{patch or 0}" + (f"-{'.'.join(words)}" if words else "")


def _of_module(folder: Path) -> list[tuple[str, Path]]:
    return [(path.name, path) for path in sorted({path for each in _MODULE_FILES for path in folder.glob(each)})]


def _read(path: Path, tag: str, module: str) -> bytes:
    """A file with its references to other modules as they are there; `module` is empty for the root module."""
    if path.suffix == ".zip":
        return path.read_bytes()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return (text if module else _SOURCE.sub(r'"source": "./modules/\1"', text)).encode()
    version = f'"my-company/batchtab/aws{{}}"\n  version = "{tag.removeprefix("v")}"'
    text = _GIT.sub(lambda found: version.format(_below(found[1])), text)
    pages = f"https://github.com/my-company/batchtab/blob/{tag}"
    text = re.sub(r"\]\(\.\./\.\./(docs|examples)/", rf"]({pages}/\1/", text)
    return (text if module else re.sub(r"\]\(\.\./(\w+)/", r"](modules/\1/", text)).encode()


def _below(module: str) -> str:
    return "" if module == ROOT_MODULE else f"//modules/{module}"
