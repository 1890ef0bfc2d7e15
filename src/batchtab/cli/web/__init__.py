"""The page of `batchtab web`: what the commands know and do, in a browser on the same machine."""
