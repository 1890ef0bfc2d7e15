"""What of ours runs in jsii's Node: which index of the provider is used, and how many messages a job costs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import jsii
import pytest
from jsii._kernel.providers import process
from tests.constructs.a_job import ENVIRONMENTS, FUNCTION, ORIGINAL
from tests.constructs.template import in_python
from tests.projects import copy_project

from batchtab.constructs._terraform import kernel
from batchtab.constructs._terraform.aws import SqsQueue
from batchtab.constructs._terraform.framework import NAME, TerraformStack
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs.scheduled_job import ScheduledJob

framework = import_module(NAME)
ROOT = Path(__file__).resolve().parents[2]
NODE = os.environ.get("JSII_NODE", "node")
PYTHONS = {"cdktf": Path(sys.executable), "cdktn": ROOT / ".batchtab" / "cdktn-venv" / "bin" / "python"}

# One synthesis. `ours` is as it is; `late` is in an app that has loaded the provider before; `plain` is without what is
# in `kernel`: with the whole index and the bindings' own constructors, which check the type of each argument.
SYNTHESIZE = """
import resource, sys
from pathlib import Path
from batchtab.constructs._terraform import kernel

def make(kind, scope, id_, arguments, *, logical_id, overrides=()):
    element = kind(scope, id_, **arguments)
    element.override_logical_id(logical_id)
    for path, value in overrides:
        element.add_override(path, value)
    return element

if sys.argv[1] == "plain":
    kernel.load, kernel.make = lambda: None, make
if sys.argv[1] == "late":
    load, kernel.load = kernel.load, lambda: None
    from batchtab.constructs._terraform.aws import IamRole
    IamRole.TF_RESOURCE_TYPE
    load()
from batchtab import app
from batchtab.constructs._terraform.export import render_all
from batchtab.declarations.catalog import load
for stage in ("local", "example"):
    app.synthesize(load(stage, Path()), outdir=f"{sys.argv[2]}-{stage}")
for name, content in render_all().items():
    path = Path(f"{sys.argv[2]}-modules", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
import jsii
jsii.kernel.provider._process.stop()
jsii.kernel.provider._process._process.wait()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def synthesize(framework: str, how: str, folder: Path, project: Path) -> tuple[dict[Path, bytes], int]:
    """The files, and the most memory that Node took."""
    # Unpacking takes long, and more memory than what is measured.
    cache = ROOT / ".batchtab" / ("jsii" if framework == "cdktf" else f"jsii-{framework}")
    done = subprocess.run(
        [PYTHONS[framework], "-c", SYNTHESIZE, how, folder / how],
        cwd=project,
        env={**os.environ, "BATCHTAB_FRAMEWORK": framework, "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0].startswith(how)]
    return {
        Path(path.relative_to(folder).as_posix().removeprefix(f"{how}-")): path.read_bytes() for path in files
    }, int(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("framework", PYTHONS)
def test_what_is_written_is_the_same_with_the_bindings_constructors_and_the_whole_index(
    tmp_path: Path, framework: str
) -> None:
    if not PYTHONS[framework].exists():
        pytest.skip("make same-synth makes the fork's environment")
    # GIVEN a project in a folder with a space and a quote
    project = copy_project(tmp_path / 'it\'s "a project"')
    # WHEN it is written in each way
    plain, plain_memory = synthesize(framework, "plain", tmp_path, project)
    ours, our_memory = synthesize(framework, "ours", tmp_path, project)
    late, _ = synthesize(framework, "late", tmp_path, project)
    # THEN the files are the same, and ours loaded only what it uses
    assert len(ours) > 10
    assert ours == plain == late
    assert our_memory < plain_memory / 2


def provider(folder: Path, *files: str) -> Path:
    """A package like the provider's, each of whose files says its own name."""
    home = folder / "@cdktf" / "provider-aws"
    for name in files:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"module.exports = '{name}';")
    return home


def required(path: Path) -> str:
    """What a program gets that requires a file after our own."""
    ours = ROOT / "src" / "batchtab" / "constructs" / "_terraform" / "kernel.js"
    program = f"require({json.dumps(str(ours))}); console.log(require({json.dumps(str(path))}))"
    return subprocess.run([NODE, "-e", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(shutil.which(NODE) is None, reason="needs Node")
@pytest.mark.parametrize(
    ("files", "wanted", "found"),
    [
        (["lib/index.js", "lib/lazy-index.js"], "lib/index.js", "lib/lazy-index.js"),
        (["20.1.0/af/lib/index.js", "20.1.0/af/lib/lazy-index.js"], "20.1.0/af/lib", "20.1.0/af/lib/lazy-index.js"),
        (["lib/index.js"], "lib/index.js", "lib/index.js"),
        (["lib/iam-role/index.js", "lib/iam-role/lazy-index.js"], "lib/iam-role", "lib/iam-role/index.js"),
        (["../x/lib/index.js", "../x/lib/lazy-index.js"], "../x/lib/index.js", "../x/lib/index.js"),
    ],
    ids=["as it is linked", "in the cache", "without the other", "a resource", "another package"],
)
def test_the_lazy_index_is_used_where_there_is_one(tmp_path: Path, files: list[str], wanted: str, found: str) -> None:
    assert required(provider(tmp_path, *files) / wanted) == found


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What Python says to Node, counted by kind."""
    counted: Counter[str] = Counter()
    send = process._NodeProcess.send

    def count(self: Any, request: Any, response_type: Any) -> Any:
        counted[type(request).__name__] += 1
        return send(self, request, response_type)

    monkeypatch.setattr(process._NodeProcess, "send", count)
    return counted


@pytest.mark.parametrize(
    ("arguments", "resources"),
    [
        ({}, 4),
        ({"concurrency_policy": "queue", "submit_function_arn": FUNCTION, "timezone": "Asia/Seoul"}, 3),
        (
            {
                "after": ["my-service-extract"],
                "tags": {"team": "a"},
                "evaluate_on_exit": [{"action": "RETRY", "on_exit_code": "1"}],
            },
            6,
        ),
    ],
    ids=["rule", "schedule", "chain"],
)
def test_a_further_job_costs_a_message_for_itself_and_one_per_resource(
    messages: Counter[str], arguments: dict[str, Any], resources: int
) -> None:
    # GIVEN a stack with a job
    spent: list[int] = []

    def jobs(stack: TerraformStack) -> None:
        for number in range(3):
            before = messages.total()
            job = ORIGINAL | ENVIRONMENTS | arguments | {"name": f"my-service-{number}"}
            ScheduledJob(stack, f"job-{number}", **job)
            spent.append(messages.total() - before)

    # WHEN more like it are added
    template = in_python(jobs)
    # THEN each says once that there is a job, and once what each of its resources is
    assert len([address for address in template.addresses() if ".job_1_" in address]) == resources
    assert spent[1:] == [1 + resources] * 2


def test_an_argument_that_a_binding_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="SqsQueue has no 'colour'"):
        in_python(lambda stack: create_resource(BatchtabConstruct(stack, "Default"), SqsQueue, "queue", colour="red"))


@jsii.implements(framework.IAspect)
class Tagger:
    """Tags every queue that it is shown."""

    def visit(self, node: Any) -> None:
        if isinstance(node, SqsQueue):
            node.tags = {"team": "a"}


def test_a_resource_is_a_construct_that_its_owner_can_find_and_change() -> None:
    def queue(stack: TerraformStack) -> None:
        owner = BatchtabConstruct(stack, "mine")
        made = create_resource(owner, SqsQueue, "queue", name="q")
        assert made.element.node.path == "test/mine/queue"
        # WHEN its owner overrides what it finds below the construct, and an aspect visits it
        owner.node.find_child("queue").add_override("delay_seconds", 5)
        framework.Aspects.of(owner).add(Tagger())

    template = in_python(queue)
    # THEN both are written
    wanted = {"name": "q", "delay_seconds": 5, "tags": {"team": "a"}}
    assert template.address("aws_sqs_queue", "mine_queue") == wanted


def test_the_package_is_always_the_same() -> None:
    content = {"package.json": b"{}", "kernel.js": b""}
    assert kernel._archive(content) == kernel._archive(content)
