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
#: The sections of `ci`.
STEPS = "Steps of a project's workflows"
ONCE = "Once for a stage, on your machine"
RELEASE = "Releases of Batchtab itself, not of a project"

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
    Command("deploy", "deployment.deploy:deploy", "Apply a reviewed plan, or all changes.", DEPLOYMENT, is_change=True),
    Command("doctor", "deployment.doctor:doctor", "Check what a stage and its jobs need.", DEPLOYMENT),
    Command(
        "bootstrap", "deployment.bootstrap:bootstrap", "Create a stage's state bucket.", DEPLOYMENT, is_change=True
    ),
    Command(
        "unlock",
        "deployment.unlock:unlock",
        "Remove a lock that a killed run left on a Terraform state.",
        DEPLOYMENT,
        is_change=True,
    ),
    Command("env", "deployment.env:env", "Print variables for terraform, cdktf and aws.", DEPLOYMENT),
    Command("up", "machine.up:up", "Deploy a stage to local AWS and run jobs.", MACHINE, is_change=True),
    Command("down", "machine.down:down", "Destroy the local deployment and stop local AWS.", MACHINE, is_change=True),
    Command("init", "setup.init:init", "Create a project.", SET_UP, is_change=True),
    Command("import", "setup.import_jobs:import_jobs", "Import jobs from crontab, Kubernetes and others.", SET_UP),
    Command("upgrade", "setup.upgrade:upgrade", "Bring a project's files up to date.", SET_UP, is_change=True),
    Command("setup", "setup.setup:setup", "Install what a project needs into .batchtab/.", SET_UP, is_change=True),
    Command("lock", "setup.lock:lock", "Pin Terraform's AWS provider by hash.", SET_UP, is_change=True),
    Command("schema", "setup.schema:schema", "Write the JSON Schemas for editors.", SET_UP),
    Command("ci", "", "Prepare GitHub for a stage, or run a step of a workflow.", WORKFLOWS, is_change=True),
)
CI = (
    Command("roles", "ci.roles:ci_roles", "Create the roles that workflows assume.", ONCE),
    Command("environment", "ci.environment:ci_environment", "Protect a stage's environment on GitHub.", ONCE),
    Command("stage", "ci.stage:ci_stage", "Print a stage's region and roles.", STEPS),
    Command("runner-image", "ci.runner_image:runner_image", "Print or build the shared runner image.", STEPS),
    Command("synth", "ci.synth:ci_synth", "Synthesize stages without credentials, for later steps.", STEPS),
    Command("scan", "ci.scan:scan", "Scan stacks, Dockerfile and workflows with checkov.", STEPS),
    Command("summary", "ci.summary:plan_summary", "Summarize plans for review.", STEPS),
    Command("comment", "ci.comment:pr_comment", "Post the summary to the pull request.", STEPS),
    Command("reviewed", "ci.reviewed:reviewed_plan", "Download the reviewed plan.", STEPS),
    Command("drift", "ci.drift:drift_issue", "Open or close the GitHub issue on a stage's drift.", STEPS),
    Command("release-files", "ci.release:release_files", "Write the archives of a release.", RELEASE),
    Command("registry-files", "ci.registry:registry_files", "Write the repository of the registry's module.", RELEASE),
    Command("release-publish", "ci.release:release_publish", "Publish a release on GitHub.", RELEASE),
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
