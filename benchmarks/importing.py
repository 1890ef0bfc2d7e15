"""What an import costs: `python -m benchmarks.importing`.

Prints a table for benchmarks/README.md: crontabs of 10, 100 and 1,000 lines of 144 different schedules, in a zone whose
clocks change, with and without the proof of five years; CPU seconds of the process.
"""

import itertools
import time
from datetime import UTC, datetime
from pathlib import Path

from batchtab.importers import importing
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

_SINCE = datetime(2026, 12, 1, tzinfo=UTC)
_FIELDS = (["*/5", "0", "30", "*"], ["*", "2", "*/2", "9-17"], ["*", "1", "*/2"], ["*", "1-5", "0"])


def _crontab(lines: int) -> str:
    schedules = itertools.cycle(itertools.product(*_FIELDS))
    return "".join(
        f"{minute} {hour} {day} * {weekday} /opt/job-{number} --all\n"
        for number, (minute, hour, day, weekday) in enumerate(itertools.islice(schedules, lines))
    )


def _seconds(lines: int, *, is_proven: bool) -> float:
    file = SourceFile(Path("crontab"), _crontab(lines))
    begin = time.process_time()
    importing.run(
        "crontab",
        [file],
        Options(timezone="Europe/Berlin"),
        since=_SINCE,
        years=5,
        is_proven=is_proven,
        command="batchtab import crontab crontab",
    )
    return time.process_time() - begin


if __name__ == "__main__":
    _seconds(1, is_proven=True)  # imports and zones
    print("| lines | without the proof | with it |\n|---|---|---|")
    for number in (10, 100, 1000):
        print(f"| {number:,} | {_seconds(number, is_proven=False):.1f} s | {_seconds(number, is_proven=True):.1f} s |")
