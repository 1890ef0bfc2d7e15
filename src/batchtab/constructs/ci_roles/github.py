"""What GitHub allows as names, as `batchtab.limits` tells what AWS does."""

from __future__ import annotations

from batchtab.limits import Text

_SUBJECT = "https://docs.github.com/en/actions/reference/security/oidc"

REPOSITORY = Text("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", 140, "a repository as 'owner/name', without any pattern", _SUBJECT)
BRANCH = Text("^[A-Za-z0-9][A-Za-z0-9._/-]*$", 244, "a branch's name, without any pattern", _SUBJECT)
# A colon would end it in the subject, and a star would match others.
ENVIRONMENT = Text("^[A-Za-z0-9][A-Za-z0-9._ -]*$", 255, "an environment's name, without any pattern", _SUBJECT)
DEFAULT_BRANCH = "main"
