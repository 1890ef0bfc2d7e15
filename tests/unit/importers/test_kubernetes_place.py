"""Imports of CronJobs: volumes, rights and where a pod runs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.importers.kubernetes_sources import cron_job, fate, imported, named, only, todos

from batchtab.importers.findings import Fate

CARRIED, CHANGED, NOT_CARRIED = Fate.CARRIED, Fate.CHANGED, Fate.NOT_CARRIED
SYSTEM, POINT = "fs-0123456789abcdef0", "fsap-0fedcba9876543210"
_MOUNT = {"name": "data", "mountPath": "/data"}


def _import(volume: dict[str, Any], *others: Any, mount: dict[str, Any] | None = None, **options: Any) -> Any:
    document = cron_job(volumeMounts=[_MOUNT | (mount or {})])
    document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"] = [{"name": "data"} | volume]
    return imported(document, *others, **options)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"emptyDir": {}}, {}),
        ({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, {}),
        ({"ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "gp3"}}}}, {}),
        (
            {"nfs": {"server": f"{SYSTEM}.efs.eu-west-1.amazonaws.com", "path": "/out"}},
            {"efs_file_system_id": SYSTEM, "root_directory": "/out"},
        ),
        (
            {"csi": {"driver": "efs.csi.aws.com", "volumeAttributes": {"fileSystemId": SYSTEM}}},
            {"efs_file_system_id": SYSTEM},
        ),
    ],
)
def test_volumes_that_batch_has(volume: dict[str, Any], expected: dict[str, str]) -> None:
    result = _import(volume, mount={"readOnly": True})
    assert only(result)["volumes"] == {"data": expected}
    assert only(result)["mounts"] == [{"volume": "data", "path": "/data", "read_only": True}]
    assert not result.needs_person


@pytest.mark.parametrize(
    ("volume", "field"),
    [
        ({"configMap": {"name": "scripts", "defaultMode": 493}}, "configMap"),
        ({"secret": {"secretName": "keys"}}, "secret"),
        ({"projected": {"sources": []}}, "projected"),
        ({"downwardAPI": {"items": []}}, "downwardAPI"),
        ({"hostPath": {"path": "/var/lib/x", "type": "Directory"}}, "hostPath.path"),
        ({"persistentVolumeClaim": {"claimName": "pvc"}}, "claimName"),
        ({"nfs": {"server": "10.0.0.1", "path": "/"}}, "nfs.server"),
        ({"csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": True}}, "csi.driver"),
        ({"awsElasticBlockStore": {"volumeID": "vol-1"}}, "awsElasticBlockStore.volumeID"),
        ({"image": {"reference": "a/b"}}, "volumes[0].image"),
    ],
)
def test_volumes_that_batch_has_not_are_asked_for_once(volume: dict[str, Any], field: str) -> None:
    result = _import(volume)
    assert not {"volumes", "mounts"} & set(only(result))
    assert fate(result, field) == (NOT_CARRIED, True)
    assert len(result.imported.findings.decisions()) == 1


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        (SYSTEM, {"efs_file_system_id": SYSTEM}),
        (f"{SYSTEM}:/out", {"efs_file_system_id": SYSTEM, "root_directory": "/out"}),
        (f"{SYSTEM}::{POINT}", {"efs_file_system_id": SYSTEM, "access_point_id": POINT}),
    ],
)
def test_a_claim_of_efs_is_found_by_its_volume(handle: str, expected: dict[str, str]) -> None:
    csi = {"driver": "efs.csi.aws.com", "volumeHandle": handle}
    claim = named("PersistentVolumeClaim", "claim", spec={"volumeName": "pv"})
    result = _import(
        {"persistentVolumeClaim": {"claimName": "claim"}}, claim, named("PersistentVolume", "pv", spec={"csi": csi})
    )
    assert only(result)["volumes"] == {"data": expected}
    assert not result.needs_person


def test_volumes_of_ec2_are_folders_of_the_instance_and_in_memory() -> None:
    result = _import({"hostPath": {"path": "/opt/x"}}, mount={"subPath": "in"}, is_fargate=False)
    assert only(result)["volumes"] == {"data-in": {"host_path": "/opt/x/in"}}
    assert fate(result, "hostPath.path") == (CHANGED, True)
    memory = {"emptyDir": {"medium": "Memory", "sizeLimit": "100Mi"}}
    assert only(_import(memory, is_fargate=False))["tmpfs"] == {"/data": 100}
    shared = only(_import(memory, mount={"mountPath": "/dev/shm"}, is_fargate=False))
    assert shared["shared_memory_mib"] == 100


def test_a_part_of_a_volume() -> None:
    nfs = {"nfs": {"server": f"{SYSTEM}.efs.eu-west-1.amazonaws.com", "path": "/a"}}
    found = only(_import(nfs, mount={"subPath": "b/c"}))
    assert found["volumes"] == {"data-b-c": {"efs_file_system_id": SYSTEM, "root_directory": "/a/b/c"}}
    assert only(_import({"emptyDir": {}}, mount={"subPath": "b"}))["volumes"] == {"data-b": {}}


def test_a_part_of_an_empty_folder_that_is_mounted_whole_too_is_asked_for() -> None:
    document = cron_job(volumeMounts=[_MOUNT, _MOUNT | {"mountPath": "/etc/x", "subPath": "x"}])
    document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]
    result = imported(document)
    assert only(result)["mounts"] == [{"volume": "data", "path": "/data"}]
    assert todos(result) == {"subPath"}


def test_volumes_that_nobody_mounts_are_left() -> None:
    result = imported(cron_job(pod={"volumes": [{"name": "data", "configMap": {"name": "x"}}]}))
    assert not result.needs_person
    assert fate(result, "configMap.name") == (NOT_CARRIED, False)


def test_users_and_roots() -> None:
    pod = {"securityContext": {"runAsUser": 1000, "runAsGroup": 2000, "runAsNonRoot": True}}
    security = {"runAsUser": 0, "readOnlyRootFilesystem": True}
    found = only(imported(cron_job(pod=pod, securityContext=security)))
    assert (found["user"], found["read_only_root_filesystem"]) == ("0:2000", True)
    assert only(imported(cron_job(pod=pod)))["user"] == "1000:2000"
    result = imported(cron_job(securityContext={"runAsGroup": 5}))
    assert fate(result, "runAsGroup") == (NOT_CARRIED, True)


def test_privileges() -> None:
    security = {
        "privileged": True,
        "allowPrivilegeEscalation": True,
        "capabilities": {"add": ["NET_ADMIN"], "drop": []},
    }
    result = imported(cron_job(securityContext=security))
    assert "privileged" not in only(result)
    assert todos(result) == {"privileged", "add"}
    assert only(imported(cron_job(securityContext=security), is_fargate=False))["privileged"] is True
    dropped = {"capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}, "privileged": False}
    assert not imported(cron_job(securityContext=dropped)).needs_person


@pytest.mark.parametrize(
    ("pod", "architecture", "asks"),
    [
        ({"nodeSelector": {"kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux"}}, "arm64", set()),
        ({"nodeSelector": {"beta.kubernetes.io/arch": "amd64"}}, "x86_64", set()),
        ({"nodeSelector": {"kubernetes.io/os": "windows"}}, None, {"io/os"}),
        ({"nodeSelector": {"karpenter.sh/capacity-type": "spot"}}, None, {"sh/capacity-type"}),
        ({"os": {"name": "windows"}}, None, {"name"}),
    ],
)
def test_nodes(pod: dict[str, Any], architecture: str | None, asks: set[str]) -> None:
    result = imported(cron_job(pod=pod))
    assert only(result).get("architecture") == architecture
    assert todos(result) == asks


def test_affinities() -> None:
    def required(*expressions: dict[str, Any]) -> dict[str, Any]:
        terms = {"nodeSelectorTerms": [{"matchExpressions": [*expressions]}]}
        return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}

    arm = {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}
    result = imported(cron_job(pod=required(arm)))
    assert only(result)["architecture"] == "arm64"
    assert not result.needs_person
    assert imported(cron_job(pod=required({"key": "disk", "operator": "Exists"}))).needs_person
    preferred = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}}
    assert not imported(cron_job(pod={"affinity": preferred})).needs_person


def test_fields_of_a_pod_that_mean_nothing_here_need_no_decision() -> None:
    pod = {
        "tolerations": [{"key": "a", "operator": "Exists"}], "topologySpreadConstraints": [{"maxSkew": 1}],
        "priorityClassName": "high", "priority": 5, "preemptionPolicy": "Never", "schedulerName": "x", "nodeName": "n",
        "runtimeClassName": "gvisor", "enableServiceLinks": False, "hostname": "h", "subdomain": "s",
        "automountServiceAccountToken": False, "dnsPolicy": "ClusterFirst", "hostNetwork": False, "hostPID": False,
        "serviceAccount": "default", "terminationGracePeriodSeconds": 10, "setHostnameAsFQDN": False,
        "overhead": {"a": 1},
    }  # fmt: skip
    result = imported(cron_job(pod=pod))
    assert not result.needs_person
    for field in pod:
        assert any(field in each.field for each in result.imported.findings)


def test_fields_of_a_pod_that_may_matter_are_asked_for() -> None:
    pod = {
        "hostNetwork": True,
        "hostPID": True,
        "hostIPC": True,
        "shareProcessNamespace": True,
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.0.0.2"]},
        "hostAliases": [{"ip": "10.0.0.3", "hostnames": ["db"]}],
        "imagePullSecrets": [{"name": "registry"}],
        "securityContext": {"sysctls": [{"name": "net.x", "value": "1"}], "supplementalGroups": [5]},
        "novel": {"field": 1},
    }
    result = imported(cron_job(pod=pod))
    asked = {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "dnsPolicy", "dnsConfig", "hostAliases"}
    assert todos(result) == asked | {"name", "sysctls", "supplementalGroups", "field"}


def test_fields_of_a_container_that_mean_nothing_here_need_no_decision() -> None:
    fields = {
        "imagePullPolicy": "Always",
        "livenessProbe": {"exec": {"command": ["x"]}},
        "readinessProbe": {"tcpSocket": {"port": 1}},
        "startupProbe": {"periodSeconds": 1},
        "ports": [{"containerPort": 80}],
        "stdin": True,
        "tty": True,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
    }
    result = imported(cron_job(**fields))
    assert not result.needs_person
    for field in fields:
        assert any(field in each.field for each in result.imported.findings)
    assert todos(imported(cron_job(lifecycle={"preStop": {"exec": {"command": ["x"]}}}))) == {"lifecycle"}


def test_a_longer_grace_is_carried_where_aws_gets_it() -> None:
    result = imported(cron_job(pod={"terminationGracePeriodSeconds": 90}))
    # THEN the provider of cdktf does not send it, and the report says so
    assert fate(result, "grace_seconds") == (NOT_CARRIED, True)
    assert fate(result, "terminationGracePeriodSeconds") == (NOT_CARRIED, False)
