"""Seeded faults of the function, each of which the simulator has to catch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from .code import LAMBDA, Code


class Mutation(NamedTuple):
    """A text of a file, and what becomes of it.

    Attributes:
        name: What is wrong then.
        file: Of the package.
        old: The text.
        new: What becomes of it.
        seed: From which life by chance on to look: a fault that is rarely seen is seen soon after.
    """

    name: str
    file: str
    old: str
    new: str
    seed: int = 0


_EARLY = """early = self._submission.submit(step.submit, None, was_waiting=step.was_waiting) if step.submit else {}
            committed ="""

MUTATIONS = (
    Mutation("a state is written whatever it is by now", "table.py", ', **_unchanged("version", state.version)}', "}"),
    Mutation(
        "a record is written whatever it is by now",
        "table.py",
        '_unchanged("revision", record.revision) if checked else {}',
        "{}",
    ),
    Mutation(
        "what is new may be there already", "table.py", '{"ConditionExpression": "attribute_not_exists(job)"}', "{}"
    ),
    Mutation("revisions come again", "table.py", "random.getrandbits(_REVISION_BITS) + 1", "2"),
    Mutation("a lease is shorter than an invocation", "decision.py", "LEASE_SECONDS = 45", "LEASE_SECONDS = 1"),
    Mutation(
        "a claim of a place has no lease",
        "decision.py",
        "Active(own.request.event, lease_until=lease,",
        "Active(own.request.event, lease_until=0.0,",
    ),
    Mutation(
        "a claim's record has no lease",
        "decision.py",
        'status="claimed", lease_until=lease,',
        'status="claimed", lease_until=1.0,',
    ),
    Mutation(
        "who goes on does not look for the job", "submission.py", "if found := self.found(before):", "if found := '':"
    ),
    Mutation(
        "who goes on does not look for other jobs",
        "submission.py",
        "            if manual:\n",
        "            if not manual and False:\n",
    ),
    Mutation(
        "a full queue keeps the first from going on",
        "decision.py",
        "    step = _enter(own, replace(state, waiting=waiting), manual, taken or",
        """    if len(state.waiting) >= request.job.queue_limit + (not taken):
        return Step("dropped", "full", records=(replace(own, status="dropped", reason="full"),))
    step = _enter(own, replace(state, waiting=waiting), manual, taken or""",
        seed=80,
    ),
    Mutation(
        "a refused run keeps its place", "submission.py", "released = state.with_active(None)", "released = state"
    ),
    Mutation(
        "a refused run is not recorded",
        "submission.py",
        "self._table.commit(request.job.name, released, [record])",
        "self._table.commit(request.job.name, released or state, [])",
    ),
    Mutation(
        "a refused run is done",
        "app.py",
        'return record.status in ("submitted", JOINED)',
        'return record.status in ("submitted", "refused", JOINED)',
    ),
    Mutation("the job is submitted before the claim", "app.py", "committed =", _EARLY),
    Mutation(
        "a job is not noted in the record",
        "submission.py",
        "self._table.commit(request.job.name, noted, [record])",
        "self._table.commit(request.job.name, noted or State(), [])",
    ),
    Mutation(
        "SubmitJob is called again without an answer",
        "jobs.py",
        '{"ConnectTimeoutError", "EndpointConnectionError"}',
        '{"ConnectTimeoutError", "EndpointConnectionError", "ReadTimeoutError"}',
    ),
    Mutation(
        "a claim that lives is a duplicate",
        "app.py",
        'raise UnsettledError("it is being submitted")',
        'return answer("duplicate", request, "", "claimed already")',
        seed=750,
    ),
    Mutation(
        "under allow nobody settles a dead claim",
        "app.py",
        "elif state.active is not None and _is_dead(state.active, now):",
        "elif False:",
    ),
    Mutation(
        "a delivery that comes again lets nobody go on",
        "app.py",
        "if not request.is_backfill and _is_stuck(state, now):",
        "if False:",
    ),
    Mutation(
        "a late run lets nobody go on",
        "decision.py",
        '    if own.request.job.policy not in ("queue", "replace"):\n        return _without_waiting(step, state)\n',
        "    return step\n",
        seed=60,
    ),
    Mutation(
        "who waits starts beside another job",
        "decision.py",
        "state.active is None and not manual and not is_paused",
        "state.active is None and not is_paused",
    ),
    Mutation(
        "forbid does not see other jobs",
        "decision.py",
        "        if taken:\n            return _without_waiting(",
        "        if state.active is not None:\n            return _without_waiting(",
    ),
    Mutation(
        "a job that Batch does not know yet has ended",
        "app.py",
        "if not job and now - active.since < _UNKNOWN_SECONDS:",
        "if False:",
        seed=200,
    ),
    Mutation(
        "a place that is claimed is free",
        "app.py",
        "                self._take_up(active, state, now)\n            return state, []",
        "                self._take_up(active, state, now)\n            return state.with_active(None), []",
    ),
    Mutation("only the first page is looked at", "jobs.py", 'if first.get("nextToken"):', "if False:"),
    Mutation(
        "what waited under another policy is forgotten",
        "decision.py",
        "state=replace(step.state or state, waiting=()), records=(*step.records, *dropped))",
        "state=replace(step.state or state, waiting=()))",
    ),
    Mutation(
        "what Batch may have forgotten is submitted for whoever asks next",
        "submission.py",
        "is_asked_for = record is not None and request.is_backfill",
        "is_asked_for = request.is_backfill",
        seed=4390,
    ),
    Mutation(
        "a backfill starts beside another run",
        "decision.py",
        "if taken or (state.waiting and not is_paused(state)):",
        "if False:",
    ),
    Mutation(
        "replace ends jobs without a look at the state",
        "decision.py",
        "step = replace(step, state=step.state or state, ends=",
        "step = replace(step, ends=",
        seed=270,
    ),
    Mutation(
        "a job of a later run is ended",
        "submission.py",
        "jobs.SCHEDULED_TIME) <= time:",
        "jobs.SCHEDULED_TIME) is not None:",
        seed=480,
    ),
)


@contextmanager
def mutated(mutation: Mutation) -> Iterator[Code]:
    """The code with a fault.

    Raises:
        ValueError: the text is not there, or more than once.
    """
    with TemporaryDirectory() as folder:
        shutil.copytree(
            LAMBDA / "submit_run", Path(folder) / "submit_run", ignore=shutil.ignore_patterns("__pycache__")
        )
        path = Path(folder) / "submit_run" / mutation.file
        text = path.read_text()
        if text.count(mutation.old) != 1:
            raise ValueError(f"{mutation.name}: {mutation.file} has its text {text.count(mutation.old)} times")
        path.write_text(text.replace(mutation.old, mutation.new))
        yield Code(Path(folder))
