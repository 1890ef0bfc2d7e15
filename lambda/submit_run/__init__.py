"""The Lambda function that decides which runs of jobs are submitted to AWS Batch."""
