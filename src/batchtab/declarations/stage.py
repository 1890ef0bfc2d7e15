"""StageConfig: one deployment of everything, as `config/<stage>.yaml` describes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, ValidationError, field_validator, model_validator

from batchtab import limits
from batchtab.declarations.diagnostics import Diagnostic
from batchtab.declarations.environment import ComputeEnvironment, Environment, Network, check_order, made
from batchtab.declarations.fields import AllowUnquoted, Limit, StrictModel, invalid, problems_of
from batchtab.declarations.image import ImageRef
from batchtab.declarations.job_fields import TagKey, TagValue, checked_tags
from batchtab.declarations.runs_arguments import Runs
from batchtab.declarations.stage_alerts import Alerts
from batchtab.declarations.yaml_file import Document, read
from batchtab.schedules import zones

_TEXTS = ("account_id", "runner_image.tag", "tags.*")
# Placeholders for required fields that are missing or wrong, so that all else can still be checked.
_PLACEHOLDERS: dict[str, Any] = {
    "region": "us-east-1",
    "account_id": "999999999999",
    "state": {"bucket": "placeholder"},
    "network": {"create": True},
}

Region = Annotated[str, Strict(), Limit(limits.REGION)]
RepositoryName = Annotated[str, Strict(), Limit(limits.REPOSITORY_NAME)]
_STAGE = limits.STAGE_DEFAULTS


class State(StrictModel):
    """Where Terraform keeps its state."""

    bucket: Annotated[str, Strict(), Limit(limits.BUCKET_NAME)] = Field(
        description="S3 bucket of the remote state; `batchtab bootstrap` makes it. Keys are <stage>/<stack>.tfstate."
    )


class LocalImage(StrictModel):
    """How an image's jobs run where no container engine answers."""

    folder: Annotated[str, Strict()] = Field(description="The folder in which they run.")
    entrypoint: tuple[Annotated[str, Strict()], ...] = Field(
        default=(), description="Words in front of a job's command, like the image's ENTRYPOINT."
    )


class LocalAws(StrictModel):
    """What local AWS needs to know; only read in a local stage."""

    port: Annotated[int, Strict()] = Field(
        default=4566, ge=1024, le=65535, description="Port of local AWS on 127.0.0.1."
    )
    enforce_iam: Annotated[bool, Strict()] = Field(
        default=True, description="Whether roles need the permissions that they need on AWS."
    )
    images: dict[RepositoryName, Annotated[str, Strict()] | LocalImage] = Field(
        default={},
        description="Repository to the folder in which its jobs run where no container engine has it.",
    )
    container_engine: Literal["auto", "docker", "podman", "nerdctl", "finch", "none"] = Field(
        default="auto", description="What runs jobs as containers: auto is the first that answers."
    )


class StageFile(StrictModel):
    """A stage's file, as it is written."""

    region: Region = Field(description="AWS region.")
    account_id: Annotated[str, Strict(), Limit(limits.ACCOUNT_ID), AllowUnquoted()] = Field(
        description="AWS account; 000000000000 is local AWS."
    )
    namespace: Annotated[str, Strict(), Limit(limits.NAMESPACE)] = Field(
        default=_STAGE["namespace"], description="First part of all names, which begin <namespace>-<stage>."
    )
    timezone: Annotated[str, Strict()] = Field(
        default=_STAGE["timezone"],
        description="Time zone in which times are shown; schedules are in UTC unless a job names another.",
    )
    state: State = Field(description="Where Terraform keeps its state: {bucket: NAME}.")
    network: Network = Field(description="{create: true}, or subnet_ids and security_group_ids that exist.")
    environment: Environment = Field(default=Environment(), description="Capacity and queues.")
    environments: dict[Annotated[str, Limit(limits.COMPUTE_ENVIRONMENT_NAME)], ComputeEnvironment] = Field(
        default={},
        description="More compute environments, by names that queues list in order; the one in environment is default.",
    )
    runner_image: ImageRef | None = Field(default=None, description="Image of the jobs that name none.")
    repositories: tuple[RepositoryName, ...] = Field(default=(), description="ECR repositories that this stage makes.")
    alerts: Alerts = Field(default=Alerts(), description="Where failed jobs are reported.")
    runs: Runs = Field(default=Runs(), description="What is recorded of runs.")
    log_retention_days: Annotated[int, Strict(), Limit(limits.LOG_RETENTION_DAYS)] = Field(
        default=_STAGE["log_retention_days"], description="How long logs are kept."
    )
    permissions_boundary_arn: Annotated[str, Strict(), Limit(limits.POLICY_ARN)] | None = Field(
        default=None,
        description="Boundary of every role that is made here; `batchtab ci roles --make-boundary` makes one.",
    )
    secrets_kms_key_arns: tuple[Annotated[str, Strict(), Limit(limits.KMS_KEY_ARN)], ...] = Field(
        default=(), description="Keys of the jobs' secrets, where these are not AWS's own keys."
    )
    tags: dict[TagKey, TagValue] = Field(
        default={}, max_length=limits.TAGS_MAX, description="Tags of everything in this stage."
    )
    local: LocalAws | None = Field(default=None, description="Local AWS; only with account_id 000000000000.")
    jobs: tuple[Annotated[str, Strict()], ...] | None = Field(
        default=None, description="Services of this stage; left out: all under jobs/."
    )

    @property
    def is_local(self) -> bool:
        """Whether this is local AWS, which no real account can be."""
        return self.account_id == limits.LOCAL_ACCOUNT_ID

    @field_validator("timezone")
    @classmethod
    def _validate_timezone(cls, value: str) -> str:
        if refusal := zones.refusal(value):
            raise invalid(*refusal)
        return value

    @field_validator("tags")
    @classmethod
    def _validate_tags(cls, value: dict[str, str]) -> dict[str, str]:
        return checked_tags(value)

    @property
    def compute_environments(self) -> dict[str, ComputeEnvironment]:
        """The environments that are made: those that some queue names, `default` the one in `environment`."""
        return made(self.environment, self.environments)

    @model_validator(mode="after")
    def _validate_environments(self) -> StageFile:
        check_order(self.environment, self.environments)
        return self

    @model_validator(mode="after")
    def _validate_local(self) -> StageFile:
        if not self.is_local:
            hint = f'a local stage has account_id: "{limits.LOCAL_ACCOUNT_ID}"'
            if self.local is not None:
                raise invalid("is only for a local stage", hint, at=("local",))
            if self.alerts.stand_in:
                raise invalid("is only for a local stage", hint, at=("alerts", "stand_in"), value=True)
        return self


class StageConfig(StageFile):
    """A stage by its name, which is its file's."""

    name: str

    @property
    def prefix(self) -> str:
        """What every physical name begins with: `<namespace>-<stage>`."""
        return f"{self.namespace}-{self.name}"

    @property
    def local_aws(self) -> LocalAws:
        """The settings of local AWS, those left out included."""
        return self.local or LocalAws()

    def environments_of(self, queue: str) -> dict[str, ComputeEnvironment]:
        """A queue's compute environments by name, in the order in which Batch tries them; all if it is not known."""
        every = self.compute_environments
        known = self.environment.queues.get(queue)
        return every if known is None else {name: every[name] for name in known.compute_environments}

    def capacity_of(self, queue: str) -> str:
        """What a queue's jobs run on, as far as a job has to know: the capacity that is tried first."""
        return next(iter(self.environments_of(queue).values())).capacity

    def is_fargate(self, queue: str) -> bool:
        """Whether a queue's jobs run on Fargate, where sizes come in fixed pairs."""
        return self.capacity_of(queue) in limits.FARGATE_CAPACITIES

    @property
    def max_vcpus(self) -> int:
        """What all environments have together."""
        return sum(each.max_vcpus for each in self.compute_environments.values())

    @property
    def partition(self) -> str:
        """The partition of this region's ARNs."""
        return next((f"aws-{part}" for part in ("cn", "us-gov") if self.region.startswith(part)), "aws")

    @property
    def own_boundary_arn(self) -> str:
        """The boundary that `batchtab ci roles --make-boundary` makes."""
        return f"arn:{self.partition}:iam::{self.account_id}:policy/{self.prefix}-ci-boundary"

    def secret_arn(self, reference: str) -> str:
        """A secret's ARN; a name is completed with this stage's region and account.

        The ARN of a secret by its name lacks the six characters that Secrets Manager adds; ECS finds it without them.
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
        """
        if reference.startswith("arn:"):
            return reference
        place = f"arn:{self.partition}:{{}}:{self.region}:{self.account_id}"
        if reference.startswith("secretsmanager:"):
            return f"{place.format('secretsmanager')}:secret:{reference.removeprefix('secretsmanager:')}"
        return f"{place.format('ssm')}:parameter/{reference.removeprefix('ssm:').removeprefix('/')}"


def read_stage(path: Path) -> tuple[StageConfig | None, Document, list[Diagnostic], set[str]]:
    """A stage, its document, its faults, and the top-level fields in which they are and which have placeholders."""
    document = read(path, _TEXTS)
    problems = list(document.problems)
    refusal = limits.STAGE_NAME.refusal(path.stem)
    if refusal:
        problems.append(Diagnostic(document.file, None, "", "", None, f"names a stage '{path.stem}', which {refusal}"))
    invalid_fields: set[str] = {str(key[0]) for key in document.faults if key}
    if path.stem == limits.RESERVED_NAME:
        text, hint = "names a stage 'ci', and the states of the roles for workflows are below ci/", "rename the file"
        problems.append(Diagnostic(document.file, None, "", "", None, text, hint))
    if not document.data:
        return None, document, problems, invalid_fields
    try:
        StageFile.model_validate(document.data)
    except ValidationError as error:
        for key, problem in problems_of(error, StageFile, document):
            if key not in document.faults:
                problems.append(problem)
            invalid_fields.add(str(key[0]) if key else "")
    data = {key: value for key, value in document.data.items() if key not in invalid_fields}
    data.update({key: value for key, value in _PLACEHOLDERS.items() if key not in data})
    if invalid_fields & {"environment", "environments"}:  # one names what is in the other
        for name in ("environment", "environments"):
            data.pop(name, None)
            invalid_fields.add(name)
    if "account_id" in invalid_fields or "account_id" not in document.data:
        data.pop("local", None)
        data.pop("alerts", None)
    try:
        return StageConfig.model_validate({**data, "name": path.stem}), document, problems, invalid_fields
    except ValidationError as error:  # only what was hidden by the first faults
        found = [problem for _, problem in problems_of(error, StageFile, document)]
        return None, document, [*problems, *(p for p in found if p not in problems)], invalid_fields
