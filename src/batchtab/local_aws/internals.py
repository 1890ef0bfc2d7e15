"""The internals of ministack that local AWS builds on, checked by name at start-up.

This module imports none of them, so that one that is missing is named.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
from types import ModuleType

from batchtab.local_aws.errors import HookError

MINISTACK_VERSION = "1.5.33"

# State that ministack's own persistence leaves out: it writes S3's objects to files, and forgets the rest at its end.
BESIDE: dict[str, tuple[str, ...]] = {
    "dynamodb": ("_closed_streams", "_stream_records", "_stream_trimmed"),
    "eventbridge": ("_events_log",),
    "iam": ("_aws_managed_policies",),  # made again at each start, with other ids
    "s3": (
        "_buckets",
        "_completed_multipart_uploads",
        "_multipart_uploads",
        "_object_acl",
        "_object_annotations",
        "_object_legal_hold",
        "_object_retention",
        "_object_tags",
        "_object_versions",
    ),
    "sts": ("_sessions",),
}

# Every name below is used somewhere in this package; a function is given with its parameters as far as we pass them.
REQUIRED: dict[str, tuple[str, ...]] = {
    "app": (
        "AUTH",
        "_authenticate_only(service, headers, query_params, request_id)",
        "_build_persistence_save_dict()",
        "_enforce_ses_v2(method, path, headers, body, query_params, request_id)",
        "_get_module(name)",
        "_handle_pre_body_request(method, path, headers, query_params, request_id)",
        "_handle_special_data_plane_request(method, path, headers, body, query_params)",
        "_reset_all_state()",
        "_state_map",
        "app(scope, receive, send)",
    ),
    "core.arn": (
        "ArnParseError",
        "parse_arn",
    ),
    "core.iam_actions": (
        "access_denied_response(service, action, principal_arn, request_id)",
        "extract_iam_action(service, method, path, headers, body, query_params)",
    ),
    "core.iam_evaluator": (
        "AuthError",
        "CredentialResolutionError",
        "_gather_role_policies(role_name, account_id)",
        "_permissions_boundary(store, name, account_id)",
        "_resource_policy(service, resource_arn)",
        "evaluate_trust_policy(trust_doc, caller_arn, ctx)",
        "is_root_access_key(access_key_id)",
        "resolve_credential(access_key_id, account_id)",
        "resolve_principal(access_key_id, account_id, credential)",
        "resource_policy_allows(raw_policy, ctx, same_account)",
        "validate_policy_document(doc)",
    ),
    "core.lambda_runtime": (
        "_lock",
        "_workers",
        "kill_workers(workers)",
        "reset()",
    ),
    "core.responses": (
        "AccountRegionScopedDict",
        "AccountScopedDict",
        "error_response_json(code, message, status)",
        "get_account_id()",
        "get_region()",
        "request_scope(account_id, region)",
    ),
    "core.router": ("extract_access_key_id(headers, query_params)",),
    "services.batch": (
        "get_state()",
        "handle_request",
        "load_persisted_state(data)",
        "reset()",
    ),
    "services.cloudwatch": (
        "_alarms",
        "_calc_stats(points)",
        "_describe_alarms",
        "_dims_from_list(dimensions)",
        "_dims_key(dims)",
        "_dispatch_alarm_actions(alarm, old_state, new_state, reason)",
        "_evaluate_alarm(alarm)",
        "_evaluate_all_alarms()",
        "_evaluate_parent_alarms",
        "_metric_bucket(key)",
        "_metrics",
        "_record_history",
        "_resource_tags",
        "_stat_value",
        "time",
    ),
    "services.cloudwatch_logs": (
        "_create_log_group(data)",
        "_create_log_stream(data)",
        "_log_groups",
        "_put_log_events(data)",
    ),
    "services.dynamodb": (
        "_tables",
        "_tags",
        *BESIDE["dynamodb"],
    ),
    "services.ec2": (
        "_launch_templates",
        "_route_tables",
        "_security_groups",
        "_subnets",
        "_tags",
    ),
    "services.ecr": ("_repositories",),
    "services.efs": ("_access_points",),
    "services.eventbridge": (
        "_apply_input_transformer(transformer, rule, view)",
        "_archive_event(event, view)",
        "_delete_rule(data)",
        "_dispatch_event(event, view)",
        "_dispatch_to_sqs",
        "_enable_rule(data)",
        "_ensure_default_bus()",
        "_invoke_target(target, event, rule, view)",
        "_now_ts()",
        "_pattern_event_view(event)",
        "_put_rule(data)",
        "_put_targets(data)",
        "_rule_key",
        "_rules",
        "_tags",
        "_targets",
        "_tick_scheduled_rules()",
        "_validate_schedule_expression(expr)",
        *BESIDE["eventbridge"],
    ),
    "services.iam": (
        "_IAM_HANDLERS",
        "_error(status, code, message)",
        "_extract_tags(p)",
        "_gen_secret()",
        "_gen_session_access_key()",
        "_gen_session_token()",
        "_group_inline_policies",
        "_groups",
        "_instance_profiles",
        "_make_aws_managed_record(name, document)",
        "_oidc_providers",
        "_p(params, key)",
        "_policies",
        "_roles",
        "_seed_aws_managed_policies()",
        "_trust_policy_not_principal_error(doc)",
        "_user_inline_policies",
        "_users",
        "_xml_escape",
        "policy_known(arn)",
        *BESIDE["iam"],
    ),
    "services.kms": (
        "_create_key(data)",
        "_put_key_policy(data)",
        "_resolve_key(key_id_or_arn)",
    ),
    "services.lambda_svc": (
        "_LAMBDA_ASYNC_RETRY_BASE_SECONDS",
        "_LAMBDA_ASYNC_RETRY_MAX_SECONDS",
        "_create_esm(data)",
        "_emit_lambda_logs(func)",
        "_create_function(data)",
        "_esms",
        "_execute_function(func, event)",
        "_execute_function_dispatch(func, config, event, request_id, started)",
        "_execution_record_for_config",
        "_externalize_code_zip(func, referenced)",
        "_functions",
        "_get_func_record_for_ref",
        "_iter_all_esms()",
        "_put_event_invoke_config(func_name, qualifier, data)",
        "_resolve_existing_esm_function",
        "_route_async_failure(target_arn, func_name, event, result)",
        "_update_config(name, data)",
        "executions_in_flight()",
        "invalidate_worker(func_name, qualifier, account, region)",
        "invoke_async_with_retry(func, event)",
    ),
    "services.s3": (
        "_bucket_tags",
        "_compute_s3_checksum(algorithm, body)",
        "_error(code, message, status)",
        "_put_bucket_policy(name, body)",
        *BESIDE["s3"],
    ),
    "services.scheduler": (
        "_create_schedule(name, body)",
        "_error(status, code, message)",
        "_now()",
        "_schedule_arn(group, name)",
        "_schedules",
        "_tags",
        "_tick_schedules()",
        "_to_epoch(value)",
        "_update_schedule(name, body)",
        "handle_request(method, path, headers, body_bytes, query_params)",
    ),
    "services.secretsmanager": (
        "_get_secret_value(data)",
        "_put_resource_policy(data)",
        "_resolve(secret_id)",
        "_secrets",
    ),
    "services.sns": (
        "_create_topic(params)",
        "_error(code, message, status)",
        "_p",
        "_set_topic_attributes(params)",
        "_topics",
        "topic_policy_for_arn(topic_arn)",
    ),
    "services.sqs": (
        "_Err",
        "_md5_msg_attrs(attrs)",
        "_queue_by_arn(arn)",
        "_validate_numeric_attrs(attrs)",
        "queue_policy_for_arn(queue_arn)",
    ),
    "services.ssm": (
        "_get_parameter(data)",
        "_parameters",
        "_tags",
    ),
    "services.sts": (
        "_error(status, code, message, ns)",
        "_role_id(role_arn)",
        "_web_identity_trust_denied(role_arn, params, use_json)",
        "register_session(access_key, session)",
        "validate_policy_document(doc)",
        *BESIDE["sts"],
    ),
}


def check() -> None:
    """Refuse a ministack that lacks something we need.

    Raises:
        HookError: Names the first internal that is missing or has other parameters.
    """
    version = importlib.metadata.version("ministack")
    for module_name, names in REQUIRED.items():
        module = importlib.import_module(f"ministack.{module_name}")
        for wanted in names:
            _check_name(module, wanted, version)


def _check_name(module: ModuleType, wanted: str, version: str) -> None:
    name, call, rest = wanted.partition("(")
    where = f"ministack {version} has no {module.__name__}.{wanted}"
    remedy = f"local AWS needs ministack=={MINISTACK_VERSION}: batchtab setup local"
    if not hasattr(module, name):
        raise HookError(f"{where}; {remedy}")
    if not call:
        return
    parameters = [part for part in rest.rstrip(")").split(", ") if part]
    actual = list(inspect.signature(getattr(module, name)).parameters)
    if actual[: len(parameters)] != parameters:
        raise HookError(f"{where} (its parameters are {', '.join(actual) or 'none'}); {remedy}")
