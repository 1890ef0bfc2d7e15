variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets with a NAT gateway or endpoints."
}

variable "security_group_ids" {
  type        = list(string)
  description = "Security groups that let the jobs out."
}

variable "image_tags" {
  type        = map(string)
  description = "The tag that each service runs."
  default     = { orders = "1.8.2", reports = "3.0.0" }
}

variable "reports_token_arn" {
  type        = string
  description = "SSM parameter with the token that the reports' jobs read."
}

variable "sales_bucket_arn" {
  type        = string
  description = "Bucket that the reports' jobs read."
}

variable "slack_webhook_secret_arn" {
  type        = string
  description = "Secret with the webhook's address."
}

variable "tags" {
  type        = map(string)
  description = "Tags of everything."
  default     = { team = "platform" }
}
