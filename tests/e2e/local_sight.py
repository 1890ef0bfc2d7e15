"""All that the lists and descriptions of a local AWS answer, so that two of them can be compared."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.local_helpers import LocalAws
from tests.e2e.local_stage import ARN, FUNCTION_ARN, TOPIC, queue_url


def seen(local: LocalAws) -> dict[str, Any]:
    """What all services answer, with the port taken out."""
    answers: dict[str, Any] = {}
    for service, operation, request in calls(local):
        answer = getattr(local.client(service), operation)(**request)
        answer.pop("ResponseMetadata")
        for member in ("Body", "Payload"):
            if member in answer:
                answer[member] = answer[member].read()
        answers[f"{service}.{operation} {request}".replace(str(local.port), "PORT")] = answer
    answers["slack"] = local.get("slack")
    return plain(answers, local.port)


def plain(value: Any, port: int) -> Any:
    """Return a value without the port; the sums of what has it in its text go too, and the time of the question."""
    if isinstance(value, dict):
        text = {key: plain(item, port) for key, item in value.items() if key != "lastEvaluatedAt"}
        body = value.get("Body")
        if body is not None and str(port) in str(body):
            text = {key: item for key, item in text.items() if not re.search("ETag|MD5|Checksum[A-Z]", key)}
        return text
    if isinstance(value, list):
        return [plain(item, port) for item in value]
    if isinstance(value, bytes):
        return value.replace(f":{port}".encode(), b":PORT")
    if isinstance(value, str):
        return re.sub(r"X-Amz-Date=\w+", "", value.replace(f":{port}", ":PORT"))
    return value


def calls(local: LocalAws) -> list[tuple[str, str, dict[str, Any]]]:
    """Every list and description there is of what `make` makes."""
    ec2 = local.client("ec2")
    template = ec2.describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateId"]
    job_ids = [job["jobId"] for job in ended_jobs(local)]
    environment = f"arn:aws:batch:{ARN}:compute-environment/stage"
    mine = {"RoleName": "stage"}
    bucket = {"Bucket": "stage-bucket"}
    first = local.client("s3").list_object_versions(**bucket)["Versions"][-1]["VersionId"]
    function = {"FunctionName": "stage"}
    queue = {"QueueUrl": queue_url(local)}
    return [
        ("iam", "list_roles", {}),
        ("iam", "get_role", mine),
        ("iam", "list_role_tags", mine),
        ("iam", "get_role_policy", {**mine, "PolicyName": "own"}),
        ("iam", "list_attached_role_policies", mine),
        ("iam", "list_policies", {"Scope": "Local"}),
        ("iam", "list_policies", {"Scope": "AWS", "OnlyAttached": True}),
        ("iam", "list_instance_profiles", {}),
        ("iam", "list_users", {}),
        ("iam", "list_access_keys", {"UserName": "stage"}),
        ("sqs", "list_queues", {}),
        ("sqs", "get_queue_attributes", {**queue, "AttributeNames": ["All"]}),
        ("sqs", "list_queue_tags", queue),
        ("sns", "list_topics", {}),
        ("sns", "get_topic_attributes", {"TopicArn": TOPIC}),
        ("sns", "list_subscriptions_by_topic", {"TopicArn": TOPIC}),
        ("s3", "list_buckets", {}),
        ("s3", "get_bucket_versioning", bucket),
        ("s3", "get_bucket_tagging", bucket),
        ("s3", "get_bucket_policy", bucket),
        ("s3", "get_bucket_encryption", bucket),
        ("s3", "get_public_access_block", bucket),
        ("s3", "get_object", {**bucket, "Key": "plain", "ChecksumMode": "ENABLED"}),
        ("s3", "get_object", {**bucket, "Key": "state", "ChecksumMode": "ENABLED"}),
        ("s3", "get_object", {**bucket, "Key": "state", "VersionId": first}),
        ("s3", "get_object_tagging", {**bucket, "Key": "plain"}),
        ("s3", "list_multipart_uploads", bucket),
        ("dynamodb", "list_tables", {}),
        ("dynamodb", "describe_table", {"TableName": "stage"}),
        ("dynamodb", "describe_time_to_live", {"TableName": "stage"}),
        ("dynamodb", "scan", {"TableName": "stage"}),
        ("dynamodb", "query", _QUERY),
        ("dynamodbstreams", "list_streams", {}),
        ("lambda", "list_functions", {}),
        ("lambda", "get_function", function),
        ("lambda", "get_policy", function),
        ("lambda", "list_aliases", function),
        ("lambda", "list_versions_by_function", function),
        ("lambda", "list_event_source_mappings", {}),
        ("lambda", "get_function_event_invoke_config", function),
        ("lambda", "get_function_url_config", function),
        ("lambda", "list_tags", {"Resource": FUNCTION_ARN}),
        ("events", "list_event_buses", {}),
        ("events", "list_rules", {}),
        ("events", "describe_rule", {"Name": "stage"}),
        ("events", "list_targets_by_rule", {"Rule": "stage"}),
        ("events", "list_targets_by_rule", {"Rule": "yearly"}),
        ("events", "list_tags_for_resource", {"ResourceARN": f"arn:aws:events:{ARN}:rule/stage"}),
        ("scheduler", "list_schedule_groups", {}),
        ("scheduler", "list_schedules", {}),
        ("scheduler", "get_schedule", {"Name": "stage", "GroupName": "stage"}),
        ("scheduler", "list_tags_for_resource", {"ResourceArn": f"arn:aws:scheduler:{ARN}:schedule-group/stage"}),
        ("logs", "describe_log_groups", {}),
        ("logs", "describe_log_streams", {"logGroupName": "stage"}),
        ("logs", "get_log_events", {"logGroupName": "stage", "logStreamName": "stage", "startFromHead": True}),
        ("logs", "filter_log_events", {"logGroupName": "/aws/batch/job"}),
        ("logs", "describe_metric_filters", {"logGroupName": "stage"}),
        ("cloudwatch", "describe_alarms", {}),
        ("cloudwatch", "list_metrics", {"Namespace": "Stage"}),
        ("cloudwatch", "list_tags_for_resource", {"ResourceARN": f"arn:aws:cloudwatch:{ARN}:alarm:stage"}),
        ("ec2", "describe_vpcs", {}),
        ("ec2", "describe_subnets", {}),
        ("ec2", "describe_security_groups", {}),
        ("ec2", "describe_route_tables", {}),
        ("ec2", "describe_launch_templates", {}),
        ("ec2", "describe_launch_template_versions", {"LaunchTemplateId": template}),
        ("ecr", "describe_repositories", {}),
        ("ecr", "describe_images", {"repositoryName": "stage"}),
        ("ecr", "get_lifecycle_policy", {"repositoryName": "stage"}),
        ("secretsmanager", "list_secrets", {}),
        ("secretsmanager", "get_secret_value", {"SecretId": "stage"}),
        ("kms", "list_keys", {}),
        ("kms", "list_aliases", {}),
        ("ssm", "describe_parameters", {}),
        ("ssm", "get_parameter", {"Name": "/stage", "WithDecryption": True}),
        ("ssm", "get_parameter_history", {"Name": "/stage"}),
        ("sts", "get_caller_identity", {}),
        ("batch", "describe_compute_environments", {}),
        ("batch", "describe_job_queues", {}),
        ("batch", "describe_scheduling_policies", {"arns": [f"arn:aws:batch:{ARN}:scheduling-policy/stage"]}),
        ("batch", "describe_job_definitions", {}),
        ("batch", "describe_jobs", {"jobs": job_ids}),
        ("batch", "list_jobs", {"jobQueue": "stage", "jobStatus": "SUCCEEDED"}),
        ("batch", "list_jobs", {"arrayJobId": _array(local), "jobStatus": "SUCCEEDED"}),
        ("batch", "list_tags_for_resource", {"resourceArn": environment}),
    ]


_QUERY = {
    "TableName": "stage",
    "IndexName": "by-owner",
    "KeyConditionExpression": "#owner = :me",
    "ExpressionAttributeNames": {"#owner": "owner"},
    "ExpressionAttributeValues": {":me": {"S": "me"}},
}


def ended_jobs(local: LocalAws) -> list[dict[str, Any]]:
    """The jobs that have succeeded, in short."""
    found: list[dict[str, Any]] = local.client("batch").list_jobs(jobQueue="stage", jobStatus="SUCCEEDED")[
        "jobSummaryList"
    ]
    return found


def _array(local: LocalAws) -> str:
    return next(str(job["jobId"]) for job in ended_jobs(local) if job["jobName"] == "array")
