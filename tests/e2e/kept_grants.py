"""Grants of the workflows' roles that no call of the stories needs, with the reason why they are kept."""

from __future__ import annotations

from tests.e2e.ci_roles import ACCOUNT, NAMESPACE

_LATER = "a later version of Batchtab may change it"
_PUSH = "images are pushed: no registry runs here"
_OF_STAGE = '{"StringEquals": {"aws:ResourceTag/batchtab:namespace": "batchtab-local"}}'
_BOUNDED = f'"StringEquals": {{"iam:PermissionsBoundary": "arn:aws:iam::{ACCOUNT}:policy/{NAMESPACE}-ci-boundary"}}'
_NETWORK = "internet-gateway, route-table, security-group, security-group-rule, subnet, vpc"
_ITEMS = (
    '{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["late", "route"]},'
    ' "Null": {"dynamodb:LeadingKeys": "false"}}'
)
_FUNCTIONS = (
    f'{{"ArnLike": {{"lambda:FunctionArn": ["arn:aws:lambda:ap-northeast-2:{ACCOUNT}:function:{NAMESPACE}-*"]}}}}'
)
KEPT: dict[str, str] = {
    f"dynamodb:UpdateItem on table if {_ITEMS}": "a job's channel changes",
    "dynamodb:UpdateTable on table": _LATER,
    f"ec2:RevokeSecurityGroupIngress on {_NETWORK} if {_OF_STAGE}": "AWS's default group has a rule, local AWS's none",
    "ecr:BatchCheckLayerAvailability on repository": _PUSH,
    "ecr:BatchGetImage on repository": "the plan reads what an image was built from, once one is there",
    "ecr:CompleteLayerUpload on repository": _PUSH,
    "ecr:GetAuthorizationToken on *": _PUSH,
    "ecr:GetDownloadUrlForLayer on repository": _PUSH,
    "ecr:InitiateLayerUpload on repository": _PUSH,
    "ecr:PutImage on repository": _PUSH,
    "ecr:PutImageScanningConfiguration on repository": _LATER,
    "ecr:PutImageTagMutability on repository": _LATER,
    "ecr:UploadLayerPart on repository": _PUSH,
    f"iam:AttachRolePolicy on role if {{{_BOUNDED}}}": "a stage on EC2 that has a boundary",
    f"iam:PutRolePermissionsBoundary on role if {{{_BOUNDED}}}": "roles that were there before the boundary",
    "iam:UpdateAssumeRolePolicy on role": _LATER,
    f"iam:UpdateAssumeRolePolicy on role if {{{_BOUNDED}}}": _LATER,
    "lambda:InvokeFunction on function": "a job that moves between triggers was due meanwhile",
    "lambda:ListTags on function": "the provider asks where GetFunction has no tags",
    f"lambda:UpdateEventSourceMapping on event-source-mapping if {_FUNCTIONS}": _LATER,
    "lambda:UpdateFunctionCode on function": _LATER,
    "lambda:UpdateFunctionEventInvokeConfig on function": _LATER,
    "logs:DeleteRetentionPolicy on log-group": "log_retention_days is taken away",
    "sqs:SetQueueAttributes on batchtab-local-*": _LATER,
}
