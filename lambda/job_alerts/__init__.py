"""Sends alerts of failed Batch jobs to Slack. Needs boto3, and what its zip carries of batchtab and shared."""
