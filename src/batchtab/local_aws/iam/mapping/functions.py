"""Lambda.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from batchtab.local_aws.iam.checks import Check
from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import by_arn, everywhere, on, passing, table, tagging

_NAME = re.compile(
    r"(?:arn:[^:]+:lambda:[^:]+:\d{12}:)?(?:\d{12}:)?(?:function:)?(?P<name>[\w-]+)(?::(?P<qualifier>[\w$-]+))?"
)


def function_arn(call: Call, reference: str, qualifier: str | None = None) -> str:
    """Return the ARN of a function that is named in any of Lambda's ways: by name, in part or as a whole ARN."""
    match = _NAME.fullmatch(reference)
    if match is None:
        return reference
    head = reference.partition(":function:")[0] if reference.startswith("arn:") else call.arn("")[:-1]
    qualifier = qualifier or match["qualifier"]
    return f"{head}:function:{match['name']}{f':{qualifier}' if qualifier else ''}"


def _function(call: Call) -> Iterable[Target]:
    return [Target("function", function_arn(call, call.need("FunctionName"), call.get("Qualifier")))]


def _own_function(call: Call) -> Iterable[Check]:
    """Return the check with what a function may be limited to; the qualifier of a version is none of it."""
    target = Target("function", function_arn(call, call.need("FunctionName")))
    layers = call.all("Layers")
    yield call.check(
        None,
        target,
        lambda__SubnetIds=call.all("VpcConfig.SubnetIds"),
        lambda__SecurityGroupIds=call.all("VpcConfig.SecurityGroupIds"),
        lambda__Layer=layers,
        lambda__CodeSigningConfigArn=call.get("CodeSigningConfigArn"),
    )
    for layer in layers:
        yield call.check("lambda:GetLayerVersion", Target("layerVersion", layer))


def _permission(call: Call) -> Iterable[Check]:
    (target,) = _function(call)
    principal, kind = call.get("Principal"), call.get("FunctionUrlAuthType")
    return [call.check(None, target, lambda__Principal=principal, lambda__FunctionUrlAuthType=kind)]


def _mapping(call: Call) -> Iterable[Check]:
    """A mapping that is changed is one of the function that it is for, and of the one that it shall be for."""
    uuid = call.get("UUID")
    target = Target("eventSourceMapping", call.arn(f"event-source-mapping:{uuid or '*'}"))
    wanted = call.get("FunctionName")
    functions = {function_arn(call, wanted)} if wanted else set()
    if uuid and (present := call.world.mapping_function(uuid)):
        functions.add(present)
    for function in sorted(functions) or [""]:
        yield call.check(None, target, lambda__FunctionArn=function)


def _new_mapping(call: Call) -> Iterable[Target]:
    return [Target("eventSourceMapping", call.arn("event-source-mapping:*"))]


def _layer(call: Call) -> Iterable[Target]:
    return [Target("layer", call.arn(f"layer:{call.need('LayerName').rpartition(':layer:')[2]}"))]


def _layer_version(call: Call) -> Iterable[Target]:
    (layer,) = _layer(call)
    return [Target("layerVersion", call.get("Arn") or f"{layer.arn}:{call.need('VersionNumber')}")]


TABLE = table(
    {
        "CreateFunction": (_own_function, tagging(_function), passing("lambda.amazonaws.com", "Role")),
        "UpdateFunctionConfiguration": (_own_function, passing("lambda.amazonaws.com", "Role")),
        "Invoke InvokeWithResponseStream": on(_function, action="lambda:InvokeFunction"),
        "InvokeAsync": on(_function, action="lambda:InvokeAsync"),
        "AddPermission RemovePermission": _permission,
        "CreateAlias DeleteAlias DeleteFunction DeleteFunctionConcurrency DeleteFunctionEventInvokeConfig GetAlias"
        " GetFunction GetFunctionCodeSigningConfig GetFunctionConcurrency GetFunctionConfiguration"
        " GetFunctionEventInvokeConfig GetFunctionRecursionConfig GetPolicy GetProvisionedConcurrencyConfig"
        " GetRuntimeManagementConfig ListAliases ListFunctionEventInvokeConfigs ListVersionsByFunction PublishVersion"
        " PutFunctionConcurrency PutFunctionEventInvokeConfig PutFunctionRecursionConfig PutRuntimeManagementConfig"
        " UpdateAlias UpdateFunctionCode UpdateFunctionEventInvokeConfig": on(_function),
        "CreateEventSourceMapping": (_mapping, tagging(_new_mapping)),
        "GetEventSourceMapping UpdateEventSourceMapping DeleteEventSourceMapping": _mapping,
        "ListEventSourceMappings ListFunctions ListLayers GetAccountSettings": everywhere(),
        "ListTags TagResource UntagResource": on(by_arn("Resource")),
        "PublishLayerVersion ListLayerVersions": on(_layer),
        "GetLayerVersion DeleteLayerVersion": on(_layer_version),
    }
)
