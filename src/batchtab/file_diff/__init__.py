"""What is different between two states of a project's files, in the words of a plan; without AWS and Terraform."""
