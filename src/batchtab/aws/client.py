"""The CLI's calls to AWS, but for those in `aws_alerts`: S3, ECR, Batch. All have time-outs and bounded retries."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batchtab.errors import UsageError
from batchtab.local_keys import local_keys
from batchtab.main_container import last_attempt, main_container

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import JobDetailTypeDef, JobSummaryTypeDef
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_s3 import S3Client

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
_FIRST_CONFIG = Config(connect_timeout=5, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2})
_NO_PROFILE = {"profile": (None, None, None, None)}  # neither a file nor a variable names one


@dataclass(frozen=True)
class Lock:
    """The lock of a stack's state, as Terraform writes it."""

    stack: str
    id: str
    who: str
    created: str
    operation: str


class Aws:
    """AWS as one stage sees it.

    Attributes:
        region: The region of its calls.
    """

    def __init__(self, region: str, endpoint_url: str | None = None, config: Config = _CONFIG) -> None:
        self.region = region
        self._config = config
        options: dict[str, Any] = {"region_name": region}
        if endpoint_url:  # whoever calls local AWS may have a profile that no file has
            options |= {name.lower(): value for name, value in local_keys().items()}
        core = botocore.session.Session(session_vars=_NO_PROFILE if endpoint_url else None)
        self._core = core
        core.set_default_client_config(config)  # also for the calls that fetch credentials
        self._session = boto3.session.Session(botocore_session=core, **options)
        self._endpoint_url = endpoint_url

    @property
    def profile(self) -> str:
        """The profile that a file or a variable names; empty for none."""
        return "" if self._endpoint_url else str(self._core.profile or "")

    def client(self, service: str, config: Config | None = None) -> Any:
        """A client of this stage's region, for the files beside this one.

        Raises:
            UsageError: an address of AWS in the environment is none, or a program that gives credentials is not there.
        """
        make: Any = self._session.client  # typed for each service by its literal name
        try:
            return make(service, endpoint_url=self._endpoint_url, config=config or self._config)
        except BotoCoreError:  # some are ValueErrors
            raise
        except (OSError, ValueError) as error:
            raise UsageError(f"AWS cannot be called: {error}", "AWS_… of the environment, ~/.aws/config") from None

    @cached_property
    def _s3(self) -> S3Client:
        return self.client("s3")  # type: ignore[no-any-return]

    @cached_property
    def _batch(self) -> BatchClient:
        return self.client("batch")  # type: ignore[no-any-return]

    # --- the state bucket

    def account_id(self) -> str:
        """The account that the credentials belong to. Without an answer it gives up after half a minute at most."""
        return str(self.client("sts", _FIRST_CONFIG).get_caller_identity()["Account"])

    def bucket_exists(self, bucket: str, account_id: str) -> bool:
        """Whether the bucket is there and this account's own.

        Raises:
            ClientError: it is another account's (403), or S3 refuses.
        """
        try:
            self._s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account_id)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def create_bucket(self, bucket: str) -> None:
        """Makes the bucket in this region."""
        if self.region == "us-east-1":  # the one region that S3 does not take as a constraint
            self._s3.create_bucket(Bucket=bucket)
        else:
            where: Any = {"LocationConstraint": self.region}
            self._s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)

    def versioning(self, bucket: str) -> bool:
        """Whether S3 keeps old versions of the state."""
        return self._s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"

    def enable_versioning(self, bucket: str) -> None:
        """Keeps old versions of the state."""
        self._s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def encryption(self, bucket: str) -> bool:
        """Whether the bucket's own encryption is set."""
        return bool(self._optional("get_bucket_encryption", bucket, "ServerSideEncryptionConfigurationNotFoundError"))

    def enable_encryption(self, bucket: str) -> None:
        """Encrypts with S3's own keys."""
        rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        self._s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def public_access_blocked(self, bucket: str) -> bool:
        """Whether all four blocks of public access are on."""
        answer = self._optional("get_public_access_block", bucket, "NoSuchPublicAccessBlockConfiguration")
        return bool(answer) and all(answer["PublicAccessBlockConfiguration"].values())

    def block_public_access(self, bucket: str) -> None:
        """Turns all four blocks of public access on."""
        self._s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )

    def bucket_policy(self, bucket: str) -> dict[str, Any]:
        """The bucket's policy; empty if it has none."""
        answer = self._optional("get_bucket_policy", bucket, "NoSuchBucketPolicy")
        policy: dict[str, Any] = json.loads(answer["Policy"]) if answer else {}
        return policy

    def put_bucket_policy(self, bucket: str, policy: dict[str, Any]) -> None:
        """Sets the bucket's policy."""
        self._s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy, sort_keys=True))

    def _optional(self, operation: str, bucket: str, absent: str) -> Any:
        try:
            return getattr(self._s3, operation)(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == absent:
                return None
            raise

    # --- the state

    def state(self, bucket: str, stage: str, stack: str) -> dict[str, Any] | None:
        """A stack's state, as Terraform wrote it, with sensitive values. None if there is none."""
        try:
            body = self._s3.get_object(Bucket=bucket, Key=f"{stage}/{stack}.tfstate")["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket", "404"}:
                return None
            raise
        found: dict[str, Any] = json.loads(body)
        return found

    def lock(self, bucket: str, stage: str, stack: str) -> Lock | None:
        """The lock of a stack's state; None if it is not locked.

        Raises:
            ClientError: there is no such bucket, or S3 refuses.
        """
        try:
            body = self._s3.get_object(Bucket=bucket, Key=f"{stage}/{stack}.tfstate.tflock")["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise
        info = json.loads(body)
        operation = info.get("Operation", "").removeprefix("OperationType").lower()
        return Lock(stack, info["ID"], info.get("Who", "?"), info.get("Created", "?")[:19] + "Z", operation or "?")

    def clear_lock(self, bucket: str, stage: str, stack: str) -> None:
        """Removes a lock, even if a run still has it."""
        self._s3.delete_object(Bucket=bucket, Key=f"{stage}/{stack}.tfstate.tflock")

    # --- images

    @cached_property
    def _ecr(self) -> ECRClient:
        client: ECRClient = self.client("ecr")
        return client

    def image_digest(self, repository: str, tag: str) -> str | None:
        """The digest of a tagged image; None if there is no such tag.

        Raises:
            LookupError: there is no such repository.
        """
        try:
            found = self._ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "RepositoryNotFoundException":
                raise LookupError(repository) from error
            if code == "ImageNotFoundException":
                return None
            raise
        return next((image["imageDigest"] for image in found["imageDetails"]), None)

    def put_image(self, repository: str, tag: str, manifest: str) -> str:
        """Registers an image's manifest under a tag and returns its digest."""
        kind = json.loads(manifest)["mediaType"]
        made = self._ecr.put_image(
            repositoryName=repository, imageTag=tag, imageManifest=manifest, imageManifestMediaType=kind
        )
        return made["image"]["imageId"]["imageDigest"]

    def registry_login(self) -> tuple[str, str]:
        """User and password for the account's registry, good for twelve hours."""
        token = self._ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        return user, password

    # --- jobs

    def submit(self, *, name: str, queue: str, definition: str) -> str:
        """Submits one job and returns its id."""
        return self._batch.submit_job(jobName=name, jobQueue=queue, jobDefinition=definition)["jobId"]

    def job(self, job_id: str) -> JobDetailTypeDef:
        """One job, as DescribeJobs returns it.

        Raises:
            LookupError: Batch knows no such job (any more).
        """
        jobs = self._batch.describe_jobs(jobs=[job_id])["jobs"]
        if not jobs:
            raise LookupError(job_id)
        return jobs[0]

    def runs(self, queue: str, name: str) -> Iterator[JobSummaryTypeDef]:
        """A job's runs in a queue, newest first, in whatever status."""
        pages = self._batch.get_paginator("list_jobs").paginate(
            jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}]
        )
        for page in pages:
            # The filter ignores case, and one name may be another's in other letters.
            yield from (job for job in page["jobSummaryList"] if job["jobName"] == name)

    def log(self, prefix: str, job: JobDetailTypeDef) -> str:
        """What a job's last attempt wrote, as far as CloudWatch has it; empty before it started.

        Args:
            prefix: What the stage's names begin with; its log group is called by it.
            job: As `job` returns it.
        """
        stream = main_container(job).get("logStreamName") or last_attempt(job).get("logStreamName")
        if not stream:
            return ""
        try:
            answer = self.client("logs").get_log_events(
                logGroupName=f"/aws/batch/{prefix}", logStreamName=stream, startFromHead=True
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return ""
            raise
        return "\n".join(event["message"] for event in answer["events"])
