"""What only EC2 and SPOT capacity has: the launch template, and the blocks that name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.constructs._terraform.aws import (
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
    LaunchTemplateBlockDeviceMappingsEbs,
    LaunchTemplateMetadataOptions,
    LaunchTemplateTagSpecifications,
)
from batchtab.constructs._terraform.expressions import Condition, Expression, as_map, as_number, choose, merged
from batchtab.constructs._terraform.framework import TerraformResourceLifecycle
from batchtab.constructs._terraform.resources import SINGLE_BLOCK, BatchtabConstruct, ResourceRef, create_resource

_UPDATE_TIMEOUT_MINUTES = 30  # how long a running job may hold up the replacement of its instance


def launch_template(
    scope: BatchtabConstruct, namespace: str, when: Condition, root_volume_gib: Any, tags: Any
) -> ResourceRef:
    """Instances with IMDSv2 only, one hop, and an encrypted root volume.

    The one hop keeps bridged containers from the instance's credentials; Batch's own run in the host's network.
    """
    return create_resource(
        scope,
        LaunchTemplate,
        "launch_template",
        when=when,
        name_prefix=f"{namespace}-",
        update_default_version=True,
        metadata_options=LaunchTemplateMetadataOptions(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        block_device_mappings=[
            LaunchTemplateBlockDeviceMappings(
                device_name="/dev/xvda",
                ebs=LaunchTemplateBlockDeviceMappingsEbs(
                    encrypted="true",
                    volume_type="gp3",
                    volume_size=as_number(root_volume_gib),
                    delete_on_termination="true",
                ),
            )
        ],
        tag_specifications=[
            LaunchTemplateTagSpecifications(resource_type=kind, tags=as_map(merged(tags, {"Name": namespace})))
            for kind in ("instance", "volume")
        ],
        tags=as_map(tags),
        lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
    )


def blocks(when: Condition, template: ResourceRef) -> Mapping[str, tuple[Any, Mapping[str, Any]]]:
    """The blocks of a compute environment that Fargate refuses, empty or not."""
    once = choose(when, list(SINGLE_BLOCK), [])
    if when is False:
        return {}
    # The number, not `$Latest`: only a change of it replaces the instances.
    version = Expression.of(f"tostring({template['latest_version'].text})")
    return {
        "compute_resources.launch_template": (once, {"launch_template_id": template["id"], "version": version}),
        "update_policy": (
            once,
            {"job_execution_timeout_minutes": _UPDATE_TIMEOUT_MINUTES, "terminate_jobs_on_update": False},
        ),
    }
