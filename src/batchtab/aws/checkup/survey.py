"""Survey: what is there of a stage, read once for all checks: queues, environments, definitions, triggers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

from botocore.config import Config

from batchtab.aws import answers
from batchtab.aws.checkup.check import UncheckedError
from batchtab.aws.checkup.definition import Definition
from batchtab.aws.client import Aws
from batchtab.aws.job_definitions import active_definitions
from batchtab.aws.parallel import together
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.named_jobs import NamedJob, all_jobs
from batchtab.declarations.stage import StageConfig

_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
_PAGES = {"queues": 10, "environments": 10, "rules": 50, "schedules": 100}  # at most; a page has 100
_PAGE = 100
T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What AWS answered, or how it refused."""

    value: T | None = None
    error: Exception | None = None

    def get(self) -> T:
        """The answer.

        Raises:
            Exception: as AWS refused.
        """
        if self.error is not None:
            raise self.error
        assert self.value is not None  # noqa: S101 - one of the two is there
        return self.value

    def known(self, otherwise: T) -> T:
        """The answer, or something in its place for who can do without."""
        return otherwise if self.value is None else self.value


@dataclass(frozen=True)
class Definitions:
    """The newest ACTIVE revision of each declared job's definition, and all ACTIVE ones by number.

    Attributes:
        read: How many of the account's were read; None if all were.
    """

    newest: Mapping[str, Definition] = field(default_factory=dict)
    revisions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    read: int | None = None


class Survey:
    """A stage, as its files declare it and as AWS describes it."""

    def __init__(
        self, catalog: Catalog, aws: Aws, other_prefixes: Sequence[str] = (), endpoint_url: str | None = None
    ) -> None:
        """Asks nothing yet.

        Args:
            catalog: The stage and its services.
            aws: AWS as the stage sees it.
            other_prefixes: What names of the project's other stages begin with, which may begin like this one's.
            endpoint_url: The address of local AWS.
        """
        self.catalog = catalog
        self.aws = aws
        #: The end of an `aws` command: where it is sent to.
        self.where = f"--region {catalog.stage.region}" + (f" --endpoint-url {endpoint_url}" if endpoint_url else "")
        prefix = f"{catalog.stage.prefix}-"
        self._foreign = tuple(f"{each}-" for each in other_prefixes if each.startswith(prefix))
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.bucket: Answer[bool] = Answer()
        self.queues: Answer[dict[str, Any]] = Answer()
        self.environments: Answer[dict[str, Any]] = Answer()
        self.definitions: Answer[Definitions] = Answer()
        self.rules: Answer[dict[str, bool]] = Answer()
        self.schedules: Answer[dict[tuple[str, str], bool]] = Answer()

    def read(self) -> Survey:
        """Asks AWS, several calls at once; a refusal is kept for the checks that need the answer."""
        # First and alone: it makes the client that other threads use.
        self.bucket = _asked(lambda: self.aws.bucket_exists(self.stage.state.bucket, self.stage.account_id))
        parts: dict[str, Callable[[], Any]] = {
            "queues": self._read_queues,
            "environments": self._read_environments,
            "definitions": self._read_definitions,
            "rules": self._read_rules,
            "schedules": self._read_schedules,
        }
        found = together([partial(_asked, read) for read in parts.values()])
        for name, answer in zip(parts, found, strict=True):
            setattr(self, name, answer)
        return self

    def client(self, service: str) -> Any:
        """A client, made once: boto3 makes them in one thread at a time."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self.aws.client(service, _CONFIG)
            return self._clients[service]

    @property
    def stage(self) -> StageConfig:
        """The stage."""
        return self.catalog.stage

    @cached_property
    def jobs(self) -> list[NamedJob]:
        """Every declared job."""
        return list(all_jobs(self.catalog))

    def definition_name(self, job: NamedJob) -> str:
        """What the job's definition is called in Batch."""
        return self.catalog.job_definition_name(job.service, job.name)

    def definition(self, job: NamedJob) -> Definition | None:
        """A job's newest ACTIVE definition; None if it has none, or Batch did not say."""
        return self.definitions.known(Definitions()).newest.get(self.definition_name(job))

    @property
    def deploy(self) -> str:
        """The command that deploys the stage."""
        return f"batchtab {'up' if self.stage.is_local else 'deploy'} --stage {self.stage.name}"

    @property
    def is_deployed(self) -> bool:
        """Whether something of the stage is there, or AWS did not say."""
        unknown = bool(self.queues.error or self.definitions.error)
        queues = self.queues.known({})
        mine = any(self.catalog.job_queue_name(name) in queues for name in self.stage.environment.queues)
        return unknown or mine or bool(self.definitions.known(Definitions()).newest)

    def is_own(self, name: str) -> bool:
        """Whether a name is of this stage, and not of another one whose name begins like it."""
        return name.startswith(f"{self.stage.prefix}-") and not name.startswith(self._foreign)

    def own_environments(self) -> list[Any]:
        """The compute environments of the stage's queues, as Batch describes them; none where it does not say."""
        queues, environments = self.queues.known({}), self.environments.known({})
        own = [queues[name] for each in self.stage.environment.queues if (name := self.queue_name(each)) in queues]
        arns = dict.fromkeys(order["computeEnvironment"] for queue in own for order in queue["computeEnvironmentOrder"])
        return [environments[arn] for arn in arns if arn in environments]

    def queue_name(self, queue: str) -> str:
        """What a queue is called in Batch."""
        return self.catalog.job_queue_name(queue)

    def _read_queues(self) -> dict[str, Any]:
        pages = self._pages("batch", "describe_job_queues", "queues", {}, "nextToken")
        return {queue["jobQueueName"]: queue for page in pages for queue in page["jobQueues"]}

    def _read_environments(self) -> dict[str, Any]:
        pages = self._pages("batch", "describe_compute_environments", "environments", {}, "nextToken")
        return {each["computeEnvironmentArn"]: each for page in pages for each in page["computeEnvironments"]}

    def _read_definitions(self) -> Definitions:
        found, read = active_definitions(self.client("batch"), map(self.definition_name, self.jobs))
        newest = {name: max(each, key=lambda one: one["revision"]) for name, each in found.items() if each}
        return Definitions(
            {name: Definition(each) for name, each in newest.items()},
            {name: [one["revision"] for one in each] for name, each in found.items()},
            read,
        )

    def _read_rules(self) -> dict[str, bool]:
        pages = self._pages("events", "list_rules", "rules", {}, "NextToken")
        return {rule["Name"]: rule.get("State") != "DISABLED" for page in pages for rule in page["Rules"]}

    def _read_schedules(self) -> dict[tuple[str, str], bool]:
        prefix = f"{self.stage.prefix}-"
        pages = self._pages("scheduler", "list_schedules", "schedules", {"NamePrefix": prefix}, "NextToken")
        return {
            (each["GroupName"], each["Name"]): each.get("State") != "DISABLED"
            for page in pages
            for each in page["Schedules"]
        }

    def _pages(self, service: str, call: str, what: str, given: dict[str, Any], token: str) -> Iterator[Any]:
        """The pages of a list, up to a bound."""
        ask, most = getattr(self.client(service), call), _PAGES[what]
        following: dict[str, Any] = {}
        for _ in range(most):
            page = ask(**given, **following)
            yield page
            if not page.get(token):
                return
            following = {token: page[token]}
        raise UncheckedError(f"there are more than {most * _PAGE:,} {what}")


def _asked(ask: Callable[[], T]) -> Answer[T]:
    try:
        return Answer(ask())
    except UncheckedError as error:
        return Answer(error=error)
    except Exception as error:
        if answers.answer(error) is None:
            raise
        return Answer(error=error)
