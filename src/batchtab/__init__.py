"""A crontab for AWS Batch."""
