"""How messages reach people: by a function that exists, a webhook whose address is a secret, or an SNS topic."""

from __future__ import annotations

from typing import Any

from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.expressions import Expression, any_of, choose, hcl, is_expression, is_set, negate


def function_arn(account: Account, region: Any, name: str) -> str:
    """The ARN of the function that sends messages."""
    return f"arn:{account.partition}:lambda:{region}:{account.id}:function:{name}"


def grants(
    sender_arn: str, webhook_secret_arn: Any, webhook_kms_key_arn: Any, topic_arn: Any
) -> list[tuple[list[str], Any]]:
    """What the function may do for it: invoke that function, read that one secret, or publish to that one topic."""
    is_other = any_of(is_set(webhook_secret_arn), is_set(topic_arn))
    return [
        (["lambda:InvokeFunction"], choose(negate(is_other), [sender_arn], [])),
        (["sns:Publish"], choose(is_set(topic_arn), [topic_arn], [])),
        (["secretsmanager:GetSecretValue"], _if_of(webhook_secret_arn, ":secretsmanager:")),
        (["ssm:GetParameter"], _if_of(webhook_secret_arn, ":ssm:")),
        (["kms:Decrypt"], choose(is_set(webhook_kms_key_arn), [webhook_kms_key_arn], [])),
    ]


def environment(function_name: str, region: Any, webhook_secret_arn: Any, topic_arn: Any) -> dict[str, Any]:
    """The function's settings of it; the secret itself is in none of them."""
    if is_set(topic_arn) is True:
        return {"ALERT_TOPIC_ARN": topic_arn}
    if topic_arn is not None:
        others = environment(function_name, region, webhook_secret_arn, None)
        return {**others, "ALERT_TOPIC_ARN": choose(is_set(topic_arn), topic_arn, "")}
    if webhook_secret_arn is None:
        return {"SLACK_FUNCTION_NAME": function_name, "SLACK_FUNCTION_REGION": region}
    if is_set(webhook_secret_arn) is True:
        return {"SLACK_WEBHOOK_SECRET_ARN": webhook_secret_arn}
    secret = choose(is_set(webhook_secret_arn), webhook_secret_arn, "")
    return {
        "SLACK_FUNCTION_NAME": function_name,
        "SLACK_FUNCTION_REGION": region,
        "SLACK_WEBHOOK_SECRET_ARN": secret,
    }


def _if_of(secret_arn: Any, part: str) -> Any:
    if is_expression(secret_arn):
        return Expression.of(f"[for arn in compact([{hcl(secret_arn)}]) : arn if strcontains(arn, {hcl(part)})]")
    return [secret_arn] if secret_arn is not None and part in secret_arn else []
