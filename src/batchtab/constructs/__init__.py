"""Constructs that are Terraform modules too: one folder, one noun, two front doors."""

from batchtab.constructs._terraform import provider as _provider

_provider.skip_package_import()
