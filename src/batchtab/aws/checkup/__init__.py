"""What a deployment and its jobs need, looked at in AWS: one module for each kind of thing, for `batchtab doctor`."""
