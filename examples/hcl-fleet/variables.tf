variable "subnet_ids" {
  type        = list(string)
  description = "Where containers and instances start; all of one VPC."
}

variable "image_tag" {
  type        = string
  description = "Which image of the jobs runs."
  default     = "v1"
}

variable "tags" {
  type        = map(string)
  description = "On everything."
  default     = { project = "fleet" }
}
