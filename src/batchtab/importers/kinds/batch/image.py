"""An image's address in a definition, of which a template may not know all parts."""

from __future__ import annotations

import re

from batchtab.importers.images import image_fields, short_ecr
from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.kinds.batch.node import BatchNode
from batchtab.importers.places import Place

_ECR = re.compile(r"(?P<account>[0-9]{12}|\0[0-9]+\0)\.dkr\.ecr\.[^/]+")
_TODO = "write image: {repository: …, tag: …}"


def read(node: BatchNode, place: Place) -> dict[str, str] | None:
    """An image as jobs.yaml has it; None if its repository is not known, which is recorded.

    A repository in the ECR of the place has its short name, and so has one of any ECR where the place is not known.
    """
    address = node.reference("image")
    unknown = names_in(address)
    if not unknown:
        if not address.strip():
            node.leave("image", "there is none", _TODO)
            return None
        fields = short_ecr(image_fields(address), place.account or None, place.region or None)
        _record(node, address, fields)
        return fields
    text = str(address)
    for index, name in enumerate(unknown):
        text = text.replace(f"${{{name}}}", f"\0{index}\0")
    host, _, path = text.partition("/")
    repository, _, rest = re.sub("[:@]", "\n", path, count=1).partition("\n")
    match = _ECR.fullmatch(host)
    if match is None or "\0" in repository or not repository:
        node.leave("image", f"not known: {', '.join(unknown)}", f"{_TODO}; without it the runner image is taken")
        return None
    known = "\0" not in rest
    fields = image_fields(f"registry.invalid/{path}") if known else {"tag": "latest"}
    fields |= {"repository": repository}
    of_tag = [unknown[int(index)] for index in re.findall("\0([0-9]+)\0", rest)]
    todo = "" if known else f"write the tag, which is not known: {', '.join(of_tag)}"
    if match["account"].isdigit() and match["account"] != place.account:
        todo = f"write its whole address, if account {match['account']} is another one"
    node.change("image", f"image: {repository}:{fields.get('tag', '…')}", todo)
    return {"repository": fields.pop("repository"), **fields}


def _record(node: BatchNode, address: str, fields: dict[str, str]) -> None:
    short = fields["repository"]
    if address.startswith((f"{short}:", f"{short}@")):
        node.carry("image", "image")
    else:
        node.change("image", f"image: {short}")
