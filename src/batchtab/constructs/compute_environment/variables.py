"""The inputs of a compute environment, which the module of the whole environment has as well."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.expressions import Expression, hcl
from batchtab.constructs._terraform.module_stack import Variable, among, holds, matching, within
from batchtab.constructs._terraform.resources import ResourceRef, require

_DEFAULTS = limits.ENVIRONMENT_DEFAULTS
_AL2 = hcl(list(limits.IMAGE_TYPE.withdrawn))

NETWORK = (
    Variable(
        "subnet_ids",
        "list(string)",
        "Subnets of the containers or instances; as a rule private ones with a NAT gateway or endpoints.",
        validations=[holds("length(var.subnet_ids) > 0", "subnet_ids: name at least one.")],
    ),
    Variable(
        "security_group_ids",
        "list(string)",
        "Security groups of the containers or instances.",
        validations=[holds("length(var.security_group_ids) > 0", "security_group_ids: name at least one.")],
    ),
)
CAPACITY = (
    Variable(
        "capacity",
        "string",
        f"What jobs run on: {limits.CAPACITY.describe()}. A change makes a new compute environment first.",
        _DEFAULTS["capacity"],
        [among("capacity", limits.CAPACITY)],
    ),
    Variable(
        "instance_types",
        "list(string)",
        "For EC2 and SPOT: types, families, or `optimal`, `default_x86_64` or `default_arm64`, which let Batch choose.",
        _DEFAULTS["instance_types"],
        [holds("length(var.instance_types) > 0", "instance_types: name at least one, such as optimal.")],
    ),
    Variable(
        "min_vcpus",
        "number",
        "For EC2 and SPOT: vCPUs that are kept running, and billed, even when no job runs.",
        _DEFAULTS["min_vcpus"],
        [within("min_vcpus", limits.MIN_VCPUS)],
    ),
    Variable(
        "max_vcpus",
        "number",
        "vCPUs of all running jobs together.",
        _DEFAULTS["max_vcpus"],
        [within("max_vcpus", limits.MAX_VCPUS)],
    ),
    Variable(
        "state",
        "string",
        "Whether jobs start on it: DISABLED starts no more, and those that run go on.",
        _DEFAULTS["state"],
        [among("state", limits.STATE)],
    ),
    Variable(
        "allocation_strategy",
        "string",
        "For EC2 and SPOT, how instances are chosen; null: BEST_FIT_PROGRESSIVE on EC2, SPOT_CAPACITY_OPTIMIZED on"
        " SPOT. With SPOT_PRICE_CAPACITY_OPTIMIZED provider 5 replaces the environment for changes that else happen in"
        " place.",
        None,
        [among("allocation_strategy", limits.ALLOCATION_STRATEGY, nullable=True)],
    ),
    Variable(
        "bid_percentage",
        "number",
        "For SPOT, the highest price in percent of that on demand; null: 100.",
        None,
        [within("bid_percentage", limits.BID_PERCENTAGE, nullable=True)],
    ),
    Variable(
        "root_volume_gib",
        "number",
        "Root volume of each instance in GiB, for EC2 and SPOT.",
        limits.ROOT_VOLUME_GIB.default,
        [within("root_volume_gib", limits.ROOT_VOLUME_GIB)],
    ),
    Variable(
        "user_data",
        "string",
        "For EC2 and SPOT: what an instance runs when it starts, as a MIME multi-part archive.",
        None,
        [
            holds(
                f"var.user_data == null ? true : can(regex({hcl(limits.USER_DATA.pattern)}, var.user_data))"
                f" && length(var.user_data) <= {limits.USER_DATA.maximum}",
                f"user_data: is not allowed: {limits.USER_DATA.describe()}.",
            )
        ],
    ),
    Variable(
        "create_launch_template", "bool", "Whether a launch template is made; false: give `launch_template_id`.", True
    ),
    Variable(
        "launch_template_id",
        "string",
        "For EC2 and SPOT: a launch template of yours, which says what `root_volume_gib` and `user_data` else say.",
        None,
        [matching("launch_template_id", limits.LAUNCH_TEMPLATE_ID, nullable=True)],
    ),
    Variable(
        "launch_template_version",
        "number",
        "Version of `launch_template_id`, such as its `latest_version`: instances change when it does.",
        None,
        [within("launch_template_version", limits.LAUNCH_TEMPLATE_VERSION, nullable=True)],
    ),
    Variable(
        "image_type",
        "string",
        "For EC2 and SPOT, the instances' system: ECS_AL2023, or with GPUs ECS_AL2023_NVIDIA; null: AWS's default.",
        None,
        [
            holds(
                f"var.image_type == null ? true : !contains({_AL2}, var.image_type)",
                f"image_type: {limits.IMAGE_TYPE.refusal(limits.IMAGE_TYPE.withdrawn[0])}.",
            ),
            holds(
                "var.image_type == null ? true"
                f" : contains({hcl([*limits.IMAGE_TYPE.values, *limits.IMAGE_TYPE.withdrawn])}, var.image_type)",
                f'image_type: ${{var.image_type == null ? "null" : var.image_type}} is not'
                f" {limits.IMAGE_TYPE.describe()}.",
            ),
        ],
    ),
    Variable(
        "image_id",
        "string",
        "For EC2 and SPOT: an AMI of yours, which is of `image_type`, or else of ECS_AL2023; null: AWS's newest.",
        None,
        [matching("image_id", limits.IMAGE_ID, nullable=True)],
    ),
    Variable(
        "create_instance_profile",
        "bool",
        "Whether an instance profile and its role are made; false: give `instance_profile_arn`.",
        True,
    ),
    Variable(
        "instance_profile_arn",
        "string",
        "For EC2 and SPOT: an instance profile of yours, whose role has AmazonEC2ContainerServiceforEC2Role.",
        None,
        [matching("instance_profile_arn", limits.INSTANCE_PROFILE_ARN, nullable=True)],
    ),
    Variable(
        "job_execution_timeout_minutes",
        "number",
        "For EC2 and SPOT: how long a running job delays the replacement of its instance.",
        _DEFAULTS["job_execution_timeout_minutes"],
        [within("job_execution_timeout_minutes", limits.JOB_EXECUTION_TIMEOUT_MINUTES)],
    ),
    Variable(
        "terminate_jobs_on_update",
        "bool",
        "For EC2 and SPOT: whether jobs end at once when their instance is replaced.",
        _DEFAULTS["terminate_jobs_on_update"],
    ),
)
LAST = (
    Variable("permissions_boundary_arn", "string", "Permissions boundary of every role made here.", None),
    Variable("tags", "map(string)", "Tags of everything made here.", {}),
)
#: Optional inputs whose value may be unknown while Terraform plans: another input says whether they count.
GIVEN = {
    "launch_template_id": Expression.of("!var.create_launch_template"),
    "instance_profile_arn": Expression.of("!var.create_instance_profile"),
}


def require_what_is_brought(made: ResourceRef) -> None:
    """What is brought is used, and what is not used is refused: an input never goes without effect unsaid."""
    for name in GIVEN:
        switch = f"create_{name.removesuffix('_id').removesuffix('_arn')}"
        require(
            made,
            Expression.of(f"!var.{switch} || var.{name} == null"),
            f"{name}: is given, but {switch} is true: set it to false, or leave {name} out.",
        )
        require(
            made,
            Expression.of(f"var.{switch} || var.{name} != null"),
            f"{switch}: is false: give {name}.",
        )
