"""Terraform's own reading of jobs.yaml: a stage with its services as one module, which calls the others."""
