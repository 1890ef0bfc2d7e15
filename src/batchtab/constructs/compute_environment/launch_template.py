"""The launch template that is made for instances."""

from __future__ import annotations

import base64
from typing import Any

from batchtab.constructs._terraform.aws import (
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
    LaunchTemplateBlockDeviceMappingsEbs,
    LaunchTemplateMetadataOptions,
    LaunchTemplateTagSpecifications,
)
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    as_map,
    as_number,
    choose,
    hcl,
    is_set,
    merged,
)
from batchtab.constructs._terraform.framework import TerraformResourceLifecycle
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource

_CDKTF_TOKEN = "${TfToken["  # noqa: S105 - how cdktf writes a text that it knows later


def launch_template(
    scope: BatchtabConstruct, namespace: str, when: Condition, root_volume_gib: Any, user_data: Any, tags: Any
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
        user_data=_encoded(user_data),
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


def is_script(user_data: object) -> bool:
    """Whether user data is known now; `${…}` in a user's script is the shell's, not Terraform's."""
    return isinstance(user_data, str) and not isinstance(user_data, Expression) and _CDKTF_TOKEN not in user_data


def _encoded(user_data: Any) -> Any:
    """As EC2 wants it: in Base64."""
    if is_script(user_data):
        return base64.b64encode(user_data.encode()).decode()
    return choose(is_set(user_data), Expression.of(f"base64encode({hcl(user_data)})"), None)
