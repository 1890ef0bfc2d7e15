variable "networks" {
  description = "Where instances start, in each region."

  type = object({
    seoul    = object({ subnet_ids = list(string), security_group_ids = list(string) })
    virginia = object({ subnet_ids = list(string), security_group_ids = list(string) })
  })
}

variable "runs_in_virginia" {
  type        = bool
  description = "Whether the jobs run in the second region."
  default     = false
}
