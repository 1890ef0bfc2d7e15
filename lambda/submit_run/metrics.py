"""The statuses of runs, as CloudWatch metrics: lines of JSON in the function's own log, which CloudWatch reads.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time

from .record import Record

_NAMES = {"submitted": "RunsSubmitted", "skipped": "RunsSkipped", "late": "RunsLate", "dropped": "RunsDropped"}


def count(namespace: str, record: Record) -> None:
    """Counts a run by its status; one whose status is not final is not counted."""
    name = _NAMES.get(record.status)
    if name is None or not record.is_run:
        return
    now = time.time()
    metrics = [{"Name": name, "Unit": "Count"}]
    values: dict[str, float] = {name: 1}
    if record.status == "submitted" and not record.request.is_backfill:
        metrics.append({"Name": "StartDelaySeconds", "Unit": "Seconds"})
        values["StartDelaySeconds"] = round(max(0.0, now - record.request.scheduled_time.timestamp()), 3)
    line = {
        "_aws": {
            "Timestamp": int(now * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Batchtab",
                    "Dimensions": [["Namespace"], ["Namespace", "Job"]],
                    "Metrics": metrics,
                }
            ],
        },
        "Namespace": namespace,
        "Job": record.request.job.name,
        "run_id": record.request.run_id,
        "job_id": record.job_id,
        "reason": record.reason,
        **values,
    }
    print(json.dumps(line, ensure_ascii=False))
