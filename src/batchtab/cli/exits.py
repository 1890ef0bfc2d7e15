"""Exit statuses of all commands; Ctrl-C never stops a job."""

from __future__ import annotations

OK = 0
#: The job failed, or something that was checked is wrong.
FAILED = 1
USAGE = 2
#: There is no such job or run.
NOT_FOUND = 3
#: The run was not started: its job's policy let another one go first, or it was skipped.
SKIPPED = 4
#: An import left something for a person to decide.
NEEDS_PERSON = 4
TIMED_OUT = 5
INTERRUPTED = 130
