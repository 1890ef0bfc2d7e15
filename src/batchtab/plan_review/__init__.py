"""A plan in the words of jobs: what `terraform show -json` says of all stacks, as facts and as something to read."""
