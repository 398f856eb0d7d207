# Managed policies, their versions, and everybody they are attached to.

variable "changed" {
  type    = bool
  default = false
}

data "aws_iam_policy_document" "functions" {
  statement {
    sid       = "Functions"
    actions   = var.changed ? ["lambda:Get*", "lambda:List*"] : ["lambda:List*"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "functions" {
  name        = "functions"
  path        = "/team/"
  description = "What it is for"
  policy      = data.aws_iam_policy_document.functions.json
  tags        = var.changed ? { Team = "blue" } : { Team = "red" }
}

resource "aws_iam_user" "alice" {
  name = "alice"
}

resource "aws_iam_group" "staff" {
  name = "staff"
}

resource "aws_iam_role" "deploy" {
  name               = "deploy"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy_attachment" "everybody" {
  name       = "everybody"
  policy_arn = aws_iam_policy.functions.arn
  users      = [aws_iam_user.alice.name]
  groups     = [aws_iam_group.staff.name]
  roles      = var.changed ? [] : [aws_iam_role.deploy.name]
}

data "aws_iam_policy" "administrator" {
  name = "AdministratorAccess"
}

output "administrator" {
  value = data.aws_iam_policy.administrator.arn
}
