# Roles: trust, policies, boundaries, tags; and a service's own role.

variable "changed" {
  type    = bool
  default = false
}

data "aws_caller_identity" "this" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
    dynamic "principals" {
      for_each = var.changed ? [1] : []
      content {
        type        = "AWS"
        identifiers = ["arn:aws:iam::${data.aws_caller_identity.this.account_id}:root"]
      }
    }
  }
}

resource "aws_iam_policy" "cap" {
  name = "cap"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "logs:*", Resource = "*" }]
  })
}

resource "aws_iam_role" "deploy" {
  name                 = "deploy"
  path                 = "/service/"
  description          = var.changed ? "Another" : "What it is for"
  max_session_duration = var.changed ? 7200 : 3600
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.changed ? null : aws_iam_policy.cap.arn
  tags                 = var.changed ? {} : { Team = "red" }
}

resource "aws_iam_role" "bounded" {
  name                 = "bounded"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.changed ? aws_iam_policy.cap.arn : null
}

resource "aws_iam_role_policy" "own" {
  name = "own"
  role = aws_iam_role.deploy.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = var.changed ? "s3:*" : "s3:GetObject", Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.deploy.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy_attachments_exclusive" "bounded" {
  role_name   = aws_iam_role.bounded.name
  policy_arns = var.changed ? [] : ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
}

resource "aws_iam_service_linked_role" "scaling" {
  aws_service_name = "autoscaling.amazonaws.com"
  description      = var.changed ? "Another" : "What it is for"
}
