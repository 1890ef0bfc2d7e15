"""Which end of the jobs that a job needs starts it: `if` and `needs` as `after`, `after_all` and `after_status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum

from batchtab.importers.imported import ImportedJob
from batchtab.importers.kinds.github_actions.expressions import Known, Status, holds, status_calls
from batchtab.importers.node import Node
from batchtab.importers.source_file import plain

_AFTER_MOST = 8
_WHAT = "decide what starts this job"
_OPEN = "only GitHub knows it"
_ALWAYS = "the job always runs here: decide whether it should"


class End(StrEnum):
    """Which end starts a job, with the words of `after_status`."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ANY = "any"
    NONE = ""


@dataclass(slots=True)
class Placed:
    """A job of the workflow among the others.

    Attributes:
        groups: For each of its combinations, the jobs of jobs.yaml; day of month *or* day of week needs two.
        needs: Those that it waits for.
        end: Which end of them starts it; `NONE` if the schedule does.
    """

    groups: list[list[str]] = field(default_factory=list)
    needs: tuple[str, ...] = ()
    end: End = End.NONE


@dataclass(slots=True)
class Places:
    """The jobs of a workflow that were read, by their ids.

    Attributes:
        placed: Those with jobs in jobs.yaml.
        skipped: Those that never run at this schedule.
    """

    placed: dict[str, Placed] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)

    def starts_always(self, key: str) -> bool:
        """Whether a job starts whatever the jobs before it do."""
        one = self.placed[key]
        return one.end is End.NONE or (one.end is End.ANY and all(map(self.starts_always, one.needs)))

    def ancestors(self, keys: Sequence[str]) -> list[str]:
        """Jobs and all that they need, those first."""
        found: dict[str, None] = {}
        for key in keys:
            found |= dict.fromkeys([*self.ancestors(self.placed[key].needs), key])
        return [*found]

    def is_chain(self, keys: Sequence[str]) -> bool:
        """Whether at most one of the jobs and of all that they need can fail: each starts after a success."""
        while len(keys) == 1:
            one = self.placed[keys[0]]
            if len(one.groups) != 1 or one.end not in {End.NONE, End.SUCCEEDED}:
                return False
            keys = one.needs
        return not keys


def needs_of(node: Node) -> list[str]:
    """The ids of the jobs that a job needs."""
    given = plain(node.data.get("needs")) or []
    return [str(each) for each in (given if isinstance(given, list) else [given])]


def end_of(node: Node, known: Known, places: Places) -> End | None:
    """Which end of the jobs that it needs starts a job; None if it never runs at this schedule. `if` has a finding."""
    needs, condition = needs_of(node), plain(node.data.get("if"))
    missing = {*needs} & places.skipped
    # At a success of all others, these do not run.
    absent = missing | {each for each in needs if each in places.placed and places.placed[each].end is End.FAILED}
    waiting = [each for each in needs if each not in missing]
    first = Status.SKIPPED if absent else Status.SUCCEEDED
    good = holds(condition, {**known, **_results(needs, absent, is_failed=False)}, first)
    failed = {**known, **_results(needs, missing, is_failed=True)}
    bad = holds(condition, failed, Status.FAILED) if waiting else False
    if good is False and bad is False:
        _never(node, absent, is_of_cancelled="cancelled" in status_calls(condition) and holds(
            condition, failed, Status.CANCELLED) is not False)  # fmt: skip
        return None
    end = End.ANY if good is not False and bad is not False else End.SUCCEEDED if bad is False else End.FAILED
    is_open = good is None or bad is None
    if end is End.SUCCEEDED or not waiting:
        if is_open:
            node.leave("if", _OPEN, _ALWAYS)
        else:
            node.change("if", "is true of this schedule")
    else:
        todo = "decide whether the job is wanted: only GitHub knows the rest" if is_open else ""
        node.change("if", f"after_status: {end}", todo)
    return end if waiting else End.NONE


def _never(node: Node, absent: Set[str], *, is_of_cancelled: bool) -> None:
    if is_of_cancelled:
        todo = "a run that somebody ends is a failed run: write a job with after and after_status: failed"
        node.leave("if", "jobs.yaml starts nothing after a run that was cancelled", todo)
    elif absent:
        why = f"{', '.join(sorted(absent))} does not run at this schedule, or only after a failure, so that this never"
        node.leave("needs", f"{why} runs: there is no job")
    node.leave("if", "is false of this schedule: there is no job")


def _results(needs: Sequence[str], skipped: Set[str], *, is_failed: bool) -> Mapping[str, str | tuple[str, ...]]:
    """`needs.a.result` and `needs.*.result`. Of several, only GitHub knows which of them failed."""
    running = [each for each in needs if each not in skipped]
    result = "success" if not is_failed else "failure" if len(running) == 1 else ""
    found = {each: "skipped" if each in skipped else result for each in needs}
    values = [*found.values(), *(["failure"] if is_failed and running else [])]
    return {f"needs.{key}.result": value for key, value in found.items() if value} | {"needs.*.result": tuple(values)}


def wait(node: Node, job: ImportedJob, end: End, places: Places) -> bool:
    """Give a job the jobs after which it starts; whether the schedule starts it, since there is none."""
    recorder, where = node.recorder, node.name("needs")
    waited = []
    for need in needs_of(node):
        if need in places.skipped:
            recorder.changed(where, need, "it does not run at this schedule, and is not waited for")
        elif need in places.placed:
            waited.append(need)
        else:
            recorder.not_carried(where, need, "it has no job here", "decide what has to end before this job")
    if end is not End.NONE and not waited and end is not End.SUCCEEDED:
        recorder.not_carried(where, needs_of(node), f"none of them is here, whose end ({end}) starts this job", _WHAT)
        return False
    if not waited:
        return True
    if end is End.FAILED:
        _after_failure(node, job, waited, places)
        return False
    unsure = [each for each in waited if not places.starts_always(each)]
    if end is End.SUCCEEDED:
        unsure = [each for each in unsure if places.placed[each].end is End.FAILED]
        if not unsure and any(places.placed[each].end is End.ANY for each in places.ancestors(waited)):
            how = "after; GitHub starts it only if all jobs before those that it needs succeeded, too"
            recorder.changed(where, waited, how, _WHAT)
    if unsure and len(waited) > 1:
        why = f"{', '.join(unsure)} does not start in each run, and after_all would wait for it"
        recorder.not_carried(where, waited, why, _WHAT)
        return False
    if unsure:
        how = f"after; where {unsure[0]} does not start, this job does not, but on GitHub it does"
        recorder.changed(where, waited, how, _WHAT)
    _after(node, job, [group for each in waited for group in places.placed[each].groups])
    if end is End.ANY:
        job.settings["after_status"] = str(end)
    return False


def _after(node: Node, job: ImportedJob, groups: Sequence[list[str]]) -> None:
    recorder, where = node.recorder, node.name("needs")
    if len(groups) == 1:
        job.settings["after"] = groups[0][0] if len(groups[0]) == 1 else groups[0]
        return
    names = [each[0] for each in groups]
    job.settings["after_all"] = names[:_AFTER_MOST]
    if len(groups) > _AFTER_MOST:
        why = f"jobs.yaml waits for at most {_AFTER_MOST} jobs"
        recorder.not_carried(where, names[_AFTER_MOST:], why, "write a job in between")
    for each in groups:
        if len(each) > 1:
            why = "day of month or day of week is two jobs, and after_all needs all of its jobs"
            recorder.not_carried(where, each[1:], why, "split the schedule, or this job")


def _after_failure(node: Node, job: ImportedJob, waited: Sequence[str], places: Places) -> None:
    """`failure()` is true after a failure of any job before; the result of a need, of this one alone."""
    has_all = "failure" in status_calls(plain(node.data.get("if")))
    keys = places.ancestors(waited) if has_all else [*waited]
    names = [name for key in keys for group in places.placed[key].groups for name in group]
    job.settings["after"] = names[0] if len(names) == 1 else names[:_AFTER_MOST]
    job.settings["after_status"] = str(End.FAILED)
    recorder, where = node.recorder, node.name("needs")
    if len(names) > _AFTER_MOST:
        why = f"jobs.yaml starts a job after at most {_AFTER_MOST} jobs"
        recorder.not_carried(where, names[_AFTER_MOST:], why, "write a second job after these")
    if not places.is_chain(waited):
        how = "after: it starts at each failure of one of them; GitHub starts it once, when all have ended"
        recorder.changed(where, names, how, "decide whether it may run several times, and before the others end")
