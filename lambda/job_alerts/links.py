"""Where a job is to be seen, and how it is run again."""

from __future__ import annotations

import re
from urllib.parse import quote

from .job_event import JobEvent
from .values import iso

_SCHEDULED_TIME = "BATCHTAB_SCHEDULED_TIME"

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}

_ID = re.compile(r"[0-9a-f-]{1,64}(:[0-9]{1,5})?")
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


def stop_command(job: JobEvent, stage: str) -> str:
    """The command that takes a job that has not started out of its queue; empty like `rerun_command`."""
    if not _NAME.fullmatch(job.region) or not _ID.fullmatch(job.job_id) or not _NAME.fullmatch(job.queue):
        return ""
    if _NAME.fullmatch(stage):
        return f"batchtab stop {job.job_id} --stage {stage}"
    return f"aws batch cancel-job --region {job.region} --job-id {job.job_id} --reason 'It blocks {job.queue}'"


def resume_command(job: JobEvent, stage: str) -> str:
    """The command that lets a job that paused itself run again; empty like `rerun_command`."""
    if not _NAME.fullmatch(job.name):
        return ""
    return f"batchtab resume {job.name}" + (f" --stage {stage}" if _NAME.fullmatch(stage) else "")


def retry_all_command(stage: str) -> str:
    """The command that lists what failed within six hours and runs it again, once asked; empty without a stage."""
    return f"batchtab retry --failed --since 6h --stage {stage}" if _NAME.fullmatch(stage) else ""


def why_command(job_name: str, due: int, stage: str) -> str:
    """The command that says why a run did not start; empty like `rerun_command`, and without a stage."""
    if not _NAME.fullmatch(job_name) or not _NAME.fullmatch(stage):
        return ""
    return f"batchtab why {job_name}@{iso(due)} --stage {stage}"


def rerun_command(job: JobEvent, template: str, stage: str = "") -> str:
    """The command that runs the job again; `template` may have `{job}`, `{queue}`, `{definition}` and `{region}`.

    Without a template it is `batchtab retry`, which runs only the failed children of an array and each run once; where
    the alerts are of no stage, whose readers need not have Batchtab, it is the complete `aws batch submit-job`: with
    what a job definition does not say, an array's size, the time that the run was for, the share of the queue. Empty
    where a name has what no name of Batch's has: nobody is to paste that into a shell.
    """
    if not template and _NAME.fullmatch(stage) and _ID.fullmatch(job.job_id):
        return f"batchtab retry {job.job_id} --stage {stage}"
    template = template or _submit_job(job)
    values = {
        "job": job.name,
        "queue": job.queue,
        "definition": job.definition.partition(":")[0],  # the newest revision
        "region": job.region,
    }
    used = [values[name] for name in re.findall(r"\{(job|queue|definition|region)\}", template)]
    if not all(_NAME.fullmatch(name) for name in (*used, *filter(None, [job.main_name]))):
        return ""
    return re.sub(r"\{(job|queue|definition|region)\}", lambda found: values[found[1]], template)


def _submit_job(job: JobEvent) -> str:
    """See https://docs.aws.amazon.com/cli/latest/reference/batch/submit-job.html."""
    command = (
        "aws batch submit-job --region {region} --job-name {job} --job-queue {queue} --job-definition {definition}"
    )
    if _NAME.fullmatch(job.share_identifier):
        command += f" --share-identifier {job.share_identifier}"
    if job.array_size:
        command += f" --array-properties size={job.array_size}"
    if job.scheduled_at is not None:
        command += f" {_environment(job, f'{{name={_SCHEDULED_TIME},value={iso(job.scheduled_at)}}}')}"
    return command


def _environment(job: JobEvent, variable: str) -> str:
    """A variable as the CLI takes it for a job of one container, of several, or on several nodes."""
    environment = f"environment=[{variable}]"
    task = f"taskProperties=[{{containers=[{{name={job.main_name},{environment}}}]}}]"
    if job.has_nodes:
        one = f"ecsPropertiesOverride={{{task}}}" if job.main_name else f"containerOverrides={{{environment}}}"
        return f"--node-overrides 'nodePropertyOverrides=[{{targetNodes=0:,{one}}}]'"
    return f"--ecs-properties-override '{task}'" if job.main_name else f"--container-overrides '{environment}'"
