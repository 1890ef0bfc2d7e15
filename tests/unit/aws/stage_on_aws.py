"""A stage that is whole on AWS, to be spoiled: real clients of boto3 whose requests are answered here."""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from batchtab.aws.client import Aws
from batchtab.declarations.catalog import Catalog, load
from batchtab.declarations.image_registry import image_uri
from batchtab.declarations.named_jobs import all_jobs

ACCOUNT, REGION, PREFIX = "123456789012", "ap-northeast-2", "batchtab-example"
TASKS = "ecs-tasks.amazonaws.com"


class RefusedError(Exception):
    """What a handler raises to have AWS refuse."""

    def __init__(self, code: str, message: str = "no", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


DENIED = RefusedError("AccessDeniedException", "User x is not authorized", 403)


def trust(*services: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": list(services)}}
    return {"Version": "2012-10-17", "Statement": [statement]}


@dataclass
class World:
    """What AWS knows; `refusals` has an operation's error."""

    catalog: Catalog
    refusals: dict[str, RefusedError] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.bucket: dict[str, Any] | None = {
            "versioning": "Enabled",
            "encryption": True,
            "blocked": True,
            "policy": {
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ]
            },
        }
        self.objects: dict[str, Any] = {}
        environment = f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/{PREFIX}-20260101"
        self.environments: dict[str, Any] = {
            environment: {
                "computeEnvironmentName": f"{PREFIX}-20260101",
                "computeEnvironmentArn": environment,
                "state": "ENABLED",
                "status": "VALID",
                "computeResources": {
                    "type": "EC2",
                    "maxvCpus": 16,
                    "subnets": list(self.catalog.stage.network.subnet_ids) or ["subnet-1"],
                    "ec2Configuration": [{"imageType": "ECS_AL2023", "batchImageStatus": "LATEST"}],
                },
            }
        }
        self.queues = {
            f"{PREFIX}-{name}": {
                "jobQueueName": f"{PREFIX}-{name}",
                "state": "ENABLED",
                "status": "VALID",
                "priority": 1,
                "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": environment}],
            }
            for name in self.catalog.stage.environment.queues
        }
        self.definitions: dict[str, Any] = {}
        self.roles: dict[str, Any] = {
            f"{PREFIX}-trigger": trust("events.amazonaws.com", "scheduler.amazonaws.com"),
        }
        self.rules: dict[str, str] = {f"{PREFIX}-alerts-sweep": "ENABLED", f"{PREFIX}-failed-job-1": "ENABLED"}
        self.schedules: dict[tuple[str, str], str] = {}
        self.images: dict[str, dict[str, Any]] = {}
        for job in all_jobs(self.catalog):
            name = f"{PREFIX}-{job.full}"
            role = f"{name}-job"
            self.roles[role] = trust(TASKS)
            image = image_uri(self.catalog, job.spec.image)
            self.definitions[name] = {
                "jobDefinitionName": name,
                "revision": 1,
                "status": "ACTIVE",
                "type": "container",
                "containerProperties": {"image": image, "jobRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}"},
            }
            repository, _, tag = image.partition("/")[2].partition(":")
            self.images.setdefault(repository, {})[tag] = {}
            if job.spec.timing is not None and job.spec.timing.trigger == "rule":
                self.rules[name] = "ENABLED"
            elif job.spec.timing is not None:
                self.schedules[f"{PREFIX}-{job.service}", name] = "ENABLED"
            if job.spec.upstream:
                self.rules[f"{name}.after"] = "ENABLED"
        self.secrets: dict[str, dict[str, Any]] = {}
        self.parameters: list[str] = []
        self.subnets = {
            name: {"SubnetId": name, "VpcId": "vpc-1", "MapPublicIpOnLaunch": False}
            for each in self.environments.values()
            for name in each["computeResources"]["subnets"]
        }
        self.tables: list[dict[str, Any]] = [
            {
                "RouteTableId": "rtb-1",
                "VpcId": "vpc-1",
                "Associations": [{"Main": True}],
                "Routes": [
                    {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
                    {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"},
                ],
            }
        ]
        self.endpoints: list[dict[str, Any]] = []
        self.applied_quotas = {"L-3032A538": 100.0, "L-36FBB829": 100.0, "L-244521F2": 300.0}
        #: Of a queue, the job that is next, as DescribeJobs describes it.
        self.next_jobs: dict[str, dict[str, Any]] = {}
        #: Of a job, what the submit function noted of it.
        self.states: dict[str, dict[str, Any]] = {}
        self.letters = {f"{PREFIX}-trigger-dead-letter": 0, f"{PREFIX}-job-alerts-dead-letter": 0}

    @property
    def table(self) -> dict[str, Any]:
        return self.tables[0]

    def route_by(self, **target: str) -> None:
        """Has the default route lead elsewhere; nowhere without a target."""
        routes = self.table["Routes"]
        del routes[1:]
        if target:
            routes.append({"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **target})

    def definition_of(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.definitions[f"{PREFIX}-{job}"]
        return found

    def answer(self, operation: str, given: dict[str, Any]) -> Any:
        """The parsed answer to a request."""
        self.calls[operation] += 1
        if operation in self.refusals:
            raise self.refusals[operation]
        return getattr(self, xform_name(operation))(given)

    # --- the operations, called as AWS calls them

    def get_caller_identity(self, _: Any) -> Any:
        return {"Account": ACCOUNT}

    def head_bucket(self, _: Any) -> Any:
        if self.bucket is None:
            raise RefusedError("404", "Not Found", 404)
        return {}

    def _setting(self, name: str) -> Any:
        if self.bucket is None:
            raise RefusedError("NoSuchBucket", "gone", 404)
        return self.bucket[name]

    def get_bucket_versioning(self, _: Any) -> Any:
        return {"Status": self._setting("versioning")}

    def get_bucket_encryption(self, _: Any) -> Any:
        if not self._setting("encryption"):
            raise RefusedError("ServerSideEncryptionConfigurationNotFoundError", "none", 404)
        return {"ServerSideEncryptionConfiguration": {"Rules": []}}

    def get_public_access_block(self, _: Any) -> Any:
        on = self._setting("blocked")
        names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        return {"PublicAccessBlockConfiguration": dict.fromkeys(names, on)}

    def get_bucket_policy(self, _: Any) -> Any:
        if not self._setting("policy"):
            raise RefusedError("NoSuchBucketPolicy", "none", 404)
        return {"Policy": json.dumps(self._setting("policy"))}

    def list_objects_v2(self, given: Any) -> Any:
        return {"Contents": [{"Key": key} for key in self.objects if key.startswith(given.get("Prefix", ""))]}

    def get_object(self, given: Any) -> Any:
        if given["Key"] not in self.objects:
            raise RefusedError("NoSuchKey", "none", 404)
        return {"Body": io.BytesIO(json.dumps(self.objects[given["Key"]]).encode())}

    def describe_job_queues(self, _: Any) -> Any:
        return {"jobQueues": list(self.queues.values())}

    def get_job_queue_snapshot(self, given: Any) -> Any:
        job = self.next_jobs.get(given["jobQueue"])
        arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:job/"
        return {"frontOfQueue": {"jobs": [{"jobArn": arn + job["jobId"]}] if job else []}}

    def describe_jobs(self, given: Any) -> Any:
        return {"jobs": [job for job in self.next_jobs.values() if job["jobId"] in given["jobs"]]}

    def batch_get_item(self, given: Any) -> Any:
        ((table, wanted),) = given["RequestItems"].items()
        names = [key["job"]["S"] for key in wanted["Keys"]]
        items = [
            {"job": {"S": name}, "item": {"S": "state"}, "content": {"S": json.dumps(content)}}
            for name, content in self.states.items()
            if name in names
        ]
        return {"Responses": {table: items}}

    def describe_compute_environments(self, _: Any) -> Any:
        return {"computeEnvironments": list(self.environments.values())}

    def describe_job_definitions(self, given: Any) -> Any:
        name = given.get("jobDefinitionName")
        found = [each for each in self.definitions.values() if name in (None, each["jobDefinitionName"])]
        return {"jobDefinitions": found}

    def list_rules(self, _: Any) -> Any:
        return {"Rules": [{"Name": name, "State": state} for name, state in self.rules.items()]}

    def list_schedules(self, given: Any) -> Any:
        return {
            "Schedules": [
                {"Name": name, "GroupName": group, "State": state}
                for (group, name), state in self.schedules.items()
                if name.startswith(given["NamePrefix"])
            ]
        }

    def get_role(self, given: Any) -> Any:
        if given["RoleName"] not in self.roles:
            raise RefusedError("NoSuchEntity", "none", 404)
        return {"Role": self._role(given["RoleName"])}

    def list_roles(self, _: Any) -> Any:
        return {"Roles": [self._role(name) for name in self.roles], "IsTruncated": False}

    def _role(self, name: str) -> Any:
        return {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(self.roles[name])}

    def describe_secret(self, given: Any) -> Any:
        name = given["SecretId"].partition(":secret:")[2]
        if name not in self.secrets:
            raise RefusedError("ResourceNotFoundException", "can't find it")
        return {"Name": name, **self.secrets[name]}

    def describe_parameters(self, given: Any) -> Any:
        (chosen,) = given["ParameterFilters"]
        assert len(chosen["Values"]) <= 50
        return {"Parameters": [{"Name": name} for name in self.parameters if name in chosen["Values"]]}

    def batch_get_image(self, given: Any) -> Any:
        if given["repositoryName"] not in self.images:
            raise RefusedError("RepositoryNotFoundException", "none")
        there, found = self.images[given["repositoryName"]], []
        for each in given["imageIds"]:
            name = each.get("imageTag") or each["imageDigest"]
            if name in there:
                found.append({"imageId": each, "imageManifest": json.dumps(there[name])})
        return {"images": found, "failures": []}

    def describe_subnets(self, given: Any) -> Any:
        (chosen,) = given["Filters"]
        return {"Subnets": [each for name, each in self.subnets.items() if name in chosen["Values"]]}

    def describe_route_tables(self, _: Any) -> Any:
        return {"RouteTables": self.tables}

    def describe_vpc_endpoints(self, _: Any) -> Any:
        return {"VpcEndpoints": self.endpoints}

    def get_service_quota(self, given: Any) -> Any:
        if given["QuotaCode"] not in self.applied_quotas:
            raise RefusedError("NoSuchResourceException", "none")
        return {"Quota": {"Value": self.applied_quotas[given["QuotaCode"]]}}

    def get_queue_url(self, given: Any) -> Any:
        if given["QueueName"] not in self.letters:
            raise RefusedError("AWS.SimpleQueueService.NonExistentQueue", "none")
        return {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{given['QueueName']}"}

    def get_queue_attributes(self, given: Any) -> Any:
        number = self.letters[given["QueueUrl"].rpartition("/")[2]]
        return {"Attributes": {"ApproximateNumberOfMessages": str(number)}}


class _Answering(Aws):
    """Clients of boto3, made once, that check what is asked and get the answers of whatever world is current."""

    def __init__(self) -> None:
        super().__init__(REGION, "http://127.0.0.1:9")
        self.world: World | None = None
        self._made: dict[str, Any] = {}
        self._making = threading.Lock()

    def client(self, service: str, config: Config | None = None) -> Any:
        del config
        with self._making:
            if service not in self._made:
                made = super().client(service)
                made.meta.events.register("before-parameter-build.*.*", _keep)
                made.meta.events.register("before-call.*.*", self._answer)
                self._made[service] = made
            return self._made[service]

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        assert self.world is not None
        status = 200
        try:
            parsed = self.world.answer(model.name, context["batchtab"])
        except RefusedError as refused:
            status = refused.status
            parsed = {"Error": {"Code": refused.code, "Message": refused.message}}
        parsed = {**parsed, "ResponseMetadata": {"HTTPStatusCode": status}}
        return AWSResponse("http://127.0.0.1:9", status, {}, None), parsed


def _keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["batchtab"] = dict(params)


_ANSWERING: list[_Answering] = []


def answered_by(world: World) -> Aws:
    """AWS as that world answers; the clients are shared, because boto3 takes its time to make them."""
    if not _ANSWERING:
        _ANSWERING.append(_Answering())
    _ANSWERING[0].world = world
    return _ANSWERING[0]


def example(root: Path, change: Callable[[World], None] = lambda _: None) -> World:
    """The project's stage `example`, deployed."""
    world = World(load("example", root))
    change(world)
    return world
