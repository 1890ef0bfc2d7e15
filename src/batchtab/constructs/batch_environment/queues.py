"""What may be said of a job queue beside its priority, and how it becomes Terraform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.expressions import Condition, Expression, any_of, hcl, is_expression, one_of

_OWN = limits.OWN_ENVIRONMENT


@dataclass(frozen=True)
class SchedulingPolicy:
    """Fair shares of a queue: of the jobs that wait, one of the share that has used least goes first.

    Batch gives a queue that exists no policy and takes none away: such a queue needs another name.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_FairsharePolicy.html

    Attributes:
        share_decay_seconds: How long what a share used counts against it; 0: only what runs now.
        compute_reservation: Percent of the capacity that is kept for shares which have no job yet.
        share_distribution: Share, or the beginning of its name and `*`, to its weight: half of it gets twice as much.
    """

    share_decay_seconds: int | Expression = 0
    compute_reservation: int | Expression = 0
    share_distribution: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Queue:
    """A job queue, where its priority alone does not say all.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html

    Attributes:
        priority: Of several queues on one environment the one with the higher number goes first.
        compute_environments: Names in the order in which Batch tries them; `default` is the environment's own.
        state: DISABLED takes no more jobs; waiting jobs continue.
        runnable_timeout_seconds: In place of the environment's; None: that.
        scheduling_policy: Fair shares; None: first in, first out.
    """

    priority: int | Expression
    compute_environments: Sequence[str] = limits.QUEUE_DEFAULTS["compute_environments"]
    state: str = limits.QUEUE_DEFAULTS["state"]
    runnable_timeout_seconds: int | Expression | None = None
    scheduling_policy: SchedulingPolicy | None = None


@dataclass(frozen=True)
class Further:
    """The environments that are made elsewhere: each one's ARN and capacity by its name."""

    given: Mapping[str, Mapping[str, Any]] | Expression

    def values(self, attribute: str, own: Any) -> Expression | Mapping[str, Any]:
        """An attribute of all environments by their names."""
        first = {} if own is None else {_OWN: own}
        if isinstance(self.given, Expression):
            others = f"{{ for name, each in {self.given.text} : name => each.{attribute} }}"
            return Expression.of(f"merge({hcl(first)}, {others})")
        return {**first, **{name: each[attribute] for name, each in self.given.items()}}

    @property
    def has_fargate(self) -> Condition:
        """Whether one of them is of Fargate."""
        if isinstance(self.given, Expression):
            listed = hcl(list(limits.FARGATE_CAPACITIES))
            return Expression.of(
                f"anytrue([for each in values({self.given.text}) : contains({listed}, each.capacity)])"
            )
        return any_of(*(one_of(each["capacity"], limits.FARGATE_CAPACITIES) for each in self.given.values()))


class Queues:
    """The queues' priorities, and their settings as Terraform finds them by `each.key`."""

    def __init__(
        self, queues: Mapping[str, int | Queue] | Expression, queue_settings: Mapping[str, Any] | Expression | None
    ) -> None:
        self.priorities: Mapping[str, Any] | Expression
        self.settings: Mapping[str, Mapping[str, Any]] | Expression
        own: dict[str, Mapping[str, Any]] = {}
        if isinstance(queues, Expression):
            self.priorities = queues
        else:
            own = {name: _settings(queue) for name, queue in queues.items() if isinstance(queue, Queue)}
            self.priorities = {
                name: queue.priority if isinstance(queue, Queue) else queue for name, queue in sorted(queues.items())
            }
        if isinstance(queue_settings, Expression):
            if own:
                raise ValueError("queue_settings: is an expression beside a Queue in queues: give one of the two")
            self.settings = queue_settings
        else:
            self.settings = {name: each for name, each in {**(queue_settings or {}), **own}.items() if each}

    def has(self, name: str) -> bool:
        """Whether a setting may be given for some queue."""
        return isinstance(self.settings, Expression) or any(name in each for each in self.settings.values())

    def of_each(self, name: str, otherwise: Any) -> Expression:
        """A setting of the queue `each.key`; what is null there is as if it were left out."""
        found, default = f"{hcl(self.settings)}[each.key].{name}", hcl(otherwise)
        if isinstance(self.settings, Expression):
            return Expression.of(f"try(coalesce({found}, {default}), {default})")
        return Expression.of(f"try({found} != null ? {found} : {default}, {default})")

    @property
    def order(self) -> Expression:
        """The names of the environments of the queue `each.key`."""
        return Expression.of(f'try({hcl(self.settings)}[each.key].compute_environments, ["{_OWN}"])')

    @property
    def policies(self) -> Expression | Mapping[str, Any]:
        """The scheduling policies by their queues' names."""
        if isinstance(self.settings, Expression):
            given, policy = self.settings.text, "each.scheduling_policy"
            return Expression.of(f"{{ for name, each in {given} : name => {policy} if {policy} != null }}")
        named = {name: each.get("scheduling_policy") for name, each in self.settings.items()}
        return {name: policy for name, policy in sorted(named.items()) if policy is not None}

    @property
    def need_own(self) -> bool:
        """Whether a queue may run on the environment that is made beside it."""
        if isinstance(self.priorities, Expression) or isinstance(self.settings, Expression):
            return True
        settings = self.settings
        return any(_OWN in settings.get(name, {}).get("compute_environments", (_OWN,)) for name in self.priorities)

    @property
    def names(self) -> list[str] | None:
        """The queues' short names; None where only Terraform knows them."""
        return None if isinstance(self.priorities, Expression) else list(self.priorities)

    def capacity_of(self, name: str, by_name: Expression | Mapping[str, Any]) -> Any:
        """What a queue's jobs run on: the capacity that is tried first."""
        if isinstance(self.settings, Expression) or isinstance(by_name, Expression):
            return Expression.of(f"{self.capacities(by_name).text}[{hcl(name)}]")
        order = self.settings.get(name, {}).get("compute_environments", (_OWN,))
        return by_name[order[0]]

    def capacities(self, by_name: Expression | Mapping[str, Any]) -> Expression:
        """The capacity that each queue tries first, by its short name."""
        first = f'try({hcl(self.settings)}[name].compute_environments[0], "{_OWN}")'
        capacity = f"lookup({hcl(by_name)}, {first}, null)"
        return Expression.of(f"{{ for name, each in {hcl(self.priorities)} : name => {capacity} }}")

    def check(self, capacities: Expression | Mapping[str, Any]) -> None:
        """Refuses known settings that Batch would refuse.

        Args:
            capacities: Of all environments, by their names.

        Raises:
            ValueError: what, the value, what is allowed.
        """
        if not isinstance(self.priorities, Expression):
            if not self.priorities:
                raise ValueError("queues is empty: name at least one, such as {'default': 5}")
            for name, priority in self.priorities.items():
                check("a queue's name", name, limits.QUEUE_NAME)
                check(f"the priority of queue {name}", priority, limits.QUEUE_PRIORITY)
        if isinstance(self.settings, Expression):
            return
        for name, each in self.settings.items():
            if not isinstance(self.priorities, Expression) and name not in self.priorities:
                raise ValueError(f"queue_settings: {name} is not a queue: {', '.join(self.priorities)}")
            check(f"the state of queue {name}", each.get("state"), limits.STATE)
            seconds = each.get("runnable_timeout_seconds")
            check(f"runnable_timeout_seconds of queue {name}", seconds, limits.RUNNABLE_TIMEOUT_SECONDS)
            _check_policy(f"scheduling_policy of queue {name}", each.get("scheduling_policy") or {})
            if (order := each.get("compute_environments")) is not None and not is_expression(order):
                _check_order(f"compute_environments of queue {name}", order, capacities)

    @property
    def order_is_known(self) -> bool:
        """Whether `check` has seen what queues there are, and their environments."""
        return not isinstance(self.settings, Expression)


def _settings(queue: Queue) -> Mapping[str, Any]:
    """What of a queue is not by default."""
    found = {
        name: getattr(queue, name)
        for name in ("compute_environments", "state", "runnable_timeout_seconds")
        if getattr(queue, name) not in (None, getattr(Queue, name))
    }
    if (policy := queue.scheduling_policy) is not None:
        found["scheduling_policy"] = {
            "share_decay_seconds": policy.share_decay_seconds,
            "compute_reservation": policy.compute_reservation,
            "share_distribution": dict(policy.share_distribution),
        }
    return found


def _check_order(what: str, order: Sequence[str], capacities: Expression | Mapping[str, Any]) -> None:
    most = limits.ENVIRONMENTS_PER_QUEUE_MAX
    if not 1 <= len(order) <= most:
        raise ValueError(f"{what}: has {len(order)} environments: 1 to {most}")
    if len(set(order)) < len(order):
        raise ValueError(f"{what}: names one twice: {', '.join(order)}")
    if isinstance(capacities, Expression):
        return
    for name in order:
        if name not in capacities:
            raise ValueError(f"{what}: '{name}' is not an environment: {', '.join(capacities)}")
    known = {name: capacities[name] for name in order if not is_expression(capacities[name])}
    if len({each in limits.FARGATE_CAPACITIES for each in known.values()}) > 1:
        kinds = ", ".join(f"{name} is {each}" for name, each in known.items())
        raise ValueError(f"{what}: mixes Fargate with EC2 or SPOT, which Batch takes in no queue: {kinds}")


def _check_policy(what: str, policy: Mapping[str, Any]) -> None:
    check(f"share_decay_seconds in {what}", policy.get("share_decay_seconds"), limits.SHARE_DECAY_SECONDS)
    check(f"compute_reservation in {what}", policy.get("compute_reservation"), limits.COMPUTE_RESERVATION)
    shares = policy.get("share_distribution") or {}
    if isinstance(shares, Expression):
        return
    for share, weight in shares.items():
        check(f"a share in {what}", share, limits.SHARE_IDENTIFIER)
        if not is_expression(weight) and (refusal := limits.weight_refusal(weight)):
            raise ValueError(f"the weight of share {share} in {what}: {weight} {refusal}")
    if twins := limits.overlap(shares):
        raise ValueError(f"{what}: share {twins[0]} overlaps with {twins[1]}, and Batch requires each in one place")
