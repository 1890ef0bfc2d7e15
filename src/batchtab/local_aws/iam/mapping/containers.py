"""ECR.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

from __future__ import annotations

from collections.abc import Iterable

from batchtab.local_aws.iam.mapping.call import Call, Target
from batchtab.local_aws.iam.mapping.rules import by_arn, everywhere, on, table, tagging


def _repositories(call: Call) -> Iterable[Target]:
    """The repositories of a request; who asks for none of them by name asks for all."""
    names = call.all("repositoryName", "repositoryNames") or ["*"]
    return [Target("repository", call.arn(f"repository/{name}")) for name in names]


TABLE = table(
    {
        "CreateRepository": (on(_repositories), tagging(_repositories)),
        "BatchCheckLayerAvailability BatchDeleteImage BatchGetImage CompleteLayerUpload DeleteLifecyclePolicy"
        " DeleteRepository DeleteRepositoryPolicy DescribeImageScanFindings DescribeImages DescribeRepositories"
        " GetDownloadUrlForLayer GetLifecyclePolicy GetLifecyclePolicyPreview GetRepositoryPolicy InitiateLayerUpload"
        " ListImages PutImage PutImageScanningConfiguration PutImageTagMutability PutLifecyclePolicy"
        " SetRepositoryPolicy StartImageScan UploadLayerPart": on(_repositories),
        "ListTagsForResource TagResource UntagResource": on(by_arn("resourceArn")),
        "GetAuthorizationToken DescribeRegistry": everywhere(),
    }
)
