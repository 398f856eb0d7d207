# The account as a whole: its alias, and what data sources ask about it.

variable "changed" {
  type    = bool
  default = false
}

resource "aws_iam_account_alias" "this" {
  account_alias = var.changed ? "our-other-company" : "our-company"
}

resource "aws_iam_user" "users" {
  for_each = toset(["a", "b"])
  name     = each.key
  path     = "/listed/"
}

data "aws_iam_users" "listed" {
  path_prefix = "/listed/"
  depends_on  = [aws_iam_user.users]
}

data "aws_iam_account_alias" "this" {
  depends_on = [aws_iam_account_alias.this]
}

output "listed" {
  value = sort(data.aws_iam_users.listed.names)
  precondition {
    condition     = sort(data.aws_iam_users.listed.names) == tolist(["a", "b"])
    error_message = "the data source does not find the users that were made"
  }
}

output "alias" {
  value = data.aws_iam_account_alias.this.account_alias
  precondition {
    condition     = data.aws_iam_account_alias.this.account_alias == aws_iam_account_alias.this.account_alias
    error_message = "the data source does not find the alias that was given"
  }
}
