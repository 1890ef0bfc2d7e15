"""Something of every service, with names that stay the same."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from datetime import datetime

from tests.e2e.local_helpers import ACCOUNT, REGION, TRUST, LocalAws, ec2_resources, policy, sizes

FUNCTION = """\
import json, os, boto3
def handler(event, context):
    saw = event.get("detail-type") or event["Records"][0]["body"]
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps({"saw": saw}))
    return {"seen": os.environ["QUEUE"]}
"""
ROLE = f"arn:aws:iam::{ACCOUNT}:role/stage"
ARN = f"{REGION}:{ACCOUNT}"
FUNCTION_ARN = f"arn:aws:lambda:{ARN}:function:stage"
TOPIC = f"arn:aws:sns:{ARN}:stage"
_QUEUE = f"arn:aws:sqs:{ARN}:stage"


def make(local: LocalAws) -> None:
    """Make it all, and wait for what takes a moment."""
    for part in (_roles, _messages, _objects, _tables, _function, _events, _logs, _network, _secrets, _jobs):
        part(local)
    local.post("slack", text=f"see {local.endpoint}/")


def queue_url(local: LocalAws, name: str = "stage") -> str:
    return f"{local.endpoint}/{ACCOUNT}/{name}"


def _roles(local: LocalAws) -> None:
    iam = local.client("iam")
    trust = json.loads(TRUST)
    trust["Statement"][0]["Principal"]["AWS"] = ACCOUNT
    iam.create_role(RoleName="stage", AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "a", "Value": "b"}])
    allowed = policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
    iam.put_role_policy(RoleName="stage", PolicyName="own", PolicyDocument=allowed)
    own = iam.create_policy(PolicyName="stage", PolicyDocument=allowed)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="stage", PolicyArn=own)
    iam.attach_role_policy(RoleName="stage", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_user(UserName="stage")
    iam.create_access_key(UserName="stage")


def _messages(local: LocalAws) -> None:
    sqs, sns = local.client("sqs"), local.client("sns")
    lets_in = {"Effect": "Allow", "Action": "sqs:SendMessage", "Principal": "*", "Resource": "*"}
    dead = {"deadLetterTargetArn": f"arn:aws:sqs:{ARN}:dead", "maxReceiveCount": 2}
    for name, more in (("dead", {}), ("source", {}), ("stage", {"RedrivePolicy": json.dumps(dead)})):
        attributes = {"Policy": policy(lets_in), **more}
        sqs.create_queue(QueueName=name, Attributes=attributes, tags={"name": name})
    attribute = {"from": {"DataType": "String", "StringValue": local.endpoint}}
    sqs.send_message(QueueUrl=queue_url(local), MessageBody=f"wait at {local.endpoint}", MessageAttributes=attribute)
    sns.create_topic(Name="stage", Tags=[{"Key": "a", "Value": "b"}])
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=_QUEUE)


def _objects(local: LocalAws) -> None:
    s3, bucket = local.client("s3"), {"Bucket": "stage-bucket"}
    s3.create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(**bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    resource = "arn:aws:s3:::stage-bucket/*"
    s3.put_bucket_policy(
        **bucket, Policy=policy({"Effect": "Deny", "Action": "s3:DeleteObject", "Principal": "*", "Resource": resource})
    )
    encrypted = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration={"Rules": [encrypted]})
    s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    s3.put_object(**bucket, Key="plain", Body=bytes(range(256)), Tagging="a=b", Metadata={"c": "d"})
    for number in (1, 2):
        text = json.dumps({"serial": number, "url": queue_url(local)})
        s3.put_object(**bucket, Key="state", Body=text, ChecksumAlgorithm="SHA256")


def _tables(local: LocalAws) -> None:
    dynamodb = local.client("dynamodb")
    dynamodb.create_table(
        TableName="stage",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "owner")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        Tags=[{"Key": "a", "Value": "b"}],
    )
    dynamodb.update_time_to_live(
        TableName="stage", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    values = {"owner": {"S": "me"}, "raw": {"B": b"\0\xff"}, "names": {"SS": ["x", "y"]}, "number": {"N": "1.50"}}
    for name in ("one", "two"):
        dynamodb.put_item(TableName="stage", Item={"id": {"S": name}, **values})
    dynamodb.delete_item(TableName="stage", Key={"id": {"S": "two"}})


def _function(local: LocalAws) -> None:
    lambda_, archive = local.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("main.py", FUNCTION)
    lambda_.create_function(
        FunctionName="stage",
        Runtime="python3.12",
        Handler="main.handler",
        Role=ROLE,
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"QUEUE": queue_url(local)}},
        Tags={"a": "b"},
        Publish=True,
    )
    lambda_.create_alias(FunctionName="stage", Name="live", FunctionVersion="1")
    lambda_.add_permission(
        FunctionName="stage", StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    lambda_.put_function_event_invoke_config(FunctionName="stage", MaximumRetryAttempts=1)
    lambda_.create_function_url_config(FunctionName="stage", AuthType="NONE")
    lambda_.create_event_source_mapping(FunctionName="stage", EventSourceArn=f"arn:aws:sqs:{ARN}:source")


def _events(local: LocalAws) -> None:
    events, scheduler = local.client("events"), local.client("scheduler")
    pattern = {"source": ["aws.batch"], "detail-type": ["Batch Job State Change"], "detail": {"status": ["SUCCEEDED"]}}
    # It is made disabled, so that the jobs made below send no message; the story enables it.
    events.put_rule(Name="stage", EventPattern=json.dumps(pattern), State="DISABLED", Tags=[{"Key": "a", "Value": "b"}])
    events.put_targets(Rule="stage", Targets=[{"Id": "queue", "Arn": _QUEUE}])
    events.put_rule(Name="yearly", ScheduleExpression="cron(0 3 1 1 ? *)")
    events.put_targets(Rule="yearly", Targets=[{"Id": "function", "Arn": FUNCTION_ARN}])
    scheduler.create_schedule_group(Name="stage", Tags=[{"Key": "a", "Value": "b"}])
    scheduler.create_schedule(
        Name="stage",
        GroupName="stage",
        ScheduleExpression="cron(0 12 1 1 ? *)",
        ScheduleExpressionTimezone="Asia/Seoul",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": _QUEUE, "RoleArn": ROLE, "Input": "noon"},
    )


def _logs(local: LocalAws) -> None:
    logs, cloudwatch = local.client("logs"), local.client("cloudwatch")
    logs.create_log_group(logGroupName="stage", tags={"a": "b"})
    logs.put_retention_policy(logGroupName="stage", retentionInDays=7)
    logs.create_log_stream(logGroupName="stage", logStreamName="stage")
    now = int(datetime.fromisoformat(local.get("clock")["now"]).timestamp() * 1000)
    events = [{"timestamp": now, "message": f"line {number}"} for number in range(3)]
    logs.put_log_events(logGroupName="stage", logStreamName="stage", logEvents=events)
    transformation = {"metricName": "lines", "metricNamespace": "Stage", "metricValue": "1"}
    logs.put_metric_filter(
        logGroupName="stage", filterName="stage", filterPattern="line", metricTransformations=[transformation]
    )
    cloudwatch.put_metric_data(Namespace="Stage", MetricData=[{"MetricName": "size", "Value": 3.5}])
    cloudwatch.put_metric_alarm(
        AlarmName="stage",
        Namespace="Stage",
        MetricName="none",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[TOPIC],
        Tags=[{"Key": "a", "Value": "b"}],
    )


def _network(local: LocalAws) -> None:
    ec2, ecr = local.client("ec2"), local.client("ecr")
    data = {"InstanceType": "m5.large", "TagSpecifications": [{"ResourceType": "instance", "Tags": []}]}
    made = ec2.create_launch_template(LaunchTemplateName="stage", LaunchTemplateData=data)
    template = made["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData={"InstanceType": "m5.xlarge"})
    ecr.create_repository(repositoryName="stage", tags=[{"Key": "a", "Value": "b"}])
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3}
    rules = {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}
    ecr.put_lifecycle_policy(repositoryName="stage", lifecyclePolicyText=json.dumps(rules))
    manifest = {"schemaVersion": 2, "config": {}, "layers": []}
    ecr.put_image(repositoryName="stage", imageManifest=json.dumps(manifest), imageTag="v1")


def _secrets(local: LocalAws) -> None:
    local.client("secretsmanager").create_secret(Name="stage", SecretString="s3cret")
    kms = local.client("kms")
    key = kms.create_key(Description="stage")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/stage", TargetKeyId=key)
    for value in ("old", base64.b64encode(b"new").decode()):
        local.client("ssm").put_parameter(Name="/stage", Value=value, Type="SecureString", Overwrite=True)


def _jobs(local: LocalAws) -> None:
    batch = local.client("batch")
    batch.create_scheduling_policy(
        name="stage", fairsharePolicy={"shareDistribution": [{"shareIdentifier": "a*", "weightFactor": 0.5}]}
    )
    batch.create_compute_environment(
        computeEnvironmentName="stage", type="MANAGED", computeResources=ec2_resources(local), tags={"a": "b"}
    )
    order = [{"order": 1, "computeEnvironment": "stage"}]
    batch.create_job_queue(jobQueueName="stage", priority=1, computeEnvironmentOrder=order)
    for word in ("one", "two", "three"):
        batch.register_job_definition(
            jobDefinitionName="stage",
            type="container",
            containerProperties={"image": "worker:latest", "command": ["echo", word], "resourceRequirements": sizes()},
            tags={"word": word},
        )
    batch.deregister_job_definition(jobDefinition="stage:1")
    request = {"jobQueue": "stage", "jobDefinition": "stage"}
    first = batch.submit_job(jobName="single", **request)["jobId"]
    batch.submit_job(jobName="array", arrayProperties={"size": 2}, dependsOn=[{"jobId": first}], **request)
