"""What the alerts must know of the jobs, as HCL: where their alerts go, and which runs are watched."""

from __future__ import annotations

from batchtab.constructs._terraform.expressions import hcl
from batchtab.declarations.alerting import Alerting, Route
from batchtab.declarations.trigger_arguments import WATCHED

#: The stage's own alerts, which are not there where they are wrong.
STAGE = "local.stage_alerts[0]"
_NAMES = tuple(Route.model_fields)


def _route(item: str) -> str:
    """A route with its defaults, so that two that mean the same are equal."""
    defaults = {name: Alerting.model_fields[name].get_default() for name in _NAMES}
    return f"{{ {', '.join(f'{name} = try({item}.{name}, {hcl(value)})' for name, value in defaults.items())} }}"


def _said(route: str, more: str = "") -> str:
    """What a route says beside its defaults."""
    also = f", {more}" if more else ""
    return f'merge({{ for k, v in {route} : k => v if v != "" && v != false }}{also})'


def locals_of_alerts() -> dict[str, str]:
    """The routes as `declarations.alert_routes` says them, and the schedules of the jobs that are watched.

    A job has a route of its own where it, or a job with a name that its own begins with, says more than its service or
    is called after another service.
    """
    begins = '(%s == %s || startswith(%s, "${%s}-"))'

    def begin(whole: str, part: str) -> str:
        return begins % (whole, part, whole, part)

    different = (
        f"jsonencode({_route('s.job.alerts')}) != jsonencode({_route('s.alerts')}) || anytrue([for o in"
        f" local.services_said : o.name != s.service && {begin('s.full', 'o.name')}])"
    )
    routed = f"anytrue([for o in local.routed_names : {begin('s.full', 'o')} && o != s.service])"
    is_quiet = f"length(local.faults) == 0 && try({STAGE}.quiet, false)"
    watched = (
        'length(local.faults) == 0 && try(s.job.alerts.late_after_seconds, null) != null && s.schedule != "-" &&'
        " !try(s.job.suspend, false)"
    )
    times = ", ".join(f"{name} = {_watched(name)}" for name in WATCHED if name != "schedule")
    return {
        "stage_alerts": "[for a in [var.alerts] : a if length(flatten(local.faults_of_stage_alerts)) == 0]",
        "routed_names": f"[for s in local.jobs_timed : s.full if {different}]",
        "routes": f"merge({{ for s in local.services_said : s.name => {_said(_route('s.alerts'))} if {is_quiet} }},"
        f" {{ for s in local.jobs_timed : s.full => {_said(_route('s.job.alerts'), '{ service = s.service }')}"
        f" if {is_quiet} && {routed} }})",
        "watched": "{ for s in local.jobs_timed : s.full => merge({ for k, v in {"
        f" {times} }} : k => v if v != null }}, {{ schedule = module.job[s.full].schedule_expression,"
        " job_queue_arn = local.environment.job_queue_arns[s.queue],"
        f" late_after_seconds = s.job.alerts.late_after_seconds }}) if {watched} }}",
    }


def _watched(name: str) -> str:
    return f"s.{name}" if name in ("start", "end") else f"try(s.job.{name}, null)"
