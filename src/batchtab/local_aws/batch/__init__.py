"""AWS Batch: its API, its states and its events, with jobs that really run."""
