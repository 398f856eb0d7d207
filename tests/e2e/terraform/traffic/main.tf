# What calls a function and with which workers: provisioned concurrency, event sources, signed code, and the
# data sources that ask about it.

variable "changed" {
  type    = bool
  default = false
}

variable "runtime" {
  type = string
}

# Whether the queue's mapping leaves `enabled` at its default, which is to be polled.
variable "polled" {
  type    = bool
  default = false
}

resource "aws_iam_role" "own" {
  name = "traffic"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_lambda_code_signing_config" "own" {
  description = var.changed ? "Another" : "Who signs"

  allowed_publishers {
    signing_profile_version_arns = [
      "arn:aws:signer:us-east-1:123456789012:/signing-profiles/own/${var.changed ? "abcdefghij" : "0123456789"}",
    ]
  }

  policies {
    untrusted_artifact_on_deployment = "Warn"
  }

  tags = { Team = var.changed ? "blue" : "red" }
}

resource "aws_lambda_function" "orders" {
  function_name           = "orders"
  description             = var.changed ? "Another" : "What it is for"
  role                    = aws_iam_role.own.arn
  runtime                 = var.runtime
  handler                 = "main.handler"
  filename                = "${path.module}/code.zip"
  source_code_hash        = filebase64sha256("${path.module}/code.zip")
  code_signing_config_arn = aws_lambda_code_signing_config.own.arn
  publish                 = true
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.orders.function_name
  function_version = "1"
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  function_name                     = aws_lambda_function.orders.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = var.changed ? 2 : 1
}

# Of a version, once there is another than that of the alias.
resource "aws_lambda_provisioned_concurrency_config" "newest" {
  count                             = var.changed ? 1 : 0
  function_name                     = aws_lambda_function.orders.function_name
  qualifier                         = "2"
  provisioned_concurrent_executions = 1
  depends_on                        = [aws_lambda_function.orders]
}

# No event source is polled here, and the server says so: a mapping is disabled whatever is asked for. So
# `enabled = false` is what settles; by default each plan wishes to enable it.
resource "aws_lambda_event_source_mapping" "queue" {
  function_name    = aws_lambda_alias.live.arn
  event_source_arn = "arn:aws:sqs:us-east-1:123456789012:orders"
  enabled          = var.polled ? null : false
  batch_size       = var.changed ? 5 : 10
  tags             = { Team = var.changed ? "blue" : "red" }

  filter_criteria {
    filter {
      pattern = jsonencode({ body = { kind = [var.changed ? "refund" : "order"] } })
    }
  }

  scaling_config {
    maximum_concurrency = var.changed ? 20 : 10
  }
}

resource "aws_lambda_event_source_mapping" "stream" {
  function_name                      = aws_lambda_function.orders.function_name
  event_source_arn                   = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
  starting_position                  = "LATEST"
  enabled                            = false
  maximum_retry_attempts             = var.changed ? 3 : 2
  parallelization_factor             = var.changed ? 4 : 1
  bisect_batch_on_function_error     = true
  maximum_batching_window_in_seconds = 5

  destination_config {
    on_failure {
      destination_arn = "arn:aws:sns:us-east-1:123456789012:failed"
    }
  }
}

data "aws_lambda_code_signing_config" "own" {
  arn = aws_lambda_code_signing_config.own.arn
}

data "aws_lambda_function" "live" {
  function_name = aws_lambda_function.orders.function_name
  qualifier     = aws_lambda_alias.live.name
}

data "aws_lambda_invocation" "live" {
  function_name = aws_lambda_function.orders.function_name
  qualifier     = aws_lambda_provisioned_concurrency_config.live.qualifier
  input         = jsonencode({})
}

output "result" {
  value = data.aws_lambda_invocation.live.result
}

output "version" {
  value = data.aws_lambda_function.live.version
}

output "signing" {
  value = data.aws_lambda_code_signing_config.own.description
}

output "queue" {
  value = aws_lambda_event_source_mapping.queue.uuid
}

output "stream" {
  value = aws_lambda_event_source_mapping.stream.uuid
}

output "signing_arn" {
  value = aws_lambda_code_signing_config.own.arn
}
