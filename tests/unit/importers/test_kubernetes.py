"""Imports of Kubernetes' objects: real ones, each of their fields, and files that are none."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.importers import sources
from tests.unit.importers.kubernetes_sources import cron_job, finding, imported, job, named, only, todos

from batchtab.errors import UsageError
from batchtab.importers import importing
from batchtab.importers.importing import Result
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, read

FOLDER = Path(__file__).parents[2] / "fixtures" / "importers" / "kubernetes"
FILES = sorted(FOLDER.iterdir())
# Of each file: its jobs, the last words of the fields to decide, and some settings of its first job.
REAL: dict[str, tuple[list[str], set[str], dict[str, Any]]] = {
    "01-hello.yaml": (["greeting"], set(), {"schedule": "* * * * *", "attempts": 7}),
    "02-indexed.yaml": (
        ["indexed-words"],
        {"parallelism", "JOB_COMPLETION_INDEX"},
        {"array_size": 5, "main_depends_on": {"input": "SUCCESS"}, "volumes": {"input": {}}},
    ),
    "03-sidecar.yaml": (["with-sidecar"], set(), {"main_depends_on": {"shipper": "START"}}),
    "04-failure-policy.yaml": (
        ["failure-policy"],
        {"parallelism"},
        {
            "array_size": 12,
            "evaluate_on_exit": [
                {"action": "EXIT", "on_exit_code": "42"},
                {"action": "RETRY", "on_status_reason": "Host EC2*"},
                {"action": "RETRY", "on_reason": "*"},
            ],
        },
    ),
    "05-fail-index.yaml": (
        ["fail-index"],
        {"JOB_COMPLETION_INDEX", "maxFailedIndexes"},
        {"array_size": 4, "attempts": 2},
    ),
    "06-work-queue.yaml": (["queue-workers"], {"parallelism", "command"}, {"array_size": 2, "command": ["FILL IN"]}),
    "07-descheduler.yaml": (
        ["descheduler-cronjob"],
        {"serviceAccountName", "configMap", "command"},
        {"read_only_root_filesystem": True, "vcpus": 0.5, "memory_mib": 1024, "concurrency_policy": "forbid"},
    ),
    "08-postgresql-backup.yaml": (
        ["db-postgresql-pgdumpall"],
        {"fsGroup", "claimName", "name", "command"},
        {"secrets": {"PGPASSWORD": "/db-postgresql/postgres-password"}, "user": "1001:1001", "schedule": "@daily"},
    ),
    "09-airflow-cleanup.yaml": (
        ["flow-cleanup"],
        {"serviceAccountName", "configMap", "name"},
        {"schedule": "3-59/15 * * * *", "user": "50000", "attempts": 2},
    ),
    "10-gitlab-backup.yaml": (
        ["git-toolbox-backup"],
        {"fsGroup", "projected", "command", "subPath"},
        {"timezone": "Europe/Berlin", "concurrency_policy": "replace", "timeout_seconds": 21_600},
    ),
    "11-es-index-cleaner.yaml": (
        ["trace-jaeger-es-index-cleaner"],
        {"name"},
        {"vcpus": 0.5, "memory_mib": 1024, "command": ["7", "https://elasticsearch:9200"], "user": "1000"},
    ),
    "12-restart.yaml": (["deployment-restart"], {"serviceAccountName", "command"}, {"timeout_seconds": 600}),
    "13-efs.yaml": (
        ["export", "export-2"],
        {"serviceAccountName"},
        {"architecture": "arm64", "job_role_arn": "arn:aws:iam::123456789012:role/exporter", "memory_mib": 6144},
    ),
    "14-kubectl-get.json": (["pi"], set(), {"suspend": True, "attempts": 5}),
    "15-migration-hook.yaml": (
        ["shop-migrate"],
        {"sh/hook", "name", "command"},
        {"command": ["/bin/sh", "-ec", "cd /srv/shop || exit\nbundle exec rake db:migrate"]},
    ),
    "16-two-containers.yaml": (
        ["sync-orders"],
        {"startingDeadlineSeconds", "shareProcessNamespace", "name", "args"},
        {"timezone": "America/Los_Angeles", "starting_deadline_seconds": 60},
    ),
    "17-gpu-training.yaml": (
        ["train-model"],
        {"io/instance-type", "com/gpu", "suspend"},
        {"gpus": 1, "vcpus": 8, "memory_mib": 24_576},
    ),
    "18-ecr-credentials.yaml": (
        ["ecr-cred-helper"],
        {"serviceAccountName", "hostNetwork", "name", "command"},
        {
            "schedule": "rate(8 hours)",
            "environment": {
                "AWS_ACCOUNT": "123456789012",
                "AWS_REGION": "eu-central-1",
                "SECRET_NAME": "regcred",
                "TARGET": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
            },
        },
    ),
}


def _real(name: str) -> Result:
    return sources.imported("kubernetes", (FOLDER / name).read_text(encoding="utf-8"), name)


@pytest.mark.parametrize("name", [each.name for each in FILES])
def test_real_objects(name: str) -> None:
    names, asked, settings = REAL[name]
    result = _real(name)
    found = sources.jobs(result)
    assert [*found] == names
    assert todos(result) == asked
    first = found[names[0]]
    assert {key: first.get(key) for key in settings} == settings
    assert all(each.is_expected for each in result.proven)


def test_real_objects_leave_no_field_unknown() -> None:
    fates: Counter[str] = Counter()
    for file in FILES:
        result = _real(file.name)
        fates.update(str(each.fate) for each in result.imported.findings)
        assert not [each for each in result.imported.findings if "does not know" in each.note]
    # THEN most of their fields are in jobs.yaml
    assert fates["carried"] + fates["changed"] > fates["not carried"]


def test_a_secrets_value_is_nowhere() -> None:
    result = _real("08-postgresql-backup.yaml")
    texts = result.jobs_text + result.report_text + result.proof_text
    assert "bm90LWEt" not in texts
    assert "hunter2" not in _real("14-kubectl-get.json").report_text


_RICH = cron_job(
    cron={
        "schedule": "30 2 * * *", "timeZone": "Asia/Seoul", "concurrencyPolicy": "Forbid", "suspend": True,
        "startingDeadlineSeconds": 300, "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 2,
    },
    job={
        "backoffLimit": 3, "activeDeadlineSeconds": 900, "ttlSecondsAfterFinished": 5, "completions": 3,
        "parallelism": 2, "completionMode": "Indexed",
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [42, 43]}},
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            ]
        },
    },
    pod={
        "serviceAccountName": "reporter", "nodeSelector": {"kubernetes.io/arch": "arm64", "pool": "x"},
        "tolerations": [{"key": "a", "operator": "Exists"}], "imagePullSecrets": [{"name": "registry"}],
        "terminationGracePeriodSeconds": 20, "securityContext": {"runAsUser": 5, "fsGroup": 6}, "hostNetwork": True,
        "volumes": [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "other", "configMap": {"name": "c"}}],
        "initContainers": [{"name": "one", "image": "busybox:1", "args": ["a"], "env": [{"name": "A", "value": "b"}]}],
    },
)  # fmt: skip
_RICH_CONTAINER = {
    "name": "main",
    "image": "busybox:1.36",
    "command": ["sh", "-c"],
    "args": ["run $(STAGE)"],
    "workingDir": "/srv",
    "env": [
        {"name": "STAGE", "value": "prod"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token", "optional": False}}},
        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "config", "key": "LEVEL"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}},
        {"name": "MIB", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
    ],
    "envFrom": [{"configMapRef": {"name": "config"}, "prefix": "P_"}, {"secretRef": {"name": "api"}}],
    "resources": {"limits": {"cpu": "2", "memory": "4Gi"}, "requests": {"cpu": "1", "ephemeral-storage": "30Gi"}},
    "securityContext": {"runAsGroup": 7, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
    "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}, {"name": "other", "mountPath": "/o"}],
    "livenessProbe": {"periodSeconds": 3},
}


def _rich() -> list[dict[str, Any]]:
    document = copy.deepcopy(_RICH)
    document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"] = [copy.deepcopy(_RICH_CONTAINER)]
    document["metadata"] |= {"namespace": "n", "labels": {"team": "data"}, "annotations": {"a/b": "c"}, "uid": "1"}
    document["status"] = {"lastScheduleTime": "2026-03-02T06:00:00Z"}
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/reporter"}
    return [
        document,
        named("ConfigMap", "config", data={"LEVEL": "info"}),
        named("Secret", "api", data={"token": "eA=="}),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reporter", "annotations": role}},
    ]


def _policied() -> list[dict[str, Any]]:
    document = job(
        spec={
            "backoffLimitPerIndex": 2, "backoffLimit": 9, "maxFailedIndexes": 1, "completions": 2, "parallelism": 2,
            "completionMode": "Indexed", "podReplacementPolicy": "Failed", "suspend": False,
            "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
            "podFailurePolicy": {
                "rules": [
                    {"action": "FailIndex", "onExitCodes": {"operator": "NotIn", "values": [1, 2]}},
                    {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [2]}},
                ]
            },
        },
        pod={
            "activeDeadlineSeconds": 100, "dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.0.0.2"]},
            "hostAliases": [{"ip": "10.0.0.3", "hostnames": ["db"]}], "priorityClassName": "high",
            "volumes": [{"name": "v", "nfs": {"server": "fs-01234567.efs.eu-west-1.amazonaws.com", "path": "/a"}}],
        },
        volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "s"}],
        lifecycle={"preStop": {"exec": {"command": ["x"]}}},
        ports=[{"containerPort": 80}],
    )  # fmt: skip
    return [document]


@pytest.mark.slow
@pytest.mark.parametrize("documents", [_rich(), _policied()])
def test_no_field_is_without_effect(documents: list[dict[str, Any]]) -> None:
    whole = sources.outcome(imported(*documents, years=1))
    silent = []
    for path, changed in sources.without_one(documents):
        try:
            if sources.outcome(imported(*changed, years=1)) == whole:
                silent.append(path)
        except UsageError:
            continue
    # THEN only the API of objects that are looked up by kind and name is not asked
    assert {path for path in silent if not path.endswith("apiVersion")} == set()
    assert all(path.split(".")[0] != "0" for path in silent)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no object of Kubernetes"),
        ("just text", "has no object of Kubernetes"),
        ("- 1\n- 2\n", "has no object of Kubernetes"),
        ("a: [1, 2", "is not YAML"),
        ("apiVersion: batch/v1\nkind: CronJob\nkind: Job\n", "is not YAML"),
        ("spec:\n  schedule: {{ .Values.schedule | quote }}\n  x: {{- if .a }}\n", "is a template of Helm"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "no CronJob or Job that can be imported"),
        ("apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\n", "no CronJob or Job that can be imported"),
        ("apiVersion: example.com/v1\nkind: CronJob\nspec: {a: 1}\n", "no CronJob or Job that can be imported"),
        ("a: " + "9" * 5000, "cannot be read"),
        ("[" * 1500, "nested too deeply"),
        ("\0\1\2", "is not YAML"),
    ],
)
def test_what_is_no_object_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        sources.imported("kubernetes", text)
    assert "\n" not in str(error.value)


def test_aliases_that_repeat_too_much_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{each}: &a{each} [{', '.join([f'*a{each - 1}'] * 10)}]" for each in range(1, 9)]
    with pytest.raises(UsageError, match="aliases repeat too much"):
        sources.imported("kubernetes", "\n".join([*lines, "kind: CronJob"]))


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "run"
    text = yaml.safe_dump(cron_job(args=["true"])) + f"\nextra: !!python/object/apply:os.system ['touch {mark}']\n"
    result = sources.imported("kubernetes", text)
    assert not mark.exists()
    assert finding(result, "extra[0]").todo


@pytest.mark.parametrize(
    "fields",
    [
        {"args": [["nested"], {"a": "b"}, None, 5, True]},
        {"args": "text"},
        {"env": {"A": "b"}},
        {"env": ["A=b", {"value": "x"}, {"name": 5, "value": 1.5}, {"name": "T", "value": True}, {"name": "N"}]},
        {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        {"envFrom": [{"configMapRef": "x"}, {"secretRef": {"name": ["a"]}}]},
        {"resources": {"limits": {"cpu": "1e98", "memory": "9" * 24 + "E"}}},
        {"resources": {"limits": {"cpu": -1, "memory": "lots"}, "requests": "none"}},
        {"resources": []},
        {"image": {"repository": "a"}},
        {"image": "  "},
        {"securityContext": {"runAsUser": "root", "capabilities": "ALL"}},
        {"volumeMounts": [{"name": "none", "mountPath": "/x"}, {"mountPath": 5}, "x"]},
        {"name": "", "workingDir": 5, "livenessProbe": None, "command": {"a": 1}},
        {"env": [{"name": "名前", "value": "値"}, {"name": "OK", "value": "値 🚀"}]},
        {"args": ["\u202etxt", "a\u0000b", "🚀" * 50]},
    ],
)
def test_values_of_other_kinds_are_no_tracebacks(fields: dict[str, Any]) -> None:
    assert sources.jobs(imported(cron_job(**fields)))


@pytest.mark.parametrize(
    "cron",
    [
        {"schedule": "9" * 100_000},
        {"schedule": "*/0 * * * *"},
        {"schedule": "🕘 * * * *"},
        {"schedule": "@every 99999999999999h"},
        {"timeZone": 5},
        {"timeZone": "../../etc/passwd"},
        {"suspend": "yes", "startingDeadlineSeconds": 10**30, "concurrencyPolicy": ["Forbid"]},
    ],
)
def test_odd_timings_are_no_tracebacks(cron: dict[str, Any]) -> None:
    assert sources.jobs(imported(cron_job(cron=cron)))


@pytest.mark.parametrize(
    "spec",
    [
        {"backoffLimit": 10**40, "completions": -5, "parallelism": "many", "activeDeadlineSeconds": 1e300},
        {"podFailurePolicy": {"rules": [{"action": None}, "x", {"action": "Count"}]}, "backoffLimit": 3},
        {"template": "x"},
        {"template": {"spec": {"containers": [], "volumes": "x"}}},
        {"template": {"spec": {"containers": ["x", {"image": "a"}], "volumes": [{"emptyDir": None}], "affinity": 5}}},
    ],
)
def test_odd_jobs_are_no_tracebacks(spec: dict[str, Any]) -> None:
    # GIVEN an odd Job beside a good one
    result = imported(cron_job(), job(spec=spec) | {"metadata": {"name": "odd"}})
    # THEN the good one is imported, and the odd one is imported or reported
    assert "nightly" in sources.jobs(result)
    assert result.imported.findings.of_job("odd")


def test_objects_of_one_name_have_names_of_their_own() -> None:
    assert [*sources.jobs(imported(cron_job(), cron_job(), job()))] == ["nightly", "nightly-2", "nightly-3"]


def test_a_generated_name_and_none_are_names() -> None:
    generated, nameless = job() | {"metadata": {"generateName": "Load-Orders-"}}, job() | {"metadata": {}}
    assert [*sources.jobs(imported(generated, nameless))] == ["load-orders", "job"]


def test_a_list_of_lists_is_read() -> None:
    inner = {"apiVersion": "batch/v1", "kind": "CronJobList", "items": [cron_job(), "x"]}
    result = imported({"apiVersion": "v1", "kind": "List", "items": [inner]})
    assert only(result)["schedule"] == "30 2 * * *"
    assert finding(result, "document").todo


def test_schedules_of_other_controllers_are_asked_for() -> None:
    argo = {"apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow", "metadata": {"name": "flow"}, "spec": {}}
    result = imported(cron_job(), argo, named("Service", "web"), named("Secret", "api"))
    assert [each.field for each in result.imported.findings.decisions()] == ["CronWorkflow.metadata.name"]
    assert finding(result, "Service.metadata.name").value == "web"
    # AND the name of a Secret is no secret
    assert finding(result, "Secret.metadata.name").shown == "api"


def test_json_has_no_lines_and_bad_json_is_a_users_error() -> None:
    result = sources.imported("kubernetes", json.dumps(cron_job()), "jobs.json")
    assert "# from jobs.json: CronJob nightly" in result.jobs_text
    with pytest.raises(UsageError, match="is not JSON"):
        sources.imported("kubernetes", "{", "jobs.json")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.yaml"
    path.write_bytes(b"\xff\xfe\x00kind")
    with pytest.raises(UsageError, match="is not UTF-8"):
        read(path)


def test_two_files_are_one_service() -> None:
    files = [
        SourceFile(Path("a.yaml"), yaml.safe_dump(cron_job(envFrom=[{"configMapRef": {"name": "c"}}]))),
        SourceFile(Path("b.yaml"), yaml.safe_dump(named("ConfigMap", "c", data={"A": "1"}))),
    ]
    result = importing.run("kubernetes", files, Options(), since=sources.SINCE, years=1, is_proven=False, command="x")
    assert only(result)["environment"] == {"A": "1"}
