"""The commands: their names, where their functions are, and their lines in the help.

The help is written from this table, so that it imports no command.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """One command.

    Attributes:
        name: What is typed.
        target: `module:function` below `batchtab.cli`.
        help: Its line in the help, imperative.
        section: Under which heading the help lists it.
        is_change: Whether a closed pipe may leave its work half done.
    """

    name: str
    target: str
    help: str
    section: str = "Commands"
    is_change: bool = False


FILES = "Files"
JOBS = "Jobs"
DEPLOYMENT = "Deployment"
MACHINE = "This machine"
SET_UP = "Set-up"
WORKFLOWS = "Workflows"

COMMANDS = (
    Command("check", "jobs.check:check", "Check the files in config/ and jobs/ for faults.", FILES),
    Command("diff", "jobs.diff:diff", "Show what the files of two git refs change.", FILES),
    Command("next", "jobs.next_runs:next_runs", "Show upcoming runs.", FILES),
    Command("calendar", "jobs.calendar:calendar", "Show a week of runs.", FILES),
    Command("status", "jobs.status:status", "Show how each job's last run ended, and what is blocked.", JOBS),
    Command("jobs", "jobs.jobs:jobs", "Show all jobs: next and last run, success rate, duration.", JOBS),
    Command("ps", "jobs.ps:ps", "Show active and waiting runs, and why they wait.", JOBS),
    Command("describe", "jobs.describe:describe", "Show a job or a run in detail.", JOBS),
    Command("history", "jobs.history:history", "Show past runs, and why others were not started.", JOBS),
    Command("why", "jobs.why:why", "Explain why a run failed, waits or did not start.", JOBS),
    Command("logs", "jobs.logs:logs", "Print a run's log.", JOBS),
    Command("exec", "jobs.exec_run:exec_run", "Open a shell in a running container.", JOBS),
    Command("run", "jobs.run:run", "Run a job now.", JOBS),
    Command("stop", "jobs.stop:stop", "Stop a run, a job's active runs, or all.", JOBS, is_change=True),
    Command("retry", "jobs.retry:retry", "Run failed runs again, each once.", JOBS, is_change=True),
    Command("backfill", "jobs.backfill:backfill", "Run a job for missed scheduled times.", JOBS, is_change=True),
    Command("pause", "jobs.pause:pause", "Pause a job: disable its triggers.", JOBS, is_change=True),
    Command("resume", "jobs.pause:resume", "Resume a paused job.", JOBS, is_change=True),
    Command("alerts", "jobs.alerts:app", "List or re-send undelivered alerts.", JOBS, is_change=True),
    Command("open", "jobs.open_links:open_links", "Print links to the AWS console.", JOBS),
    Command("web", "jobs.web:web", "Show jobs, runs and logs in a browser.", JOBS),
    Command("cost", "jobs.cost:cost", "Show what runs cost, and what they would elsewhere.", JOBS),
    Command("plan", "deployment.plan:plan", "Show what a deployment would change.", DEPLOYMENT),
    Command("deploy", "deployment.deploy:deploy", "Apply the reviewed plan.", DEPLOYMENT, is_change=True),
    Command("doctor", "deployment.doctor:doctor", "Check what a stage and its jobs need.", DEPLOYMENT),
    Command(
        "bootstrap", "deployment.bootstrap:bootstrap", "Create a stage's state bucket.", DEPLOYMENT, is_change=True
    ),
    Command(
        "unlock",
        "deployment.unlock:unlock",
        "Remove a lock that a killed run left on a state.",
        DEPLOYMENT,
        is_change=True,
    ),
    Command("env", "deployment.env:env", "Print the variables for cdktf and Terraform.", DEPLOYMENT),
    Command("up", "machine.up:up", "Deploy a stage to local AWS and run jobs.", MACHINE, is_change=True),
    Command("down", "machine.down:down", "Destroy the local deployment and stop local AWS.", MACHINE, is_change=True),
    Command("init", "setup.init:init", "Create a project.", SET_UP, is_change=True),
    Command("upgrade", "setup.upgrade:upgrade", "Bring a project's files up to date.", SET_UP, is_change=True),
    Command("setup", "setup.setup:setup", "Install what a project needs into .batchtab/.", SET_UP, is_change=True),
    Command("lock", "setup.lock:lock", "Pin the provider by hash.", SET_UP, is_change=True),
    Command("schema", "setup.schema:schema", "Write the JSON Schemas for editors.", SET_UP),
    Command("ci", "", "Run a step of a workflow.", WORKFLOWS, is_change=True),
)
CI = (
    Command("stage", "ci.stage:ci_stage", "Print a stage's region and roles."),
    Command("runner-image", "ci.runner_image:runner_image", "Print or build the shared runner image."),
    Command("synth", "ci.synth:ci_synth", "Synthesize stages for jobs that have credentials."),
    Command("scan", "ci.scan:scan", "Scan stacks, Dockerfile and workflows with checkov."),
    Command("summary", "ci.summary:plan_summary", "Summarize plans for review."),
    Command("comment", "ci.comment:pr_comment", "Post the summary to the pull request."),
    Command("reviewed", "ci.reviewed:reviewed_plan", "Download the reviewed plan."),
    Command("drift", "ci.drift:drift_issue", "Open, update or close the drift issue."),
    Command("roles", "ci.roles:ci_roles", "Create the roles that workflows assume."),
    Command("environment", "ci.environment:ci_environment", "Protect a stage's environment on GitHub."),
    Command("release-files", "ci.release:release_files", "Write the archives of a release."),
    Command("registry-files", "ci.registry:registry_files", "Write the repository of the registry's module."),
    Command("release-publish", "ci.release:release_publish", "Publish a release on GitHub."),
)
#: Commands of older versions, and what replaced them.
RENAMED = {
    "ci-stage": "ci stage",
    "runner-image": "ci runner-image",
    "plan-summary": "ci summary",
    "pr-comment": "ci comment",
    "reviewed-plan": "ci reviewed",
    "drift-issue": "ci drift",
    "ci-roles": "ci roles",
    "release-files": "ci release-files",
    "release-publish": "ci release-publish",
}
