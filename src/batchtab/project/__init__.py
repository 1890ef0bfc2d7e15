"""A project of a user's own: what `batchtab init` writes and what `batchtab upgrade` brings up to date."""
