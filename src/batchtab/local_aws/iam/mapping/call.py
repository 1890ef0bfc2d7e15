from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from batchtab.local_aws.iam import reference
from batchtab.local_aws.iam.checks import Check, Value
from batchtab.local_aws.iam.errors import UnknownRequestError
from batchtab.local_aws.iam.requests import Request

_TAGS = ("Tags", "tags", "TagList", "tagList")
_TAG_KEYS = ("TagKeys", "tagKeys", "TagKeyList")
_NAMES = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"))


class World(Protocol):
    """What there is: a request names many things by halves."""

    def tags(self, arn: str) -> Mapping[str, str]:
        """Tags of a resource; none if there is no such resource."""

    def identity_arn(self, kind: str, name: str) -> str | None:
        """ARN of a `role`, `user`, `group` or `instance-profile`, with its path; None if there is none."""

    def boundary(self, kind: str, name: str) -> str | None:
        """The boundary of a `role` or `user`; None if it has none."""

    def profile_roles(self, name: str) -> list[str]:
        """ARNs of an instance profile's roles."""

    def mapping_function(self, uuid: str) -> str | None:
        """ARN of the function of an event source mapping."""

    def template_id(self, name: str) -> str | None:
        """Id of a launch template."""

    def group_id(self, name: str) -> str | None:
        """Id of a security group."""

    def association(self, association_id: str) -> tuple[str, str] | None:
        """Ids of the route table of an association, and of what it is associated with."""

    def vpc_of(self, resource_id: str) -> str | None:
        """Id of the VPC in which a subnet, route table or security group is."""

    def key_arn(self, reference: str) -> str | None:
        """ARN of a key that is named by id, ARN or alias."""

    def secret_arn(self, reference: str) -> str | None:
        """ARN of a secret that is named by name or ARN."""

    def encryption_key(self, arn: str) -> str | None:
        """ARN of the customer's key with which a resource is encrypted; None if it is AWS's own, or none."""

    def lacks_object(self, bucket: str, key: str) -> bool:
        """Whether there is a bucket, and no such object in it."""

    def hash_key(self, table: str) -> str | None:
        """Name of the attribute that is a table's hash key."""


@dataclass(frozen=True)
class Target:
    """A resource that a request is about.

    Attributes:
        type: As AWS's Service Authorization Reference has it.
        arn: Its ARN.
        context: Condition keys of this resource alone, beside its tags.
        request_tags: What the request gives this resource, where that is not the same for all.
    """

    type: str
    arn: str
    context: Mapping[str, Value] = field(default_factory=dict)
    request_tags: Mapping[str, str] | None = None


class Call:
    """A request, as the rules read it."""

    def __init__(self, request: Request, prefix: str, region: str, account: str, world: World) -> None:
        self.request = request
        self.prefix = prefix
        self.region = region
        self.account = account
        self.world = world

    @property
    def operation(self) -> str:
        """Such as `CreateFunction`."""
        return self.request.operation

    @property
    def action(self) -> str:
        """The action that is named as the operation."""
        return f"{self.prefix}:{self.request.operation}"

    def get(self, path: str) -> Any:
        """Return a parameter, `Target.RoleArn` for one in another; None if it was not given."""
        value: Any = self.request.params
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def need(self, *names: str) -> str:
        """Return the one of several parameters that was given.

        Raises:
            UnknownRequestError: None was, so the request cannot be attributed to a resource.
        """
        for name in names:
            if (value := self.get(name)) not in (None, "", []):
                return str(value)
        raise UnknownRequestError(f"{self.operation} has no {' or '.join(names)}")

    def all(self, *names: str) -> list[str]:
        """Return the values of list parameters, and of plain ones."""
        values = [self.get(name) for name in names]
        return [str(v) for value in values for v in (value if isinstance(value, list) else [value]) if v is not None]

    def arn(self, resource: str, service: str | None = None) -> str:
        """Return an ARN of this account and region; of IAM, which has no regions, without one."""
        service = service or self.prefix
        return f"arn:aws:{service}:{'' if service == 'iam' else self.region}:{self.account}:{resource}"

    @cached_property
    def tags(self) -> dict[str, str]:
        """The tags that the request gives."""
        return tags_in(next((value for name in _TAGS if (value := self.get(name))), None))

    @cached_property
    def tag_keys(self) -> list[str]:
        """The keys of tags that the request names, be it to give or to take them."""
        return [*self.tags, *self.all(*_TAG_KEYS)]

    def check(self, action: str | None = None, target: Target | None = None, **more: Value | None) -> Check:
        """Return a check, with what the action supports of the request's context.

        Args:
            action: The action; without it the one that is named as the operation.
            target: What it is about; a type that the action does not support is no resource, as on AWS.
            more: Condition keys, with `__` in place of `:` and `_` of `-`.
        """
        action = action or self.action
        if not reference.knows(action):
            raise UnknownRequestError(f"AWS has no IAM action {action}")
        type_name = None if target is None or target.type not in reference.types(action) else target.type
        context = self._context(target, more)
        resource = target.arn if target is not None and type_name is not None else "*"
        return Check(action, resource, reference.supported(action, type_name, context))

    def _context(self, target: Target | None, more: Mapping[str, Value | None]) -> dict[str, Value]:
        own = target is not None and target.request_tags is not None
        tags = dict(target.request_tags or {}) if target is not None and own else self.tags
        tag_keys = list(tags) if own else self.tag_keys
        context: dict[str, Value] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        if tag_keys:
            context["aws:TagKeys"] = tag_keys
        if target is not None:
            for key, value in self.world.tags(target.arn).items():
                context[f"aws:ResourceTag/{key}"] = context[f"{self.prefix}:ResourceTag/{key}"] = value
            context |= target.context
        context |= {key.replace("__", ":").replace("_", "-"): value for key, value in more.items() if value}
        return context


def tags_in(given: Any) -> dict[str, str]:
    """Return tags, in whichever of AWS's forms they are: a map, or a list of pairs."""
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in given.items()}
    found = {}
    for each in given if isinstance(given, list) else []:
        for key, value in _NAMES:
            if isinstance(each, Mapping) and key in each:
                found[str(each[key])] = str(each.get(value, ""))
    return found
