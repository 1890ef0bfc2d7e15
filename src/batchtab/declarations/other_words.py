"""What Kubernetes, Compose, GitLab, GitHub, ECS, Terraform and Airflow call what a field of ours says.

A word is written in lower case with `_`, as `folded` makes it of `activeDeadlineSeconds`. One of several fields counts
where the model has it: `timeout` is a job's `timeout_seconds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchtab import limits
from batchtab.declarations import command_line, schedule_words
from batchtab.declarations import rewriting as to
from batchtab.declarations.rewriting import Converter


@dataclass(frozen=True, slots=True)
class Word:
    """Other systems' words of a field, and how their values are written here."""

    words: frozenset[str]
    field: str
    convert: Converter


def _each(names: str, field: str, convert: Converter = to.same) -> Word:
    return Word(frozenset(names.split()), field, convert)


_plain = to.always("")

JOB = (
    # What runs.
    _each(
        "cmd args arguments run entrypoint entry_point bash_command exec_command program", "command", command_line.words
    ),
    _each("script before_script steps", "command", command_line.script),
    _each("image_uri docker_image image_name", "image", to.image),
    _each("env envs env_vars environment_variables vars variables", "environment", to.variables),
    _each("secret_env secret_environment", "secrets", _plain),
    _each("params", "parameters", _plain),
    _each("doc doc_md summary comment", "description", _plain),
    # When.
    _each(
        "cron crontab cron_expression schedule_expression schedule_interval on expression",
        "schedule",
        schedule_words.schedule,
    ),
    _each("rate every interval period", "schedule", schedule_words.rate),
    _each("at run_at once", "schedule", schedule_words.once),
    _each("time_zone tz schedule_expression_timezone schedule_timezone cron_timezone", "timezone", schedule_words.zone),
    _each("start_date start_time not_before start_at", "start", _plain),
    _each("end_date end_time not_after end_at until", "end", _plain),
    _each("exclude exclusions except_days skip_dates holidays blackout", "except", _plain),
    _each("flexible_time_window flex_window jitter flexible_window", "flexible_window_minutes", to.amount),
    _each("enabled is_enabled active schedule_enabled", "suspend", to.opposite),
    _each("state", "suspend", to.opposite),
    _each("disabled is_disabled paused is_paused is_paused_upon_creation suspended", "suspend", to.truth),
    # After what, and how many at once.
    _each("depends_on dependencies needs requires upstream upstream_task_ids run_after dependson", "after", to.names),
    _each("trigger_rule after_state depends_on_status", "after_status", to.one_of(limits.AFTER_STATUS)),
    _each("concurrency overlap allow_overlap allow_concurrent overlap_policy", "concurrency_policy", to.overlap),
    _each(
        "max_active_runs max_concurrency max_concurrent max_instances max_parallel", "concurrency_policy", to.overlap
    ),
    _each("skip_if_running no_overlap singleton exclusive", "concurrency_policy", to.dont_overlap),
    _each("resource_group", "concurrency_policy", to.always("write concurrency_policy: queue")),
    _each("depends_on_past stop_on_failure", "pause_on_failure", to.truth),
    _each("deadline start_deadline starting_deadline", "starting_deadline_seconds", to.amount),
    # How long, and how often.
    _each("active_deadline_seconds attempt_duration_seconds timeout execution_timeout", "timeout_seconds", to.amount),
    _each("max_duration max_runtime time_limit run_timeout job_timeout dagrun_timeout", "timeout_seconds", to.amount),
    _each("backoff_limit retries max_retries retry_count retry retry_limit retry_strategy", "attempts", to.one_more),
    _each("max_attempts tries maximum_attempts", "attempts"),
    _each("restart_policy restart", "attempts", to.restart),
    _each("retry_rules retry_on exit_rules on_exit", "evaluate_on_exit", _plain),
    _each("stop_timeout stop_grace_period termination_grace_period_seconds grace_period", "grace_seconds", to.amount),
    _each("expected_duration usual_duration estimated_duration", "usual_duration_seconds", to.amount),
    _each("parallelism completions parallel array array_properties copies replicas count", "array_size", to.count),
    # Size and place.
    _each("cpu cpus vcpu cpu_count cpu_limit cpu_request num_cpus", "vcpus", to.vcpus),
    _each("memory mem ram mem_limit memory_limit memory_request mem_reservation", "memory_mib", to.amount),
    _each("memory_reservation", "memory_mib", to.amount),
    _each("resources requests limits deploy resource_requirements", "memory_mib", to.resources),
    _each("gpu gpu_count num_gpus", "gpus"),
    _each("runtime accelerators", "gpus", _plain),
    _each("arch platform cpu_architecture runtime_platform", "architecture", to.architecture),
    _each("shm_size shared_memory shared_memory_size", "shared_memory_mib", to.amount),
    _each("ephemeral_storage storage disk disk_size disk_gib", "ephemeral_storage_gib", to.amount),
    _each("job_queue queue_name pool", "queue"),
    _each("scheduling_priority priority_weight priority_class_name", "priority"),
    _each("share_identifier fair_share", "share"),
    _each("num_nodes number_of_nodes multi_node multinode node_properties", "nodes", _plain),
    # Rights.
    _each("role role_arn job_role task_role task_role_arn iam_role iam_role_arn", "job_role_arn", _plain),
    _each("execution_role task_execution_role_arn", "execution_role_arn", _plain),
    _each("iam policy policies policy_statements inline_policy iam_policy statements", "permissions", _plain),
    _each("service_account service_account_name", "permissions", _plain),
    _each("policy_arns managed_policies", "managed_policy_arns", _plain),
    _each("image_pull_secrets repository_credentials registry_auth", "registry_credentials", _plain),
    # The container.
    _each("readonly read_only readonly_root_filesystem read_only_rootfs", "read_only_root_filesystem", to.truth),
    _each("init init_process_enabled", "init_process", to.truth),
    _each("run_as_user uid", "user"),
    _each("volume_mounts mount_points", "mounts", _plain),
    _each("logging log_configuration log_driver logs", "log", _plain),
    _each("enable_execute_command execute_command", "exec", to.truth),
    _each("sidecars sidecar init_containers container_definitions services", "containers", _plain),
    _each("container_properties container_overrides override overrides", "container", _plain),
    _each("public_ip associate_public_ip", "assign_public_ip", to.truth),
    _each("labels annotations metadata", "tags", _plain),
    # Who hears of it.
    _each("notify notifications notification slack slack_channel alert alerting alarm", "alerts", to.channel),
    _each("email on_failure on_failure_callback email_on_failure webhook", "alerts", to.channel),
)
ELSEWHERE = (
    # Images.
    _each("name repo uri url image path", "repository", to.repository),
    _each("version", "tag", to.same),
    _each("sha sha256 hash", "digest", _plain),
    # Permissions, and rules for retries.
    _each("action", "actions", _plain),
    _each("resource arn arns", "resources", _plain),
    _each("exit_code code exit_codes", "on_exit_code", to.same),
    _each("reason", "on_reason", _plain),
    _each("status_reason", "on_status_reason", _plain),
    # Alerts.
    _each("slack_channel slack to", "channel", to.channel_name),
    _each("webhook webhook_url slack_webhook slack_webhook_url webhook_arn", "webhook_secret_arn", _plain),
    _each("mentions user users group", "mention", _plain),
    _each("silent silence muted", "mute", to.truth),
    _each("sla late_after late", "late_after_seconds", to.amount),
    # A stage, its network and its environment.
    _each("account aws_account aws_account_id", "account_id", _plain),
    _each("aws_region location", "region"),
    _each("tz time_zone", "timezone", schedule_words.zone),
    _each("vpc vpc_id subnets", "network", _plain),
    _each("compute compute_environment compute_resources batch", "environment", _plain),
    _each("backend state_bucket", "state", _plain),
    _each("slack notifications notify", "alerts", _plain),
    _each("services", "jobs", _plain),
    _each("labels default_tags", "tags", _plain),
    _each("retention_in_days log_retention log_retention_in_days", "log_retention_days", to.amount),
    _each("permissions_boundary boundary", "permissions_boundary_arn", _plain),
    _each("history retention", "history_days", to.amount),
    _each("subnets", "subnet_ids", _plain),
    _each("security_groups", "security_group_ids", _plain),
    _each("cidr_block vpc_cidr", "cidr", _plain),
    _each("type capacity_type launch_type provider", "capacity", to.one_of(limits.CAPACITY)),
    _each("instances instance_classes", "instance_types", _plain),
    _each("job_queues", "queues", _plain),
    _each("timeout runnable_timeout", "runnable_timeout_seconds", to.amount),
)
# Of a job, and with no field: what to do instead.
NO_FIELD: Mapping[str, str] = {
    word: hint
    for hint, words in {
        "Kubernetes' head has no meaning here: a job is a name below jobs with its fields": "api_version kind",
        "write its fields at the job itself": "spec template",
        "a job's name is its key below jobs": "name id task_id job_name container_name job_definition_name family",
        "the stage's file has the namespace": "namespace",
        "the stage's file has the region": "region",
        "the stage's file has the capacity: environment: {capacity: …}": "capacity platform_capabilities launch_type",
        "the stage's file has the instance types: environment: {instance_types: […]}": "instance_type instance_types",
        "queue names one of the stage's queues": "runs_on node_selector tolerations affinity",
        "the stage's file has the network": "subnets network networks network_mode security_groups",
        "the stage's file has the network; assign_public_ip is a field of a job": "network_configuration",
        "leave it out: nothing connects to a job": "ports expose port_mappings",
        "leave it out: a job ends by itself, or after timeout_seconds": "healthcheck",
        "leave it out: a job's own container is": "essential",
        "image names one that exists; jobs/Dockerfile builds the shared one": "build",
        "leave it out: a tag is looked up at each start": "image_pull_policy",
        "write command: [sh, -c, cd DIR && exec PROGRAM], or set it in the image": "working_dir workdir",
        "write environment: {NAME: value}, and what is secret below secrets": "env_file env_from",
        "write secrets: {PASSWORD: /a/parameter}, by the name of an SSM parameter": "password",
        "leave it out: times that were missed are not run; `batchtab backfill` runs them": "catchup",
        "leave it out: Batch tries again at once": "retry_delay retry_exponential_backoff",
        "the later job names this one with after": "downstream before trigger_downstream",
        "the stage's file has runs: {history_days: …}": (
            "successful_jobs_history_limit failed_jobs_history_limit ttl_seconds_after_finished"
        ),
        "the stage's file has log_retention_days": "log_retention_days",
        "its parts are init_process, devices, shared_memory_mib and tmpfs": "linux_parameters",
        "its parts are user, privileged and read_only_root_filesystem": "security_context",
        "leave it out: tags are always propagated": "propagate_tags",
        "leave it out: only jobs that name this one with after hear of its end; alerts: {mute: true}": "allow_failure",
        "a job without schedule and after runs only when it is started manually": "when",
        "write tags: {owner: …}": "owner",
        "leave it out: a job writes to S3 by itself, with permissions": "artifacts cache",
    }.items()
    for word in words.split()
}
# Known soon, or already: a word may lead to them where a job's other fields are.
COMING = (
    *("architecture", "gpus", "volumes", "mounts", "tmpfs", "shared_memory_mib", "init_process", "devices", "ulimits"),
    *("user", "privileged", "log", "registry_credentials", "managed_policy_arns", "exec", "grace_seconds", "priority"),
    *("share", "platform_version", "containers", "nodes", "container"),
)
