"""The module `batchtab` makes of jobs.yaml what `main.py` makes of it, resource by resource."""

from __future__ import annotations

import os
import random
import re
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from tests.hcl import batchtab_stacks, mocked_apply
from tests.hcl.generated_jobs import LEFT_OUT, Jobs

from batchtab.constructs.scheduled_job import grants
from batchtab.declarations.catalog import load
from batchtab.declarations.job import JobSpec
from batchtab.errors import UsageError

FIELDS = [name for name in JobSpec.model_fields if name not in LEFT_OUT | {"command", "queue"}]
#: How many files are compared, how many in one plan, and of which random numbers.
NUMBER = int(os.environ.get("BATCHTAB_GENERATED_FILES", "24"))
AT_ONCE = int(os.environ.get("BATCHTAB_GENERATED_FILES_AT_ONCE", "24"))
SEED = int(os.environ.get("BATCHTAB_GENERATED_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


#: How modules and constructs differ wherever they are used: modules set no compute environment's prefix, which
#: provider 6 renamed, and write defaults; a zip of a function is beside it; alerts that are not quiet have the settings
#: of quiet ones too, which they do not read, and of which a first plan does not know the address of dead letters.
OF_MODULES = re.compile(
    r"\.(unknown|values)\.compute_environment_name_prefix: .* and (None|True|'\(made up\)')$"
    r"|\.values\.filename: |\.values\.tags: None and \{\}$|\.values\.path: None and '/'$"
    r"|'alerts_function'\)\.(unknown\.environment: None and \[|values\.environment\[0\]\.variables: .* and None$)"
    r"|'alerts_function'\)\.values\.environment\[0\]\.variables\.\w+: None and ''$"
    r"|\.variables\.ALERT_(DEAD_LETTER_QUEUE_URL|(GATHER|GIVE_UP|REPEAT)_SECONDS): None and "
)


def grants_nothing(resource: dict[str, Any]) -> bool:
    """Whether it is the policy that a module's job role has in any case: what it grants may be known too late."""
    document = resource["values"].get("policy")
    return isinstance(document, dict) and document["json"]["Statement"] == [grants.NOTHING]


def accepts(root: Path) -> Any:
    """Whether `batchtab check` has nothing against a service, as a function."""

    def ask(file: dict[str, Any]) -> bool:
        batchtab_stacks.write_project(root, [file])
        try:
            load("prod", root)
        except UsageError:
            return False
        return True

    return ask


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, NUMBER, AT_ONCE))
def test_generated_files_make_the_same_resources(first: int, tmp_path: Path) -> None:
    # GIVEN services of random fields
    print(f"BATCHTAB_GENERATED_SEED={SEED}")
    jobs = Jobs(SEED + first, accepts(tmp_path / "ask"))
    wanted = cycle(random.Random(SEED + first).sample(FIELDS, len(FIELDS)))  # noqa: S311
    files = [jobs.service(f"svc-{first + number}", wanted) for number in range(min(AT_ONCE, NUMBER - first))]
    # WHEN Terraform plans main.py's stacks and the module's
    terraform = batchtab_stacks.write_both(tmp_path / "root", files)
    terraform.init()
    main, tab = batchtab_stacks.resources(terraform.plan())
    # THEN both have the same resources, with the same attributes
    assert main
    tab = {key: each for key, each in tab.items() if key in main or not grants_nothing(each)}
    found = batchtab_stacks.differences(main, tab)
    assert not found, "\n".join(found)


def _environment(settings: dict[str, Any], queues: list[str], **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A stage's file with an environment of its own alone, and the same for batchtab."""
    known = {name: batchtab_stacks.INPUTS["queues"][name] for name in queues}
    own = {"environments": {}, "environment": {**settings, "queues": known}, **more}
    of_module = {"queues": known, "queue_settings": {}, "further_compute_environments": {}, **settings, **more}
    return {**batchtab_stacks.STAGE, **own}, {**batchtab_stacks.INPUTS, **of_module}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "inputs"),
    [
        _environment({"max_vcpus": 64, "capacity": "SPOT", "bid_percentage": 60}, ["default", "far"]),
        _environment(
            {"max_vcpus": 64, "capacity": "FARGATE"},
            ["default"],
            alerts={"function_name": "Send", "alarm_topic_arns": ["arn:aws:sns:us-east-1:123456789012:oncall"]},
        ),
    ],
    ids=["SPOT", "FARGATE"],
)
def test_an_environment_has_the_same_resources(stage: dict[str, Any], inputs: dict[str, Any], tmp_path: Path) -> None:
    # GIVEN services of which the alerts know something, if these are quiet
    is_quiet = "quiet" in stage["alerts"]
    watched = {"alerts": {"late_after_seconds": 600, "mention": "here"}} if is_quiet else {}
    image = {"repository": "shop", "tag": "v1"}
    small = {"vcpus": 1, "memory_mib": 2048, "command": ["x"], "schedule": "0 9 * * 1-5"}
    files: list[dict[str, Any]] = [
        {"service": "a", "image": image, "jobs": {"b-c": small, "d": {**small, "timezone": "Asia/Seoul", **watched}}},
        {"service": "a-b", "image": image, "jobs": {"x": {**small, "after": "a/d"}}},
    ]
    if is_quiet:
        files[1]["alerts"] = {"channel": "#b", "mute": True}
    # WHEN Terraform plans main.py's stack of the environment, and the module
    terraform = batchtab_stacks.write_both(tmp_path, files, stage=stage, inputs=inputs, environment=True)
    terraform.init()
    plan = terraform.plan()
    # AND applies both where AWS's answers are made up, so that no policy is unknown
    applied = {"resource_changes": mocked_apply.resources(terraform, plan)}
    for changes in (plan, applied):
        main, tab = batchtab_stacks.resources(changes)
        # THEN all but the jobs is the same
        own = {key: value for key, value in tab.items() if not is_of_jobs(*key)}
        assert len(main) > 30
        lines = batchtab_stacks.differences(main, own)
        print("\n".join(line for line in lines if OF_MODULES.search(line)))
        found = [line for line in lines if not OF_MODULES.search(line)]
        assert not found, "\n".join(found)


def is_of_jobs(type_: str, name: str) -> bool:
    """Whether a resource is of the jobs of this test's services, or of their schedules' groups."""
    return type_ == "aws_scheduler_schedule_group" or name.startswith(("a_", "a_b_"))
