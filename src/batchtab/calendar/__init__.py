"""A stage's week: which jobs run when, and what they need of its vCPUs. Known from the files alone."""
