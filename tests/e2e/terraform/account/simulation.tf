# What a user may, asked of the simulator before anything relies on it.

resource "aws_iam_user_policy" "read" {
  name = "read"
  user = aws_iam_user.users["a"].name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::bucket/*" }]
  })
}

data "aws_iam_principal_policy_simulation" "read" {
  policy_source_arn = aws_iam_user.users["a"].arn
  action_names      = ["s3:GetObject"]
  resource_arns     = ["arn:aws:s3:::bucket/key"]
  depends_on        = [aws_iam_user_policy.read]

  lifecycle {
    postcondition {
      condition     = self.all_allowed
      error_message = "the user may not read what its policy lets it read"
    }
  }
}

data "aws_iam_principal_policy_simulation" "write" {
  policy_source_arn = aws_iam_user.users["a"].arn
  action_names      = ["s3:GetObject", "s3:PutObject"]
  resource_arns     = ["arn:aws:s3:::bucket/key"]
  depends_on        = [aws_iam_user_policy.read]

  lifecycle {
    postcondition {
      condition     = !self.all_allowed
      error_message = "the user may write"
    }
  }
}
