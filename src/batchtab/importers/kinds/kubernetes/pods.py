"""The spec of a pod: where it runs, as whom, and its containers."""

from __future__ import annotations

from collections.abc import Mapping

from batchtab import limits
from batchtab.importers.kinds.kubernetes import containers, security
from batchtab.importers.kinds.kubernetes.draft import Draft, listed, whole
from batchtab.importers.kinds.kubernetes.objects import mapping
from batchtab.importers.node import Node

_ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
_ARCH_LABELS = ("kubernetes.io/arch", "beta.kubernetes.io/arch")
_OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")
_QUEUE = "name in `queue` a queue of the stage whose instances are such"
_GRACE_SECONDS = 30
_IRSA = "eks.amazonaws.com/role-arn"
_PLACEMENT = "Batch chooses the instance"
_LEFT = {
    "tolerations": "queues have no taints",
    "topologySpreadConstraints": _PLACEMENT,
    "nodeName": _PLACEMENT,
    "schedulerName": "Batch schedules by its queues",
    "schedulingGates": "Batch schedules by its queues",
    "priorityClassName": "the queue decides; in a fair-share queue `priority` does",
    "priority": "the queue decides; in a fair-share queue `priority` does",
    "preemptionPolicy": "Batch ends no job for another one",
    "runtimeClassName": "ECS has one runtime",
    "overhead": "ECS has one runtime",
    "enableServiceLinks": "the cluster's services are not there",
    "readinessGates": "nothing is sent to a job",
    "hostname": "ECS names the host",
    "subdomain": "ECS names the host",
    "setHostnameAsFQDN": "ECS names the host",
    "hostUsers": "Batch has no user namespaces",
    "automountServiceAccountToken": "no token of the cluster is there",
    "resourceClaims": "devices are claimed from the cluster",
    "resources": "each container has its own size",
}
_ASK_IF_SET = {
    "hostNetwork": ("the network is that of the stage's subnets", "make sure that the job reaches what it needs"),
    "hostPID": ("a job sees its own processes only", "decide whether it has to see those of the instance"),
    "hostIPC": ("a job has memory of its own", "decide whether it has to share that of the instance"),
    "shareProcessNamespace": ("each container sees its own processes", "decide whether they have to see each other"),
}


def pod(spec: Node, draft: Draft) -> None:
    """Read a pod's spec into the draft."""
    spec.change("restartPolicy", "each attempt is a new container")
    spec.change("activeDeadlineSeconds", "timeout_seconds, which applies to each attempt")
    _architecture(spec, draft)
    _account(spec, draft)
    _registries(spec)
    _grace(spec, draft)
    _network(spec)
    for key, (why, todo) in _ASK_IF_SET.items():
        if spec.take(key) is True:
            spec.leave(key, why, todo)
        else:
            spec.carry(key, "is off")
    containers.containers(spec, draft, security.of_pod(spec))
    for key, why in _LEFT.items():
        spec.leave(key, why)
    spec.rest()


def _architecture(spec: Node, draft: Draft) -> None:
    selector = spec.child("nodeSelector")
    for key in list(selector.data):
        value = str(selector.data[key])
        if key in _ARCH_LABELS and value in _ARCHITECTURES:
            draft.settings["architecture"] = _ARCHITECTURES[value]
            selector.carry(key, f"architecture: {_ARCHITECTURES[value]}")
        elif key in _OS_LABELS:
            _system(selector, str(key), value)
        else:
            selector.leave(key, "selects nodes of the cluster", _QUEUE)
    _affinity(spec.child("affinity"), draft)
    system = spec.child("os")
    _system(system, "name", str(system.data.get("name", "linux")))
    system.rest()


def _system(node: Node, key: str, value: str) -> None:
    if value == "linux":
        node.carry(key, "Linux, on which all jobs run")
    else:
        node.leave(key, "jobs run on Linux", "the job needs an image for Linux")


def _affinity(affinity: Node, draft: Draft) -> None:
    of_nodes = affinity.child("nodeAffinity")
    required = of_nodes.child("requiredDuringSchedulingIgnoredDuringExecution")
    for term in required.children("nodeSelectorTerms"):
        for each in term.children("matchExpressions"):
            values = [str(value) for value in listed(each.data.get("values"))]
            is_one = each.data.get("operator") == "In" and len(values) == 1
            if is_one and each.data.get("key") in _ARCH_LABELS and values[0] in _ARCHITECTURES:
                draft.settings["architecture"] = _ARCHITECTURES[values[0]]
                _carry_all(each, f"architecture: {_ARCHITECTURES[values[0]]}")
            elif is_one and each.data.get("key") in _OS_LABELS and values[0] == "linux":
                _carry_all(each, "Linux, on which all jobs run")
            else:
                each.rest("selects nodes of the cluster", _QUEUE)
        term.rest("selects nodes of the cluster", _QUEUE)
    required.rest("selects nodes of the cluster", _QUEUE)
    of_nodes.rest(f"is a preference; {_PLACEMENT[0].lower()}{_PLACEMENT[1:]}", "")
    affinity.rest(_PLACEMENT, "")


def _carry_all(node: Node, to: str) -> None:
    for key in list(node.data):
        node.carry(key, to)


def _account(spec: Node, draft: Draft) -> None:
    name = str(spec.take("serviceAccountName") or spec.take("serviceAccount") or "")
    key = "serviceAccountName" if "serviceAccountName" in spec else "serviceAccount"
    if key == "serviceAccountName":
        spec.leave("serviceAccount", "is an old name of serviceAccountName")
    if name in {"", "default"}:
        spec.leave(key, "the cluster's permissions are not there")
        return
    account = draft.objects.get("ServiceAccount", name, draft.namespace)
    annotations: Mapping[str, object] = mapping(account.metadata.get("annotations")) if account else {}
    role = annotations.get(_IRSA)
    if isinstance(role, str) and limits.ROLE_ARN.refusal(role) is None:
        draft.settings["job_role_arn"] = role
        todo = "let its trust policy name ecs-tasks.amazonaws.com; it names the cluster's provider of identities"
        spec.change(key, f"job_role_arn: {role}, the role of the ServiceAccount", todo)
        return
    why = "has no role of AWS" if account else "is not among the files, so that its role of AWS is not known"
    todo = "write job_role_arn or permissions, if the job calls AWS; it cannot call the cluster's API"
    spec.leave(key, f"the ServiceAccount {why}", todo)


def _registries(spec: Node) -> None:
    for each in spec.children("imagePullSecrets"):
        todo = "write registry_credentials, the ARN of a secret, unless the image is public or in ECR"
        each.leave("name", "a Secret of the cluster", todo)
        each.rest()


def _grace(spec: Node, draft: Draft) -> None:
    key = "terminationGracePeriodSeconds"
    seconds = whole(spec.take(key))
    if seconds is None or seconds <= _GRACE_SECONDS:
        spec.change(key, f"the {_GRACE_SECONDS} seconds that AWS gives without grace_seconds")
        return
    most = 120
    draft.settings["grace_seconds"] = min(seconds, most)
    if seconds > most:
        spec.change(key, f"grace_seconds: {most}, the most", "let the program end in that time")
    else:
        spec.change(key, "grace_seconds, if Terraform's provider of AWS sends it")


def _network(spec: Node) -> None:
    policy = spec.take("dnsPolicy")
    if policy in {None, "Default", "ClusterFirst", "ClusterFirstWithHostNet"}:
        spec.leave("dnsPolicy", "the VPC's resolver answers: names of the cluster's services are not known to it")
    else:
        spec.leave("dnsPolicy", "the VPC's resolver answers", "make sure that it knows the names that the job uses")
    spec.leave("dnsConfig", "the VPC's resolver answers", "make sure that it knows the names that the job uses")
    spec.leave("hostAliases", "ECS writes /etc/hosts", "give the names to a private zone of Route 53")
