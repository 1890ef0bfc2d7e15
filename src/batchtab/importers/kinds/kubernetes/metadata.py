"""Names, labels and annotations."""

from __future__ import annotations

from batchtab import limits
from batchtab.importers.kinds.kubernetes.draft import Draft
from batchtab.importers.node import Node
from batchtab.importers.source_file import plain

OF_CLUSTER = "the cluster writes it: it is no part of the declaration"
_TAGS_MAX = 40  # of 50; the stage has some
# Written by the cluster, or untrue of the imported job.
_OTHER_LABELS = ("app.kubernetes.io/managed-by", "helm.sh/chart", "heritage", "chart", "pod-template-hash")
_OF_CONTROLLERS = ("batch.kubernetes.io/", "kubectl.kubernetes.io/", "meta.helm.sh/", "deployment.kubernetes.io/")
_WRITTEN = (
    *("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink"),
    *("managedFields", "ownerReferences", "finalizers", "deletionGracePeriodSeconds"),
)
_HOOK = "helm.sh/hook"
_ROLE = "iam.amazonaws.com/role"
_DESCRIPTIONS = ("kubernetes.io/description", "description")
_INJECTED = ("vault.hashicorp.com/agent-inject",)


def of_object(metadata: Node, draft: Draft) -> None:
    """The metadata of a CronJob or a Job."""
    metadata.change("name", f"the job's name: {draft.name}")
    metadata.change("generateName", f"the job's name: {draft.name}")
    metadata.leave("namespace", "the stage and the service take its place")
    for key in _WRITTEN:
        metadata.leave(key, OF_CLUSTER)
    _labels(metadata, draft)
    _annotations(metadata, draft)
    metadata.rest()


def of_template(metadata: Node, draft: Draft, *, is_pod: bool = False) -> None:
    """The metadata of a template of Jobs or pods."""
    for key in ("name", "generateName", "namespace", *_WRITTEN):
        metadata.leave(key, OF_CLUSTER if key in _WRITTEN else "Batch names each run by its job")
    found = _labels(metadata, draft)
    if is_pod:
        draft.labels = found
    _annotations(metadata, draft)
    metadata.rest()


def _labels(metadata: Node, draft: Draft) -> dict[str, str]:
    """Labels become tags where AWS takes them; all of them are returned."""
    found = metadata.child("labels")
    tags = draft.settings.get("tags", {})
    values = {str(key): str(plain(value)) for key, value in found.data.items()}
    for key in list(found.data):
        name, text = str(key), values[str(key)]
        if name in _OTHER_LABELS or name.startswith(_OF_CONTROLLERS) or name in {"controller-uid", "job-name"}:
            found.leave(key, "Helm or the cluster writes it, and it is not true of the imported job")
            continue
        refusal = limits.TAG_KEY.refusal(name) or limits.TAG_VALUE.refusal(text) or limits.AWS_TAG.refusal(name)
        twin = next((each for each in tags if each.lower() == name.lower() and each != name), None)
        if refusal:
            found.leave(key, f"as a tag of AWS it {refusal}")
        elif twin:
            found.leave(key, f"as a tag of AWS it differs from {twin} in case only")
        elif name not in tags and len(tags) >= _TAGS_MAX:
            found.leave(key, f"AWS takes 50 tags, and {_TAGS_MAX} are imported")
        elif tags.get(name, text) != text:
            found.leave(key, f"the tag {name} has another label's value: {tags[name]}")
        else:
            tags[name] = text
            found.carry(key, f"tags.{name}")
    found.rest()
    if tags:
        draft.settings["tags"] = tags
    return values


def _annotations(metadata: Node, draft: Draft) -> None:
    """Annotations are settings of controllers; few of them mean something to a job."""
    found = metadata.child("annotations")
    for key in list(found.data):
        name = str(key)
        text = str(plain(found.data[key]))
        if name == _HOOK:
            todo = f"decide who starts it: `batchtab run {draft.name}` does"
            found.leave(key, f"Helm starts the Job as a hook ({text}); here nothing does", todo)
        elif name == _ROLE and limits.ROLE_ARN.refusal(text) is None:
            draft.settings["job_role_arn"] = text
            found.change(key, "job_role_arn", "let the role's trust policy name ecs-tasks.amazonaws.com")
        elif name in _DESCRIPTIONS and 0 < len(text) <= limits.DESCRIPTION_MAX and "description" not in draft.settings:
            draft.settings["description"] = text
            found.carry(key, "description")
        elif name in _INJECTED and text.lower() == "true":
            found.leave(key, "Vault's agent writes secrets into the pod", "store them for `secrets`")
        elif name.endswith("last-applied-configuration"):
            found.take(key)
            metadata.recorder.not_carried(found.name(name), "", OF_CLUSTER)  # it repeats all values
        elif name.startswith((*_OF_CONTROLLERS, "helm.sh/")):
            found.leave(key, OF_CLUSTER)
        else:
            found.leave(key, "annotations are for controllers and tools of the cluster")
    found.rest()
