"""The repository's inputs and outputs as a Terraform module."""

from __future__ import annotations

from batchtab import limits
from batchtab.constructs._terraform.module_stack import ModuleStack, Variable, among, matching, within
from batchtab.constructs.runner_repository.construct import RunnerRepository

_DEFAULTS = limits.REPOSITORY_DEFAULTS

VARIABLES = (
    Variable(
        "name",
        "string",
        "Name of the repository.",
        validations=[matching("name", limits.REPOSITORY_NAME)],
    ),
    Variable(
        "image_tag_mutability",
        "string",
        "Whether a tag can be moved: MUTABLE, or IMMUTABLE, so that what ran yesterday can run again.",
        _DEFAULTS["image_tag_mutability"],
        [among("image_tag_mutability", limits.IMAGE_TAG_MUTABILITY)],
    ),
    Variable(
        "keep_tagged_images",
        "number",
        "How many images with a tag stay; older ones are deleted, also those that a job still names.",
        _DEFAULTS["keep_tagged_images"],
        [within("keep_tagged_images", limits.KEEP_TAGGED_IMAGES)],
    ),
    Variable(
        "untagged_days",
        "number",
        "Days after which an image without a tag is deleted.",
        _DEFAULTS["untagged_days"],
        [within("untagged_days", limits.UNTAGGED_DAYS)],
    ),
    Variable(
        "kms_key_arn",
        "string",
        "Key for the images; null: ECR's AES256. A change makes a new repository, without the images.",
        None,
    ),
    Variable("force_delete", "bool", "Whether a repository that holds images can be destroyed.", False),
    Variable("tags", "map(string)", "Tags of the repository.", {}),
)


def module() -> ModuleStack:
    """The module `runner_repository`."""
    stack = ModuleStack("runner_repository")
    made = RunnerRepository(stack, "Default", **{v.name: stack.variable(v) for v in VARIABLES})
    stack.output("repository_url", made.repository_url, "What an image's name begins with.")
    stack.output("repository_arn", made.repository["arn"], "ARN of the repository.")
    stack.output("repository_name", made.repository["name"], "Name of the repository.")
    return stack
