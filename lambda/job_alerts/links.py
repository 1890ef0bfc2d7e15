"""Where a job is to be seen, and how it is run again."""

from __future__ import annotations

import re
from urllib.parse import quote

from .job_event import JobEvent

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def _console(job: JobEvent) -> str:
    region = quote(job.region, safe="")
    return f"https://{region}.{_CONSOLES.get(job.partition, _CONSOLES['aws'])}"


def job_url(job: JobEvent) -> str | None:
    """The job in Batch's console."""
    if not job.region or not job.job_id:
        return None
    return f"{_console(job)}/batch/home?region={quote(job.region, safe='')}#jobs/detail/{quote(job.job_id, safe='')}"


def log_url(job: JobEvent) -> str | None:
    """The job's log stream in CloudWatch's console, which wants names encoded twice, the second time with `$`."""
    if not job.region or not job.log_stream:
        return None
    group, stream = (quote(quote(name, safe=""), safe="").replace("%", "$") for name in (job.log_group, job.log_stream))
    return (
        f"{_console(job)}/cloudwatch/home?region={quote(job.region, safe='')}"
        f"#logsV2:log-groups/log-group/{group}/log-events/{stream}"
    )


def rerun_command(job: JobEvent, template: str) -> str:
    """The command that runs the job again; `template` may hold `{job}`, `{queue}`, `{definition}` and `{region}`.

    Empty where a name holds what no name of Batch's holds: nobody is to paste that into a shell.
    """
    template = template or (
        "aws batch submit-job --region {region} --job-name {job} --job-queue {queue} --job-definition {definition}"
    )
    values = {
        "job": job.name,
        "queue": job.queue,
        "definition": job.definition.partition(":")[0],  # the newest revision
        "region": job.region,
    }
    used = re.findall(r"\{(job|queue|definition|region)\}", template)
    if not all(_NAME.fullmatch(values[name]) for name in used):
        return ""
    return re.sub(r"\{(job|queue|definition|region)\}", lambda found: values[found[1]], template)
