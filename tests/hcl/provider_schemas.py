"""What AWS provider 5 and 6 know of the resource types that the modules use, read from the bindings of both.

The bindings of provider 6 are not installed: their wheel is downloaded for this and thrown away. To read anew:

    python -m pip download --no-deps -d /tmp/wheels cdktf-cdktf-provider-aws==20.1.0
    python -m pip download --no-deps -d /tmp/wheels cdktn-provider-aws==25.8.1
    python -m tests.hcl.provider_schemas /tmp/wheels/*.whl
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batchtab.constructs._terraform.export import MODULES

FIXTURE = Path(__file__).with_suffix(".json")

#: cdktf's bindings say it behind the class, cdktn's in it.
_TYPES = (
    re.compile(r'^(\w+)\.tfResourceType = "(\w+)";', re.MULTILINE),
    re.compile(
        r'^class (\w+) extends \w+\.Terraform\w+ \{(?:(?!^\}).)*?^ +static tfResourceType = "(\w+)";', re.M | re.S
    ),
)
_STRUCT = re.compile(r"^function (\w+)ToHclTerraform\(.*?^}", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^ {8,12}(\w+): \{\n.*?isBlock: (\w+),.*?storageClassType: \"(\w+)\",", re.MULTILINE | re.DOTALL)
_READ = re.compile(r"\.get\w+Attribute\(['\"](\w+)['\"]\)")
_READ_BLOCK = re.compile(r"= new \w+\(this, ['\"](\w+)['\"]")


def used_types() -> set[str]:
    """The resource types and, with `data.` in front, the data sources of all modules."""
    found = set()
    for path in MODULES.glob("*/main.tf.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        found |= content.get("resource", {}).keys()
        found |= {f"data.{type_}" for type_ in content.get("data", {})}
    return found


def read(wheel: Path) -> tuple[str, dict[str, Any]]:
    """The provider's version that a wheel was made for, and what it says of the types in use."""
    with zipfile.ZipFile(wheel) as archive:
        (inner,) = [name for name in archive.namelist() if name.endswith(".jsii.tgz")]
        content = archive.read(inner)
    schemas: dict[str, Any] = {}
    version = ""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        folders = {type_: _folder(type_) for type_ in used_types()}
        sources: dict[str, str] = dict.fromkeys(folders, "")
        for member in archive:
            if member.name == "package/package.json":
                package = json.load(_open(archive, member))
                version = package["cdktf"]["provider"]["version"]
            for type_, folder in folders.items():
                if member.name.startswith(f"package/lib/{folder}/") and member.name.endswith(".js"):
                    sources[type_] += _open(archive, member).read().decode()
    for type_, source in sorted(sources.items()):
        schemas[type_] = _schema(type_, source)
    return version, schemas


def _folder(type_: str) -> str:
    name = type_.removeprefix("data.").removeprefix("aws_").replace("_", "-")
    return f"data-aws-{name}" if type_.startswith("data.") else name


def _open(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    return archive.extractfile(member)


def _schema(type_: str, source: str) -> dict[str, Any]:
    named = next((found for pattern in _TYPES if (found := pattern.search(source))), None)
    if named is None or named[2] != type_.removeprefix("data."):
        raise SystemExit(f"{type_}: its binding was not found")
    structs = {match[1].lower(): match[0] for match in _STRUCT.finditer(source)}
    resource = source[source.index("synthesizeHclAttributes()") :]
    own = source[source.index(f"class {named[1]} extends") :]
    return {
        "arguments": dict(_members(resource, structs)),
        "attributes": sorted({*_READ.findall(own), *_READ_BLOCK.findall(own)}),
    }


def _members(text: str, structs: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Arguments with None, blocks with their own members."""
    for name, is_block, kind in _MEMBER.findall(text):
        struct = structs.get(kind.removesuffix("List").lower()) or structs.get(kind.lower())
        if is_block == "true" and struct is None:
            raise SystemExit(f"the block {name} ({kind}) was not found")
        yield name, dict(sorted(_members(struct, structs))) if struct else None


def _text(found: dict[str, dict[str, Any]]) -> str:
    """JSON with a line for each type, so that a change of one is one line's."""
    majors = []
    for version, schemas in sorted(found.items()):
        lines = (f"    {json.dumps(type_)}: {json.dumps(schemas[type_], sort_keys=True)}" for type_ in sorted(schemas))
        majors.append(f"  {json.dumps(version)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(majors) + "\n}\n"


def main() -> int:
    """Writes the fixture from the wheels that are named."""
    found = dict(read(Path(wheel)) for wheel in sys.argv[1:])
    if len(found) < 2:
        print("name the wheels of two majors; the docstring says how to get them", file=sys.stderr)
        return 2
    FIXTURE.write_text(_text(found), encoding="utf-8")
    print(f"wrote {FIXTURE.name}: {', '.join(sorted(found))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
