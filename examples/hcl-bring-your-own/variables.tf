variable "subnet_ids" {
  type        = list(string)
  description = "Where instances start."
}

variable "security_group_ids" {
  type        = list(string)
  description = "What instances may reach."
}

variable "image_id" {
  type        = string
  description = "The company's AMI, with the ECS agent in it."
}

variable "image" {
  type        = string
  description = "What the job runs."
  default     = "public.ecr.aws/docker/library/python:3.13-slim"
}
