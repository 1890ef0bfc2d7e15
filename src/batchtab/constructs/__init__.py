"""Constructs that are Terraform modules too: one folder, one noun, two front doors."""
