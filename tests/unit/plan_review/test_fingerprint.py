"""Is a plan the one that was reviewed?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.plan_review.summaries import change, content, plans

from batchtab.errors import UsageError
from batchtab.plan_review.fingerprint import Reviewed
from batchtab.plan_review.plan import Plan

RULE = "aws_cloudwatch_event_rule.do_often_rule"
ZERO, BUILT = f"sha256:{'0' * 64}", f"sha256:{'a' * 64}"


def review(plan: dict[str, Any], *, configuration: str = "as written", **more: str) -> Reviewed:
    return Reviewed.of([Plan.read({"batchtab_configuration": configuration, **plan}, "jobs")], **more)


def with_image(digest: str) -> dict[str, Any]:
    text = json.dumps(content("image-only"))
    known = "sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
    assert known in text
    return dict(json.loads(text.replace(known, digest)))


def test_the_same_plan_is_no_objection() -> None:
    assert review(content("schedule-change")).objections(review(content("schedule-change"))) == []


def test_another_value_is_told_by_its_address() -> None:
    now = content("schedule-change")
    change(now, RULE)["after"]["schedule_expression"] = "cron(3/5 * * * ? *)"
    assert review(content("schedule-change")).objections(review(now)) == [
        f"jobs-my-service: update {RULE}: its values are not the reviewed ones"
    ]


def test_what_was_deployed_meanwhile_counts_too() -> None:
    # GIVEN that somebody changed the schedule after the review, so that before is another
    now = content("schedule-change")
    change(now, RULE)["before"]["schedule_expression"] = "cron(0 1 * * ? *)"
    assert review(content("schedule-change")).objections(review(now)) != []


def test_a_further_change_is_told() -> None:
    found = review(content("nothing-changed")).objections(review(content("schedule-change")))
    assert found == [f"jobs-my-service: update {RULE} was not reviewed"]


def test_another_action_is_told() -> None:
    now = content("schedule-change")
    change(now, RULE)["actions"] = ["delete", "create"]
    assert review(content("schedule-change")).objections(review(now)) == [
        f"jobs-my-service: {RULE}: reviewed was update, now it is delete/create"
    ]


def test_less_than_reviewed_is_no_objection() -> None:
    # GIVEN that a part was done already, or all of it
    assert review(content("schedule-change")).objections(review(content("nothing-changed"))) == []


def test_numbers_that_aws_gives_do_not_count() -> None:
    # GIVEN that a job was deployed again meanwhile, and its revision is another
    now = content("image-only")
    for entry in now["resource_changes"]:
        if entry["type"] == "aws_batch_job_definition":
            entry["change"]["before"]["revision"] = 7
            entry["change"]["before"]["arn"] = "arn:aws:batch:x:1:job-definition/x:7"
    assert review(content("image-only")).objections(review(now)) == []


def test_the_form_of_a_document_does_not_count() -> None:
    now = content("image-only")
    for entry in now["resource_changes"]:
        if entry["type"] == "aws_batch_job_definition":
            after = entry["change"]["after"]
            after["container_properties"] = json.dumps(json.loads(after["container_properties"]), indent=1)
    assert review(content("image-only")).objections(review(now)) == []


def test_an_image_built_after_the_review_counts_as_its_source() -> None:
    # GIVEN a review that named an image yet to be built, and a deployment that built it of the same files
    before = review(with_image(ZERO), image_source="abc", image_digest=ZERO)
    assert before.objections(review(with_image(BUILT), image_source="abc", image_digest=BUILT)) == []
    # WHEN the files are others THEN it is told
    other = before.objections(review(with_image(BUILT), image_source="def", image_digest=BUILT))
    assert other == ["the runner image would be built from other files than those reviewed"]
    # AND an image that is not the one just built is told too
    assert before.objections(review(with_image(BUILT), image_source="abc", image_digest=ZERO)) != []


def test_another_stage_is_told() -> None:
    other = json.loads(json.dumps(content("schedule-change")).replace('"batchtab-local"', '"batchtab-prod"'))
    assert review(other).objections(review(content("schedule-change"))) == [
        "the review was of batchtab-prod, this is batchtab-local"
    ]


def test_a_plan_with_stand_ins_is_compared_by_its_configuration() -> None:
    # GIVEN a review of a first deployment, for which values were stand-ins
    planned = content("first-deploy") | {"batchtab_provisional": True}
    now = content("first-deploy")
    change(now, "aws_cloudwatch_event_target.do_often_target")["after"]["role_arn"] = "arn:aws:iam::0:role/real"
    # THEN the values may differ, since the configuration is the same
    assert review(planned).objections(review(now)) == []
    # WHEN the configuration differs THEN that is an objection
    other = ["jobs-my-service: its configuration is not the reviewed one"]
    assert review(planned).objections(review(now, configuration="other")) == other
    # AND so it is where nobody knows
    assert review(planned, configuration="").objections(review(now, configuration="")) == other


def test_a_plan_with_stand_ins_allows_what_it_does_and_nothing_else() -> None:
    planned = content("first-deploy") | {"batchtab_provisional": True}
    now = content("first-deploy")
    change(now, RULE)["actions"] = ["delete"]
    assert review(planned).objections(review(now)) == [f"jobs-my-service: delete {RULE} was not reviewed"]
    # WHEN a stack that exists was planned with a stand-in, for a queue that comes with the same change
    change(planned, RULE)["actions"] = ["delete"]
    # THEN what it changes and removes was reviewed too
    assert review(planned).objections(review(now)) == []


TARGET = "aws_cloudwatch_event_target.do_often_target"


def test_what_became_known_since_the_review_is_no_objection() -> None:
    # GIVEN a review of a first deployment, that broke off when the role was made: its ARN is known by now
    reviewed, now = content("first-deploy"), content("first-deploy")
    assert change(reviewed, TARGET)["actions"] == ["create"]
    change(reviewed, TARGET)["after"].pop("role_arn", None)
    change(reviewed, TARGET)["after_unknown"] = {"role_arn": True}
    change(now, TARGET)["after"]["role_arn"] = "arn:aws:iam::0:role/real"
    change(now, TARGET)["after_unknown"] = {}
    assert review(reviewed).objections(review(now)) == []
    # WHEN a value that was known is another one THEN that is an objection
    change(now, TARGET)["after"]["arn_of_another"] = "x"
    assert review(reviewed).objections(review(now)) == [
        f"jobs-my-service: create {TARGET}: its values are not the reviewed ones"
    ]
    # AND so it is where the files say something else of the role by now
    change(now, TARGET)["after"].pop("arn_of_another")
    assert review(reviewed).objections(review(now)) == []
    assert review(reviewed).objections(review(now, configuration="other")) != []


def test_what_was_left_half_made_is_made_as_reviewed() -> None:
    # GIVEN that the first deployment broke off while it made a rule, and Terraform makes it anew
    reviewed, now = content("first-deploy"), content("first-deploy")
    entry = next(e for e in now["resource_changes"] if e["address"] == RULE)
    entry["action_reason"] = "replace_because_tainted"
    entry["change"] |= {"actions": ["create", "delete"], "before": {"name": "half"}}
    assert review(reviewed).objections(review(now)) == []
    assert review(reviewed | {"batchtab_provisional": True}).objections(review(now)) == []
    # WHEN it is replaced for another reason THEN that is an objection
    entry["action_reason"] = "replace_because_cannot_update"
    assert review(reviewed).objections(review(now)) != []


def test_of_a_value_that_is_known_in_part_the_known_part_counts() -> None:
    # GIVEN a block of which one value is unknown
    reviewed, now = content("first-deploy"), content("first-deploy")
    for plan, size in ((reviewed, 1), (now, 2)):
        change(plan, TARGET)["after"]["block"] = [{"size": size}]
    # WHEN none of it is THEN another value in it is an objection
    for plan in (reviewed, now):
        change(plan, TARGET)["after_unknown"] = {"block": [{}]}
    assert review(reviewed).objections(review(now)) != []


def test_it_is_written_and_read_without_values(tmp_path: Path) -> None:
    path = tmp_path / "reviewed.json"
    before = Reviewed.of(plans("iam-widened"), image_source="abc")
    before.write(path)
    assert Reviewed.load(path) == before
    assert "s3:" not in path.read_text()
    assert "ecs-tasks" not in path.read_text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 3}', "not json"])
def test_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reviewed.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is not what a review left behind"):
        Reviewed.load(path)
