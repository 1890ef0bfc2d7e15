"""A Lambda function's code as a zip that has the same bytes on every machine."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from cdktf import AssetType, TerraformAsset

from .expressions import Expression
from .module_stack import ModuleStack
from .resources import Unit

MODULES = Path(__file__).resolve().parent.parent
SOURCES = MODULES.parent / "lambda"

_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip's earliest time
_UNIX = 3
_MODE = 0o644 << 16

_folder: list[TemporaryDirectory[str]] = []


def build(name: str) -> bytes:
    """The zip of `lambda/<name>`: its Python files, sorted, without times or compression.

    Compression would depend on the machine's zlib, and a function of some kilobytes needs none.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted((SOURCES / name).rglob("*.py"), key=lambda path: path.as_posix()):
            info = zipfile.ZipInfo(path.relative_to(SOURCES).as_posix(), _EPOCH)
            info.create_system = _UNIX
            info.external_attr = _MODE
            archive.writestr(info, path.read_bytes())
    return buffer.getvalue()


def has_sources(name: str) -> bool:
    """Whether the function's sources are here; an installed package has only the committed zip."""
    return (SOURCES / name).is_dir()


def archive(name: str) -> Path:
    """The zip as a file: the one that is committed beside the construct, or a new one where sources have changed."""
    committed = next(MODULES.glob(f"*/{name}.zip"), None)  # the module may have another name than its function
    if not has_sources(name):
        if committed is None:
            raise FileNotFoundError(f"neither lambda/{name} nor modules/*/{name}.zip is there")
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


def code(scope: Unit, name: str) -> Code:
    """The function's zip: beside the files of a module, among the assets of a stack.

    A stack's path is relative to the folder in which Terraform runs, so that no machine's path gets into its state.
    """
    if isinstance(scope._stack, ModuleStack):
        path = f"${{path.module}}/{name}.zip"
        return Code(Expression(path), Expression.of(f'filebase64sha256("{path}")'))
    file = archive(name)
    asset = TerraformAsset(scope, f"{name}_code", path=str(file), type=AssetType.FILE)
    return Code(asset.path, base64.b64encode(hashlib.sha256(file.read_bytes()).digest()).decode())
