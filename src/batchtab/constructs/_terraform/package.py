"""A Lambda function's code as a zip that has the same bytes on every machine."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.framework import AssetType, TerraformAsset
from batchtab.constructs._terraform.imports import closure
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.resources import BatchtabConstruct

PACKAGE = Path(__file__).resolve().parents[2]
ROOT = PACKAGE.parents[1]  # of a checkout
_BUILT = (PACKAGE / "modules", ROOT / "modules")

_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip's earliest time
_UNIX = 3
_MODE = 0o644 << 16

_folder: list[TemporaryDirectory[str]] = []


def build(name: str) -> bytes:
    """The zip of a function: its Python files and those of ours that it imports, sorted, without times or compression.

    Compression would depend on the machine's zlib, and a function of some kilobytes needs none.

    Raises:
        FileNotFoundError: its sources are not here.
    """
    folder = sources(name)
    if folder is None:
        raise FileNotFoundError(f"lambda/{name} is not there")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for member, path in closure(folder, PACKAGE, ROOT / "lambda" / "shared").items():
            info = zipfile.ZipInfo(member, _EPOCH)
            info.create_system = _UNIX
            info.external_attr = _MODE
            archive.writestr(info, path.read_bytes())
    return buffer.getvalue()


def sources(name: str) -> Path | None:
    """The folder of a function's sources; None in an installed package, which has only its zip."""
    folders = (ROOT / "lambda" / name, PACKAGE / "local_aws" / name)
    return next((folder for folder in folders if (folder / "handler.py").is_file()), None)


def archive(name: str) -> Path:
    """The zip as a file: the one that was built before, or a new one where sources have changed.

    Raises:
        FileNotFoundError: neither its zip nor its sources are here.
    """
    committed = next((path for folder in _BUILT for path in folder.glob(f"**/{name}.zip")), None)
    if sources(name) is None:
        if committed is None:
            raise FileNotFoundError(f"neither lambda/{name} nor {name}.zip is there")
        return committed
    content = build(name)
    if committed is not None and committed.read_bytes() == content:
        return committed
    if not _folder:
        _folder.append(TemporaryDirectory(prefix="batchtab-"))  # cdktf copies it when it synthesizes
    path = Path(_folder[0].name) / f"{name}.zip"
    path.write_bytes(content)
    return path


class Code(NamedTuple):
    """A function's code as a Lambda resource takes it."""

    filename: str
    source_code_hash: str


def code(scope: BatchtabConstruct, name: str) -> Code:
    """The function's zip: beside the files of a module, among the assets of a stack.

    A stack's path is relative to the folder in which Terraform runs, so that no machine's path gets into its state.
    """
    if isinstance(scope._stack, ModuleStack):
        path = f"${{path.module}}/{name}.zip"
        return Code(Expression(path), Expression.of(f'filebase64sha256("{path}")'))
    file = archive(name)
    asset = TerraformAsset(scope, f"{name}_code", path=str(file), type=AssetType.FILE)
    return Code(asset.path, base64.b64encode(hashlib.sha256(file.read_bytes()).digest()).decode())
