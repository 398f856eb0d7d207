# Permissions with every argument, on functions and aliases, and function URLs of both kinds.

variable "changed" {
  type    = bool
  default = false
}

variable "runtime" {
  type = string
}

resource "aws_iam_role" "own" {
  name = "grants"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_lambda_function" "shop" {
  function_name    = "shop"
  role             = aws_iam_role.own.arn
  runtime          = var.runtime
  handler          = "main.handler"
  filename         = "${path.module}/code.zip"
  source_code_hash = filebase64sha256("${path.module}/code.zip")
  publish          = true
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.shop.arn
  function_version = aws_lambda_function.shop.version
}

resource "aws_lambda_permission" "bucket" {
  statement_id   = "bucket"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.shop.function_name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::photos"
  source_account = var.changed ? "223456789012" : "123456789012"
}

resource "aws_lambda_permission" "account" {
  statement_id  = "account"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.shop.function_name
  principal     = "arn:aws:iam::111122223333:root"
}

resource "aws_lambda_permission" "organization" {
  statement_id     = "organization"
  action           = "lambda:GetFunction"
  function_name    = aws_lambda_function.shop.function_name
  principal        = "*"
  principal_org_id = "o-a1b2c3d4e5"
}

resource "aws_lambda_permission" "alexa" {
  statement_id       = "alexa"
  action             = "lambda:InvokeFunction"
  function_name      = aws_lambda_function.shop.function_name
  principal          = "alexa-appkit.amazon.com"
  event_source_token = "amzn1.ask.skill.0123456789"
}

resource "aws_lambda_permission" "rule" {
  statement_id_prefix = "rule-"
  action              = "lambda:InvokeFunction"
  function_name       = aws_lambda_function.shop.function_name
  qualifier           = aws_lambda_alias.live.name
  principal           = "events.amazonaws.com"
  source_arn          = var.changed ? "arn:aws:events:us-east-1:123456789012:rule/b" : "arn:aws:events:us-east-1:123456789012:rule/a"
}

resource "aws_lambda_permission" "url" {
  statement_id           = "url"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.shop.function_name
  principal              = "arn:aws:iam::111122223333:root"
  function_url_auth_type = "AWS_IAM"
}

resource "aws_lambda_function_url" "own" {
  function_name      = aws_lambda_function.shop.function_name
  authorization_type = "AWS_IAM"
}

resource "aws_lambda_function_url" "live" {
  function_name      = aws_lambda_function.shop.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = "NONE"
  invoke_mode        = var.changed ? "RESPONSE_STREAM" : "BUFFERED"

  cors {
    allow_origins  = var.changed ? ["https://example.org"] : ["*"]
    allow_methods  = ["GET", "POST"]
    allow_headers  = ["x-own"]
    expose_headers = ["x-own"]
    max_age        = 60
  }
}

data "aws_lambda_function_url" "own" {
  function_name = aws_lambda_function_url.own.function_name
}

output "same" {
  value = data.aws_lambda_function_url.own.function_url == aws_lambda_function_url.own.function_url
}
