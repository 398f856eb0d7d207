# An issuer of tokens, and the role that the bearers of some of them may assume.

resource "aws_iam_openid_connect_provider" "issuer" {
  url             = "https://id.example.org/tenant"
  client_id_list  = var.changed ? ["app", "other"] : ["app"]
  thumbprint_list = [var.changed ? "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd" : "abababababababababababababababababababab"]
  tags            = { Team = var.changed ? "blue" : "red" }
}

resource "aws_iam_role" "bearer" {
  name = "bearer"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.issuer.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = { "id.example.org/tenant:aud" = "app" } }
    }]
  })
}

data "aws_iam_openid_connect_provider" "issuer" {
  arn        = aws_iam_openid_connect_provider.issuer.arn
  depends_on = [aws_iam_openid_connect_provider.issuer]
}
