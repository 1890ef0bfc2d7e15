"""Who acts on local AWS: jobs and functions with their roles, and services with the roles that they are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.e2e.local_helpers import (
    ACCOUNT,
    REGION,
    SERVICES,
    Batch,
    LocalAws,
    instance_profile,
    lambda_function,
    make_batch,
    make_role,
    policy,
    received,
    running,
    sqs_queue,
    trust,
    unique,
    wait_until,
)

pytestmark = pytest.mark.e2e

# A job has the Python of local AWS first on its path, which has boto3.
WHO = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
READ = (
    "import boto3, botocore.exceptions\n"
    "try: print(boto3.client('sqs').list_queues()['ResponseMetadata']['HTTPStatusCode'])\n"
    "except botocore.exceptions.ClientError as error: print(error.response['Error']['Code'])\n"
    "except botocore.exceptions.NoCredentialsError: print('no credentials')"
)
ASSUMED = f"arn:aws:sts::{ACCOUNT}:assumed-role"


def name_of(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def task_role(local: LocalAws, *actions: str, **more: Any) -> str:
    return make_role(local, actions, services=("ecs-tasks",), **more)


def failed(batch: Batch, **properties: Any) -> dict[str, Any]:
    job = batch.wait(batch.run("pass", properties=properties))
    assert job["status"] == "FAILED"
    return job


def error(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value)


# --- jobs


def test_job_acts_as_its_job_role(batch: Batch) -> None:
    # GIVEN jobs whose role may list queues, or nothing
    may, may_not = task_role(batch.local, "sqs:ListQueues"), task_role(batch.local)
    # WHEN they run, THEN they are a session of the role, which is named like the task
    job = batch.wait(batch.run(WHO, properties={"jobRoleArn": may}))
    task = job["attempts"][0]["container"]["taskArn"].rpartition("/")[2]
    assert batch.output(job) == [f"{ASSUMED}/{name_of(may)}/{task}"]
    # AND what they may do is what the role may
    assert batch.output(batch.wait(batch.run(READ, properties={"jobRoleArn": may}))) == ["200"]
    assert batch.output(batch.wait(batch.run(READ, properties={"jobRoleArn": may_not}))) == ["AccessDenied"]


def test_job_without_a_job_role_has_no_credentials(batch: Batch) -> None:
    job = batch.wait(batch.run(READ, properties={"executionRoleArn": batch.role}))
    assert batch.output(job) == ["no credentials"]


def test_credentials_of_a_job_are_for_who_knows_its_token_and_end_with_it(batch: Batch) -> None:
    # GIVEN a job that says where its credentials are, and waits
    gate = unique("gate")
    code = (
        "import os, time\n"
        "print(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN'],"
        " 'AWS_ACCESS_KEY_ID' in os.environ, flush=True)\n"
        f"while not os.path.exists({gate!r}): time.sleep(0.02)"
    )
    job = batch.submit(batch.define(code, properties={"jobRoleArn": task_role(batch.local)}))
    batch.wait(job, "RUNNING")
    [line] = wait_until(lambda: batch.output(batch.job(job)), "the job's line")
    uri, token, has_key = line.split()
    path = uri.removeprefix(batch.local.endpoint)
    # WHEN somebody asks there, THEN only the token opens it, and another site's page does not have it
    status, body = batch.local.request("GET", path, headers={"authorization": token})
    assert (status, has_key) == (200, "False")
    assert sorted(json.loads(body)) == ["AccessKeyId", "Expiration", "RoleArn", "SecretAccessKey", "Token"]
    assert batch.local.request("GET", path)[0] == 403
    assert batch.local.request("GET", path, headers={"authorization": f"{token}x"})[0] == 403
    assert batch.local.request("GET", path, headers={"authorization": token, "host": "evil.example"})[0] == 403
    # AND after the job's end nobody gets any
    batch.open(gate)
    batch.wait(job)
    assert batch.local.request("GET", path, headers={"authorization": token})[0] == 403


@pytest.mark.parametrize("member", ["jobRoleArn", "executionRoleArn"])
def test_role_that_tasks_cannot_take_fails_the_job(batch: Batch, member: str) -> None:
    # GIVEN roles that trust EC2, or tasks of another account's
    local, iam = batch.local, batch.local.client("iam")
    other = unique("role")
    condition = trust("ecs-tasks", StringEquals={"aws:SourceAccount": "999999999999"})
    iam.create_role(RoleName=other, AssumeRolePolicyDocument=condition)
    roles = (make_role(local, services=("ec2",)), f"arn:aws:iam::{ACCOUNT}:role/{other}")
    for role in roles:
        # WHEN a job names one, THEN it fails as on AWS
        job = failed(batch, **{member: role})
        assert job["statusReason"].startswith(f"ECS was unable to assume the role '{role}' that was provided for this")
    # AND a condition that is met lets it run
    condition = trust(
        "ecs-tasks",
        StringEquals={"aws:SourceAccount": ACCOUNT},
        ArnLike={"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"},
    )
    iam.update_assume_role_policy(RoleName=other, PolicyDocument=condition)
    iam.put_role_policy(
        RoleName=other,
        PolicyName="logs",
        PolicyDocument=policy({"Effect": "Allow", "Action": "logs:*", "Resource": "*"}),
    )
    assert batch.wait(batch.run("pass", properties={member: roles[1]}))["status"] == "SUCCEEDED"


def test_secrets_are_read_by_the_execution_role(batch: Batch) -> None:
    # GIVEN a secret and a parameter
    local = batch.local
    secret = local.client("secretsmanager").create_secret(Name=unique("secret"), SecretString="p4ss")["ARN"]
    name = f"/{unique('parameter')}"
    local.client("ssm").put_parameter(Name=name, Value="p4ss", Type="SecureString")
    for reference, action in ((secret, "secretsmanager:GetSecretValue"), (name, "ssm:GetParameters")):
        # WHEN the execution role may not read it, THEN the job fails with what is missing
        role = task_role(local, "logs:*")
        job = failed(batch, secrets=[{"name": "A", "valueFrom": reference}], executionRoleArn=role)
        assert job["container"]["reason"].startswith(
            "ResourceInitializationError: unable to pull secrets or registry auth: "
        )
        assert f"assumed-role/{name_of(role)}/" in job["container"]["reason"]
        assert f"is not authorized to perform: {action}" in job["container"]["reason"]
        # AND where it may, the job has it
        role = task_role(local, "logs:*", action)
        secrets = [{"name": "A", "valueFrom": reference}]
        properties = {"secrets": secrets, "executionRoleArn": role}
        assert batch.wait(batch.run("pass", properties=properties))["status"] == "SUCCEEDED"


def test_secret_under_a_customers_key_takes_the_key_too(batch: Batch) -> None:
    # GIVEN a secret under a key whose policy leaves it to IAM
    local = batch.local
    key = local.client("kms").create_key()["KeyMetadata"]["Arn"]
    secret = local.client("secretsmanager").create_secret(Name=unique("secret"), SecretString="x", KmsKeyId=key)["ARN"]
    secrets = [{"name": "A", "valueFrom": secret}]
    # WHEN the execution role may read the secret, and not use the key, THEN the job fails
    role = task_role(local, "logs:*", "secretsmanager:GetSecretValue")
    job = failed(batch, secrets=secrets, executionRoleArn=role)
    assert f"is not authorized to perform: kms:Decrypt on resource: {key}" in job["container"]["reason"]
    # AND it runs where the role may use the key for Secrets Manager
    document = policy(
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": key,
            "Condition": {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}},
        }
    )
    local.client("iam").put_role_policy(RoleName=name_of(role), PolicyName="key", PolicyDocument=document)
    properties = {"secrets": secrets, "executionRoleArn": role}
    assert batch.wait(batch.run("pass", properties=properties))["status"] == "SUCCEEDED"


def test_image_of_ecr_is_pulled_by_the_execution_role(batch: Batch) -> None:
    # GIVEN execution roles of which each lacks one of what a pull needs
    local, image = batch.local, f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/worker:1"
    needed = ("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    for missing in needed:
        role = task_role(local, "logs:*", *(action for action in needed if action != missing))
        # WHEN a job has an image there, THEN it fails
        reason = failed(batch, image=image, executionRoleArn=role)["container"]["reason"]
        assert f"is not authorized to perform: {missing} on resource: " in reason
    # AND with all of them, as with the role of the instances, it runs
    for own in ({"executionRoleArn": task_role(local, "logs:*", *needed)}, {}):
        assert batch.wait(batch.run("pass", properties={"image": image, **own}))["status"] == "SUCCEEDED"


def test_log_is_written_by_the_execution_role_or_the_instances(batch: Batch) -> None:
    # GIVEN execution roles that may make no stream, or make one and write nothing
    local = batch.local
    job = failed(batch, executionRoleArn=task_role(local, "logs:PutLogEvents"))
    assert "failed to initialize logging driver" in job["container"]["reason"]
    assert "is not authorized to perform: logs:CreateLogStream" in job["container"]["reason"]
    job = batch.wait(batch.run("print(1)", properties={"executionRoleArn": task_role(local, "logs:CreateLogStream")}))
    assert (job["status"], batch.output(job)) == ("SUCCEEDED", [])
    # WHEN an environment's instances may not write, and the job has no execution role, THEN it fails likewise
    profile = instance_profile(local)
    other = make_environment(local, profile)
    local.client("iam").detach_role_policy(
        RoleName=name_of(profile),
        PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
    )
    assert f"assumed-role/{name_of(profile)}/" in failed(other)["container"]["reason"]


def make_environment(local: LocalAws, profile: str) -> Batch:
    made = make_batch(local)
    resources = {"instanceRole": profile}
    made.api.update_compute_environment(computeEnvironment=made.environment, computeResources=resources)
    return made


def test_instances_whose_role_ec2_cannot_take_never_come(local: LocalAws) -> None:
    # GIVEN an environment with such a role
    profile = instance_profile(local, trusted="ecs-tasks")
    batch = make_environment(local, profile)
    # WHEN a job is submitted, THEN it stays RUNNABLE
    job = batch.run("pass")
    batch.wait(job, "RUNNABLE")
    # AND runs as soon as EC2 can take the role
    local.client("iam").update_assume_role_policy(RoleName=name_of(profile), PolicyDocument=trust("ec2"))
    assert batch.wait(job)["status"] == "SUCCEEDED"


# --- functions


def invoke(local: LocalAws, function: str, payload: Any = None) -> Any:
    answer = local.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload))
    return json.loads(answer["Payload"].read())


WHO_FUNCTION = (
    "import boto3\n"
    "def handler(event, context): return boto3.client('sts').get_caller_identity()['Arn']"
)  # fmt: skip


def test_function_acts_as_its_role_also_after_a_snapshot(tmp_path: Path) -> None:
    # GIVEN a function in a local AWS of which a snapshot is taken
    (tmp_path / "first").mkdir()
    with running(tmp_path / "first") as local:
        batch = make_batch(local)
        function = lambda_function(batch, WHO_FUNCTION)
        # WHEN it is invoked, THEN it is a session of its role, which is named like the function
        expected = f"{ASSUMED}/{name_of(batch.role)}/{function.rpartition(':')[2]}"
        assert invoke(local, function) == expected
        file = local.snapshot(tmp_path / "snapshot.json")
    # AND it is that in the local AWS that starts from the snapshot
    (tmp_path / "second").mkdir()
    with running(tmp_path / "second", snapshot=file) as local:
        assert invoke(local, function) == expected


def test_function_may_do_what_its_role_may(batch: Batch) -> None:
    code = READ.replace("print(", "return (").replace("\n", "\n    ").replace("import", "    import", 1)
    function = lambda_function(batch, f"def handler(event, context):\n{code}")
    assert invoke(batch.local, function) == 200
    batch.local.client("iam").delete_role_policy(RoleName=name_of(batch.role), PolicyName="own")
    assert invoke(batch.local, function) == "AccessDenied"


def test_function_prints_into_a_log_that_its_role_may_write(batch: Batch) -> None:
    # GIVEN functions whose roles may write logs, may make no group, or may write nothing
    local, code = batch.local, "def handler(event, context): print('printed')"
    write = ("logs:CreateLogStream", "logs:PutLogEvents")
    for actions, written in (((*write, "logs:CreateLogGroup"), True), (write, False), ((), False)):
        role = make_role(local, actions)
        function = lambda_function(Batch(local, batch.environment, batch.queue, role), code)
        # WHEN they print, THEN it is in the log of the first alone
        invoke(local, function)
        group = f"/aws/lambda/{function.rpartition(':')[2]}"
        found = local.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        assert bool(found) is written


def test_function_whose_role_lambda_cannot_take_is_refused(batch: Batch) -> None:
    # GIVEN roles that trust tasks only, or are not there
    message = "The role defined for the function cannot be assumed by Lambda."
    function = lambda_function(batch, WHO_FUNCTION)
    configure = batch.local.client("lambda").update_function_configuration
    for role in (task_role(batch.local), f"arn:aws:iam::{ACCOUNT}:role/none"):
        # WHEN a function is to have one, THEN Lambda refuses it, at its creation and later
        refused = Batch(batch.local, batch.environment, batch.queue, role)
        with pytest.raises(ClientError, match=message):
            lambda_function(refused, WHO_FUNCTION)
        assert message in error(configure, FunctionName=function, Role=role)


def test_queue_that_the_role_may_not_read_is_no_event_source(batch: Batch) -> None:
    # GIVEN a function whose role lacks one of what Lambda needs
    local, reads = batch.local, ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    url, arn = sqs_queue(local)
    create = local.client("lambda").create_event_source_mapping
    for missing in reads:
        role = make_role(local, tuple(action for action in reads if action != missing))
        function = lambda_function(Batch(local, batch.environment, batch.queue, role), "def handler(event, _): pass")
        message = f"The function execution role does not have permissions to call {missing[4:]} on SQS"
        assert message in error(create, FunctionName=function, EventSourceArn=arn)
    # WHEN it has them, THEN it gets the messages; and none any more when it has lost them
    role = make_role(local, reads, Resource=arn)
    function = lambda_function(Batch(local, batch.environment, batch.queue, role), "def handler(event, _): pass")
    mapping = create(FunctionName=function, EventSourceArn=arn)["UUID"]
    local.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    wait_until(lambda: result(local, mapping).startswith("OK"), "the message to be taken")
    local.client("iam").delete_role_policy(RoleName=name_of(role), PolicyName="own")
    wait_until(lambda: result(local, mapping).startswith("PROBLEM"), "the mapping to have a problem")
    local.client("sqs").send_message(QueueUrl=url, MessageBody="y")
    assert [message["Body"] for message in received(local, url)] == ["y"]


def result(local: LocalAws, mapping: str) -> str:
    return str(local.client("lambda").get_event_source_mapping(UUID=mapping)["LastProcessingResult"])


def test_failed_event_is_sent_on_by_the_functions_role(batch: Batch) -> None:
    # GIVEN functions that fail, whose roles may or may not send to a queue
    local = batch.local
    configure = local.client("lambda").put_function_event_invoke_config
    url, arn = sqs_queue(local)
    target = {"OnFailure": {"Destination": arn}}
    code = "def handler(event, context): raise ValueError"
    nothing = Batch(local, batch.environment, batch.queue, make_role(local, ()))
    function = lambda_function(nothing, code)
    # WHEN the role may not, THEN the destination is refused
    message = f"The function's execution role does not have permissions to call SendMessage on {arn}"
    assert message in error(configure, FunctionName=function, DestinationConfig=target)
    message = "The provided execution role does not have permissions to call SendMessage on SQS"
    with pytest.raises(ClientError, match=message):
        lambda_function(nothing, code, DeadLetterConfig={"TargetArn": arn})
    # AND where it may, the event arrives
    role = make_role(local, ("sqs:SendMessage",), Resource=arn)
    function = lambda_function(Batch(local, batch.environment, batch.queue, role), code)
    configure(FunctionName=function, DestinationConfig=target, MaximumRetryAttempts=0)
    local.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b"1")
    [message] = wait_until(lambda: received(local, url), "the event")
    assert json.loads(message["Body"])["requestPayload"] == 1


# --- EventBridge and Scheduler


def sent(local: LocalAws, source: str) -> None:
    local.client("events").put_events(Entries=[{"Source": source, "DetailType": "x", "Detail": "{}"}])


def test_queue_takes_what_its_policy_lets_in(local: LocalAws) -> None:
    # GIVEN queues with policies of all kinds, each the target of a rule
    events, sqs = local.client("events"), local.client("sqs")
    base = f"arn:aws:events:{REGION}:{ACCOUNT}:rule"
    lets_in = {"Effect": "Allow", "Action": "sqs:SendMessage", "Principal": {"Service": "events.amazonaws.com"}}
    anybody = {**lets_in, "Principal": "*"}
    own = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    policies: list[tuple[str, list[dict[str, Any]], bool]] = [
        ("service", [lets_in], True),
        ("everybody", [anybody], True),
        ("another service", [{**lets_in, "Principal": {"Service": "sns.amazonaws.com"}}], False),
        ("another action", [{**lets_in, "Action": "sqs:ReceiveMessage"}], False),
        ("rule by pattern", [{**lets_in, "Condition": {"ArnLike": {"aws:SourceArn": f"{base}/*"}, **own}}], True),
        ("other rule", [{**lets_in, "Condition": {"ArnEquals": {"aws:SourceArn": f"{base}/other"}}}], False),
        ("pattern as text", [{**lets_in, "Condition": {"StringEquals": {"aws:SourceArn": f"{base}/*"}}}], False),
        ("key in capitals", [{**lets_in, "Condition": {"StringEquals": {"AWS:SOURCEACCOUNT": ACCOUNT}}}], True),
        ("not this account", [{**lets_in, "Condition": {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}}], False),
        ("absent key", [{**lets_in, "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}], False),
        ("absent key, negated", [{**lets_in, "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}], True),
        (
            "absent key, if it exists",
            [{**lets_in, "Condition": {"StringEqualsIfExists": {"aws:SourceVpc": "v"}}}],
            True,
        ),
        ("null", [{**lets_in, "Condition": {"Null": {"aws:SourceVpc": "true"}}}], True),
        ("not null", [{**lets_in, "Condition": {"Null": {"aws:SourceArn": "true"}}}], False),
        ("a service", [{**anybody, "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}}], True),
        ("explicit deny", [lets_in, {**anybody, "Effect": "Deny", "Condition": own}], False),
        (
            "deny of others",
            [lets_in, {**anybody, "Effect": "Deny", "Condition": {"StringNotEquals": own["StringEquals"]}}],
            True,
        ),
    ]
    for kind, statements, _ in policies:
        name = kind.replace(" ", "-").replace(",", "")
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        document = policy(*({**statement, "Resource": arn} for statement in statements))
        sqs.create_queue(QueueName=name, Attributes={"Policy": document})
        events.put_rule(Name=name, EventPattern='{"source": ["policies"]}')
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    # WHEN an event comes, THEN it is in those that let it in
    sent(local, "policies")
    found = {
        kind: bool(received(local, sqs.get_queue_url(QueueName=kind.replace(" ", "-").replace(",", ""))["QueueUrl"]))
        for kind, _, _ in policies
    }
    assert found == {kind: allowed for kind, _, allowed in policies}


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({}, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"}}, True),
        ({"StringEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"}}, False),
        ({"StringEquals": {"sts:ExternalId": "x"}}, False),
        ({"StringNotLike": {"aws:SourceArn": "*"}}, False),
    ],
)
def test_role_is_taken_as_its_trust_allows(batch: Batch, condition: dict[str, Any], allowed: bool) -> None:
    # GIVEN a rule that submits a job, with a role whose trust has a condition
    local, source = batch.local, unique("source")
    role = make_role(local)
    document = trust(*SERVICES, **condition)
    local.client("iam").update_assume_role_policy(RoleName=name_of(role), PolicyDocument=document)
    events = local.client("events")
    events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))
    queue = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}"
    parameters = {"JobDefinition": batch.define("pass"), "JobName": source}
    events.put_targets(Rule=source, Targets=[{"Id": "1", "Arn": queue, "RoleArn": role, "BatchParameters": parameters}])
    # WHEN the event comes, THEN the job is there where the condition is met
    sent(local, source)
    filters = [{"name": "JOB_NAME", "values": [source]}]
    assert bool(batch.api.list_jobs(jobQueue=batch.queue, filters=filters)["jobSummaryList"]) is allowed


def test_boundary_and_deny_hold_for_the_roles_of_services(batch: Batch) -> None:
    # GIVEN roles that may submit jobs, but for a boundary or a deny
    local = batch.local
    iam, events = local.client("iam"), local.client("events")
    boundary = iam.create_policy(
        PolicyName=unique("boundary"),
        PolicyDocument=policy({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}),
    )["Policy"]["Arn"]
    bounded, denied = make_role(local), make_role(local)
    iam.put_role_permissions_boundary(RoleName=name_of(bounded), PermissionsBoundary=boundary)
    document = policy({"Effect": "Deny", "Action": "batch:Submit*", "Resource": "*"})
    iam.put_role_policy(RoleName=name_of(denied), PolicyName="deny", PolicyDocument=document)
    queue = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{batch.queue}"
    name = unique("rule")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    parameters = {"JobDefinition": batch.define("pass"), "JobName": name}
    # WHEN a rule is to use one, THEN no job comes of it
    events.put_targets(
        Rule=name,
        Targets=[
            {"Id": str(number), "Arn": queue, "RoleArn": role, "BatchParameters": parameters}
            for number, role in enumerate((bounded, denied))
        ],
    )
    sent(local, name)
    filters = [{"name": "JOB_NAME", "values": [name]}]
    assert batch.api.list_jobs(jobQueue=batch.queue, filters=filters)["jobSummaryList"] == []
