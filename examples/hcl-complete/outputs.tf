output "job_definition_names" {
  description = "For a manual run: aws batch submit-job --job-definition …"
  value       = merge({ for name, job in module.orders : name => job.job_definition_name }, { mail = module.reports.job_definition_name })
}

output "job_queue_arns" {
  description = "The queues, for other stacks."
  value       = merge(module.instances.job_queue_arns, { fargate = module.fargate.job_queue_arns["default"] })
}

output "repository_urls" {
  description = "Where each service's image is pushed to."
  value       = { for name, repository in module.repository : name => repository.repository_url }
}
