"""A company's own CDKTF app: two jobs, alerts, and an alarm, without YAML files."""

from datetime import timedelta

from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider

from batchtab import BatchEnvironment, Capacity, ConcurrencyPolicy, Mount, Permission, Schedule, Volume

IMAGE = "public.ecr.aws/docker/library/python:3.13"

app = App()
stack = TerraformStack(app, "reports")
AwsProvider(stack, "aws", region="ap-northeast-2")
environment = BatchEnvironment(
    stack,
    "Default",
    namespace="reports",
    subnet_ids=["subnet-0123456789abcdef0"],
    security_group_ids=["sg-0123456789abcdef0"],
    capacity=Capacity.FARGATE,
)
nightly = environment.add_job(
    "nightly",
    image=IMAGE,
    command=["python", "-m", "reports.nightly"],
    schedule=Schedule.cron(hour=2),
    timezone="Asia/Seoul",
    concurrency_policy=ConcurrencyPolicy.FORBID,
    permissions=[Permission(actions=["s3:PutObject"], resources=["arn:aws:s3:::reports/*"])],
    volumes={"data": Volume(efs_file_system_id="fs-0123456789abcdef0")},
    mounts=[Mount(volume="data", path="/data")],
)
environment.add_job("mail", image=IMAGE, command=["python", "-m", "reports.mail"], after=["nightly"])
environment.add_job("probe", image=IMAGE, command=["true"], schedule=Schedule.rate(timedelta(minutes=5)))
environment.add_alerts(channel="#cron-error")

nightly.grant_submit("reports-operators")  # a role that exists
nightly.metric_failed().alarm(nightly, "failed", topic_arns=["arn:aws:sns:ap-northeast-2:123456789012:on-call"])

app.synth()
