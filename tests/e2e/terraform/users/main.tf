# Users, groups, membership, keys, and what hangs on them.

variable "changed" {
  type    = bool
  default = false
}

resource "aws_iam_user" "alice" {
  name          = var.changed ? "alice-renamed" : "alice"
  path          = var.changed ? "/moved/" : "/team/"
  force_destroy = true
  # The provider tags under the new name before it renames: no tag changes with a name.
  tags = { Team = "red" }
}

resource "aws_iam_user" "bob" {
  name                 = "bob"
  tags                 = var.changed ? { Team = "blue", Cost = "1" } : { Team = "red" }
  permissions_boundary = var.changed ? "arn:aws:iam::aws:policy/PowerUserAccess" : "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_group" "staff" {
  name = var.changed ? "staff-renamed" : "staff"
  path = "/team/"
}

resource "aws_iam_group" "admins" {
  name = "admins"
}

resource "aws_iam_group_membership" "staff" {
  name  = "staff"
  group = aws_iam_group.staff.name
  users = var.changed ? [aws_iam_user.bob.name] : [aws_iam_user.alice.name, aws_iam_user.bob.name]
}

resource "aws_iam_user_group_membership" "alice" {
  user   = aws_iam_user.alice.name
  groups = [aws_iam_group.admins.name]
}

resource "aws_iam_access_key" "alice" {
  user   = aws_iam_user.alice.name
  status = var.changed ? "Inactive" : "Active"
}

data "aws_iam_policy_document" "list" {
  statement {
    actions   = var.changed ? ["iam:ListUsers", "iam:ListRoles"] : ["iam:ListUsers"]
    resources = ["*"]
  }
}

resource "aws_iam_user_policy" "own" {
  name   = "own"
  user   = aws_iam_user.alice.name
  policy = data.aws_iam_policy_document.list.json
}

resource "aws_iam_group_policy" "own" {
  name   = "own"
  group  = aws_iam_group.staff.name
  policy = data.aws_iam_policy_document.list.json
}

resource "aws_iam_user_policy_attachment" "read_only" {
  user       = aws_iam_user.alice.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_group_policy_attachment" "functions" {
  group      = aws_iam_group.admins.name
  policy_arn = "arn:aws:iam::aws:policy/AWSLambda_FullAccess"
}
