"""Tells Slack of failed Batch jobs. Travels alone: the standard library and the Lambda runtime's boto3."""
