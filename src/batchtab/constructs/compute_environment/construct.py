"""A managed compute environment, with the role and the launch template of its instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.arguments import check, check_each
from batchtab.constructs._terraform.aws import BatchComputeEnvironment, BatchComputeEnvironmentComputeResources
from batchtab.constructs._terraform.expressions import (
    Expression,
    all_of,
    any_of,
    as_list,
    as_map,
    as_number,
    choose,
    hcl,
    is_expression,
    is_set,
    literals,
    merged,
    negate,
    not_empty,
    one_of,
    pick,
)
from batchtab.constructs._terraform.framework import NAME, TerraformResourceLifecycle
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.resources import (
    SINGLE_BLOCK,
    BatchtabConstruct,
    ResourceRef,
    create_resource,
    require,
)
from batchtab.constructs._terraform.roles import ROOT_PATH, RoleSettings
from batchtab.constructs.compute_environment import launch_template, rules
from batchtab.constructs.compute_environment.instance_role import instance_role

_DEFAULTS = limits.ENVIRONMENT_DEFAULTS
#: Version 6 of the provider, for which the fork's bindings are, renamed the argument.
_NAME_PREFIX = {"cdktf": "compute_environment_name_prefix", "cdktn": "name_prefix"}


class ComputeEnvironment(BatchtabConstruct):
    """Capacity for the queues of a `BatchEnvironment`, beside the one that it makes itself.

    On-demand EC2 by default, because a job that must not be interrupted is the common case. The environment has a
    generated name, so that Terraform can make its successor before it deletes it; in a stack the name begins with the
    namespace. Batch's own service-linked role and an allocation strategy other than BEST_FIT let most changes happen in
    place. Instances of EC2 and SPOT get IMDSv2 only and an encrypted root volume, unless a launch template of yours
    says otherwise. Jobs on one instance trust each other: on EC2 their containers share the host's network and can
    reach the instance's credentials. FARGATE and FARGATE_SPOT keep jobs apart.

    See https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        namespace: str,
        name: str,
        subnet_ids: Sequence[str] | Expression,
        security_group_ids: Sequence[str] | Expression,
        capacity: str = _DEFAULTS["capacity"],
        instance_types: Sequence[str] | Expression = _DEFAULTS["instance_types"],
        min_vcpus: int | Expression = _DEFAULTS["min_vcpus"],
        max_vcpus: int | Expression = _DEFAULTS["max_vcpus"],
        state: str = _DEFAULTS["state"],
        allocation_strategy: str | None = None,
        bid_percentage: int | Expression | None = None,
        root_volume_gib: int | Expression = _DEFAULTS["root_volume_gib"],
        user_data: str | None = None,
        launch_template_id: str | None = None,
        launch_template_version: int | Expression | None = None,
        image_type: str | None = None,
        image_id: str | None = None,
        instance_profile_arn: str | None = None,
        job_execution_timeout_minutes: int | Expression = _DEFAULTS["job_execution_timeout_minutes"],
        terminate_jobs_on_update: bool | Expression = _DEFAULTS["terminate_jobs_on_update"],
        permissions_boundary_arn: str | None = None,
        role_path: str = ROOT_PATH,
        role_name_suffix: str = "",
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the environment.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: Names begin with it.
            name: Follows the namespace in names; empty for the one that has the namespace to itself.
            subnet_ids: Where containers or instances run; private ones with a NAT gateway or endpoints, as a rule.
            security_group_ids: At least one; Fargate refuses none.
            capacity: EC2, SPOT, FARGATE or FARGATE_SPOT. A change makes a new compute environment first.
            instance_types: For EC2 and SPOT; `optimal` lets Batch choose, as `default_x86_64` and `default_arm64` do.
            min_vcpus: Kept running, and billed, even when no job runs. For EC2 and SPOT.
            max_vcpus: All running jobs together.
            state: DISABLED starts no more jobs here; running jobs continue.
            allocation_strategy: How instances are chosen; None is BEST_FIT_PROGRESSIVE on EC2 and
                SPOT_CAPACITY_OPTIMIZED on SPOT. With SPOT_PRICE_CAPACITY_OPTIMIZED Terraform's provider 5 replaces the
                environment for changes that else happen in place.
            bid_percentage: The highest price on SPOT, in percent of that on demand; None is 100.
            root_volume_gib: Of each instance, for EC2 and SPOT.
            user_data: What an instance runs when it starts, as a MIME multi-part archive. A plain text is a script as
                it is, `${…}` in it included; an `Expression` is Terraform's.
            launch_template_id: One of yours instead of the one that is made here.
            launch_template_version: Its number; instances change when it does.
            image_type: The instances' system: ECS_AL2023 or ECS_AL2023_NVIDIA; None leaves it to AWS.
            image_id: An AMI of yours, which is of `image_type`, or else of ECS_AL2023.
            instance_profile_arn: One of yours instead of the one that is made here.
            job_execution_timeout_minutes: How long a running job delays the replacement of its instance.
            terminate_jobs_on_update: End jobs at once when their instance is replaced.
            permissions_boundary_arn: For the role made here.
            role_path: Of that role and the instance profile.
            role_name_suffix: Of their names, which are the whole account's: for a second region.
            tags: On everything; see also the provider's default_tags.

        Raises:
            ValueError: a known value is outside what AWS allows.
        """
        super().__init__(scope, id_)
        check("namespace", namespace, limits.NAMESPACE_ANY)
        check("name", name or None, limits.COMPUTE_ENVIRONMENT_NAME)
        for label, value, limit in (
            ("capacity", capacity, limits.CAPACITY),
            ("min_vcpus", min_vcpus, limits.MIN_VCPUS),
            ("max_vcpus", max_vcpus, limits.MAX_VCPUS),
            ("state", state, limits.STATE),
            ("allocation_strategy", allocation_strategy, limits.ALLOCATION_STRATEGY),
            ("bid_percentage", bid_percentage, limits.BID_PERCENTAGE),
            ("root_volume_gib", root_volume_gib, limits.ROOT_VOLUME_GIB),
            ("launch_template_id", launch_template_id, limits.LAUNCH_TEMPLATE_ID),
            ("launch_template_version", launch_template_version, limits.LAUNCH_TEMPLATE_VERSION),
            ("image_type", image_type, limits.IMAGE_TYPE),
            ("image_id", image_id, limits.IMAGE_ID),
            ("instance_profile_arn", instance_profile_arn, limits.INSTANCE_PROFILE_ARN),
            ("job_execution_timeout_minutes", job_execution_timeout_minutes, limits.JOB_EXECUTION_TIMEOUT_MINUTES),
            ("role_path", role_path, limits.ROLE_PATH),
            ("role_name_suffix", role_name_suffix, limits.ROLE_NAME_SUFFIX),
        ):
            check(label, value, limit)
        check("permissions_boundary_arn", permissions_boundary_arn, limits.POLICY_ARN)
        check_each("subnet_ids", subnet_ids, limits.SUBNET_ID)
        check_each("security_group_ids", security_group_ids, limits.SECURITY_GROUP_ID)
        check_each("instance_types", instance_types, limits.INSTANCE_TYPE)
        check_each("tags: the name", tags, limits.AWS_TAG)
        if launch_template.is_script(user_data) and (refusal := limits.USER_DATA.refusal(user_data or "")):
            raise ValueError(f"user_data: {refusal}")
        for label, values in (
            ("subnet_ids", subnet_ids),
            ("security_group_ids", security_group_ids),
            ("instance_types", instance_types),
        ):
            if not_empty(values) is False:
                raise ValueError(f"{label} is empty: name at least one")
        tags = literals(tags)
        self.capacity = capacity
        whole = f"{namespace}-{name}" if name else namespace
        on_hosts = negate(one_of(capacity, limits.FARGATE_CAPACITIES))
        role = instance_role(
            self,
            whole,
            all_of(negate(is_set(instance_profile_arn)), on_hosts),
            RoleSettings(permissions_boundary_arn, role_path, role_name_suffix, tags),
        )
        #: The role of the instances; one that may be absent.
        self.instance_role: ResourceRef = role.role
        #: The profile with that role; one that may be absent.
        self.instance_profile: ResourceRef = role.profile
        own_template = negate(is_set(launch_template_id))
        #: The launch template of the instances; one that may be absent.
        self.launch_template = made = launch_template.launch_template(
            self, whole, all_of(own_template, on_hosts), root_volume_gib, user_data, tags
        )
        if made.when is not False and not name:
            least = limits.LAUNCH_TEMPLATE_NAMESPACE_MIN
            is_long = Expression.of(f"length({hcl(whole)}) >= {least}") if is_expression(whole) else len(whole) >= least
            text = "is too short: a launch template's prefix has 3 characters or more"
            require(made, is_long, f"namespace: {whole} {text}: write {least} or more.")
        # Of a module, which is written once for two versions of the provider, Terraform makes the whole name: they call
        # this argument differently. An environment that was there before keeps its name, and is not replaced for it.
        prefix: dict[str, Any] = {} if isinstance(self._stack, ModuleStack) else {_NAME_PREFIX[NAME]: f"{whole}-"}
        #: The compute environment.
        self.resource = create_resource(
            self,
            BatchComputeEnvironment,
            "compute_environment",
            type="MANAGED",
            state=state,
            compute_resources=BatchComputeEnvironmentComputeResources(
                type=capacity,
                subnets=as_list(subnet_ids),
                security_group_ids=as_list(security_group_ids),
                max_vcpus=as_number(max_vcpus),
                min_vcpus=as_number(choose(on_hosts, min_vcpus, None)),
                instance_type=as_list(choose(on_hosts, instance_types, None)),
                instance_role=choose(is_set(instance_profile_arn), instance_profile_arn, role.profile.get("arn")),
                allocation_strategy=choose(
                    is_set(allocation_strategy), allocation_strategy, pick(capacity, limits.ALLOCATION_STRATEGIES)
                ),
                bid_percentage=as_number(bid_percentage),
            ),
            tags=as_map(merged(tags, {"Name": whole})),
            blocks={
                **_image(image_type, image_id),
                **_on_hosts(
                    on_hosts,
                    {
                        # By number, not `$Latest`: only a change of it replaces the instances.
                        "launch_template_id": choose(own_template, made.get("id"), launch_template_id),
                        "version": choose(
                            own_template,
                            _text(made.get("latest_version")),
                            _text(launch_template_version),
                        ),
                    },
                    {
                        "job_execution_timeout_minutes": job_execution_timeout_minutes,
                        "terminate_jobs_on_update": terminate_jobs_on_update,
                    },
                ),
            },
            # Batch itself moves desired_vcpus; a policy that goes before the environment leaves it stuck in DELETING.
            lifecycle=TerraformResourceLifecycle(
                create_before_destroy=True, ignore_changes=["compute_resources[0].desired_vcpus", *prefix]
            ),
            **prefix,
            depends_on=[role.attachment.address] if role.attachment.when is not False else [],
        )
        rules.check_together(
            self.resource,
            capacity=capacity,
            min_vcpus=min_vcpus,
            max_vcpus=max_vcpus,
            allocation_strategy=allocation_strategy,
            bid_percentage=bid_percentage,
            user_data=user_data,
            launch_template_id=launch_template_id,
            launch_template_version=launch_template_version,
            image_type=image_type,
            image_id=image_id,
            instance_profile_arn=instance_profile_arn,
        )

    @property
    def arn(self) -> Expression:
        """The compute environment's ARN."""
        return self.resource["arn"]


def _text(number: Any) -> Any:
    """A version as Batch takes it."""
    if number is None:
        return None
    return Expression.of(f"tostring({hcl(number)})") if isinstance(number, str) else str(number)


def _image(image_type: Any, image_id: Any) -> dict[str, Any]:
    """The block that says which AMI is used."""
    when = any_of(is_set(image_type), is_set(image_id))
    if when is False:
        return {}
    content = {
        "image_type": choose(is_set(image_type), image_type, limits.IMAGE_TYPE.values[0]),
        "image_id_override": image_id,
    }
    kept = {key: value for key, value in content.items() if value is not None}
    return {"compute_resources.ec2_configuration": (choose(when, list(SINGLE_BLOCK), []), kept)}


def _on_hosts(on_hosts: Any, template: Mapping[str, Any], update_policy: Mapping[str, Any]) -> dict[str, Any]:
    """The blocks that Fargate refuses, empty or not."""
    if on_hosts is False:
        return {}
    once = choose(on_hosts, list(SINGLE_BLOCK), [])
    return {"compute_resources.launch_template": (once, template), "update_policy": (once, update_policy)}
