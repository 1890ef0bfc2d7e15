locals {
  environments = {
    instances = { capacity = "EC2", max_vcpus = 32 }
    fargate   = { capacity = "FARGATE", max_vcpus = 8 }
  }
}

module "environment" {
  source   = "../../modules/batch_environment"
  for_each = local.environments

  namespace          = "fleet-${each.key}"
  capacity           = each.value.capacity
  min_vcpus          = 0
  max_vcpus          = each.value.max_vcpus
  subnet_ids         = var.subnet_ids
  security_group_ids = [aws_security_group.jobs.id]
  queues             = { default = 1 }
  tags               = var.tags
}

data "aws_subnet" "first" {
  id = var.subnet_ids[0]
}

resource "aws_security_group" "jobs" {
  #checkov:skip=CKV2_AWS_5:The environments are in it
  name        = "fleet-jobs"
  description = "Jobs: out, not in."
  vpc_id      = data.aws_subnet.first.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.jobs.id
  description       = "AWS's services"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}
