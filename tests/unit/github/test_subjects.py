"""The form of a repository's subjects is what GitHub says, exactly."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.github.fake_gh import FakeGh

from batchtab.errors import UsageError
from batchtab.github.gh import Gh, GhError, GhMissingError
from batchtab.github.subjects import subjects_of

FORM = "GET repos/my-company/jobs/actions/oidc/customization/sub"
NAMES = "repo:my-company/jobs"
NUMBERS = "repo:my-company@123456/jobs@456789"


@pytest.mark.parametrize(
    ("form", "prefix"),
    [
        # GIVEN a repository of today, an older one, and one of GitHub Enterprise Server
        ({"use_default": True, "use_immutable_subject": True, "sub_claim_prefix": NUMBERS}, NUMBERS),
        ({"use_default": True, "use_immutable_subject": False, "sub_claim_prefix": NAMES}, NAMES),
        ({"use_default": True}, NAMES),
        # AND answers that were seen: the flag and the prefix say different things
        ({"use_default": True, "use_immutable_subject": False, "sub_claim_prefix": NUMBERS}, NUMBERS),
        ({"use_default": True, "use_immutable_subject": True}, NUMBERS),
        # AND a template of its own that is the default one
        ({"use_default": False, "include_claim_keys": ["repo", "context"], "sub_claim_prefix": NAMES}, NAMES),
    ],
)
def test_the_form_is_the_one_in_force(gh: FakeGh, form: dict[str, Any], prefix: str) -> None:
    gh.answer(**{FORM: form})
    found = subjects_of("my-company/jobs", Gh())
    assert (found.prefix, found.immutable) == (prefix, prefix == NUMBERS)
    assert (found.repository_id, found.owner_id) == ("456789", "123456")


def test_the_repository_is_spelled_as_github_does(gh: FakeGh) -> None:
    # GIVEN a name in other letters THEN the subject, which is compared letter by letter, has GitHub's
    gh.answer(**{"GET repos/My-Company/Jobs": gh.answers["GET repos/my-company/jobs"], FORM: {"use_default": True}})
    assert subjects_of("My-Company/Jobs", Gh()).prefix == NAMES


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"use_default": False, "include_claim_keys": ["repo", "actor"]}, "are made of repo, actor; the roles trust"),
        ({"use_default": False}, "are made of those of its organization"),
        ({"use_default": True, "sub_claim_prefix": "repository_id:4"}, "begin with 'repository_id:4', not with"),
    ],
)
def test_a_form_of_its_own_is_refused(gh: FakeGh, form: dict[str, Any], says: str) -> None:
    gh.answer(**{FORM: form})
    with pytest.raises(UsageError) as caught:
        subjects_of("my-company/jobs", Gh())
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_repository_is_not_asked_for(gh: FakeGh) -> None:
    with pytest.raises(UsageError, match="is not a repository"):
        subjects_of("my-company/..", Gh())
    assert gh.asked() == []


def test_who_cannot_be_asked_says_why(gh: FakeGh, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GhError, match=r"sub: Not Found \(HTTP 404\)") as caught:
        subjects_of("my-company/jobs", Gh())
    assert caught.value.status == 404
    gh.answer(**{FORM: "To get started with GitHub CLI, please run:  gh auth login"})
    with pytest.raises(GhMissingError, match="gh is not logged in"):
        subjects_of("my-company/jobs", Gh())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GhMissingError, match="gh is not installed"):
        subjects_of("my-company/jobs", Gh())
