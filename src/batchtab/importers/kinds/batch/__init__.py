"""The shapes of AWS Batch, EventBridge and Scheduler, which templates and a live account have in common."""
