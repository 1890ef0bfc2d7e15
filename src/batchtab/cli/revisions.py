"""Do the jobs of a stage run what Terraform deployed? For `plan`, `deploy` and `status`."""

from __future__ import annotations

from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from batchtab.aws import answers
from batchtab.aws.client import Aws
from batchtab.aws.job_definitions import active_revisions
from batchtab.aws.states import States
from batchtab.errors import printable
from batchtab.plan_review.revisions import Revisions
from batchtab.terraform.session import Session


def look_up(session: Session, aws: Aws) -> Revisions:
    """Compares the newest ACTIVE revision of each deployed job with the one in Terraform's states.

    No refusal and no lack of credentials is an error here: the result says why nothing is known.
    """
    stage = session.catalog.stage
    try:
        states = States(aws, stage.state.bucket, stage.name)
        deployed = states.job_revisions(session.stacks())
        active, read = active_revisions(aws, deployed)
    except (BotoCoreError, ClientError) as error:
        said = answers.answer(error)
        return Revisions(unknown=printable(said.message if said else str(error)))
    unknown = ""
    if read is not None:  # of others a revision may be among those that were not read
        deployed = {name: own for name, own in deployed.items() if own in active[name] and max(active[name]) > own}
        unknown = f"more are ACTIVE in the account than the {read:,} that were read; only what these show is named"
    found = Revisions.compare(deployed, active, prefix=stage.prefix, region=stage.region)
    return replace(found, unknown=unknown)
