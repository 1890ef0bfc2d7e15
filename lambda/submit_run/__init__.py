"""Decides whether a run of a job starts, and submits it once. Needs boto3, and what its zip carries."""
