# Functions with every block that is served, versions, aliases, layers, events, and their data sources.

variable "changed" {
  type    = bool
  default = false
}

variable "runtime" {
  type = string
}

locals {
  package = var.changed ? "${path.module}/changed.zip" : "${path.module}/code.zip"
}

resource "aws_iam_role" "own" {
  name = "functions"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "destinations" {
  name = "destinations"
  role = aws_iam_role.own.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = aws_lambda_function.plain.arn }]
  })
}

resource "aws_lambda_layer_version" "shared" {
  layer_name          = "shared"
  filename            = local.package
  source_code_hash    = filebase64sha256(local.package)
  description         = "What is shared"
  license_info        = "MIT"
  compatible_runtimes = [var.runtime]
}

resource "aws_lambda_layer_version_permission" "account" {
  layer_name     = aws_lambda_layer_version.shared.layer_name
  version_number = aws_lambda_layer_version.shared.version
  statement_id   = "account"
  action         = "lambda:GetLayerVersion"
  principal      = "111122223333"
}

resource "aws_lambda_function" "plain" {
  function_name    = "plain"
  role             = aws_iam_role.own.arn
  runtime          = var.runtime
  handler          = "main.handler"
  filename         = "${path.module}/code.zip"
  source_code_hash = filebase64sha256("${path.module}/code.zip")
}

resource "aws_lambda_function" "rich" {
  function_name                  = "rich"
  description                    = var.changed ? "Another" : "What it is for"
  role                           = aws_iam_role.own.arn
  runtime                        = var.runtime
  handler                        = "main.handler"
  filename                       = local.package
  source_code_hash               = filebase64sha256(local.package)
  memory_size                    = var.changed ? 256 : 128
  timeout                        = var.changed ? 20 : 10
  reserved_concurrent_executions = var.changed ? 5 : 10
  publish                        = true
  layers                         = [aws_lambda_layer_version.shared.arn]
  tags                           = var.changed ? { Team = "blue" } : { Team = "red", Cost = "1" }

  environment {
    variables = { STAGE = var.changed ? "prod" : "dev" }
  }

  ephemeral_storage {
    size = var.changed ? 1024 : 512
  }

  logging_config {
    log_format            = var.changed ? "JSON" : "Text"
    application_log_level = var.changed ? "DEBUG" : null
    system_log_level      = var.changed ? "WARN" : null
  }

  tracing_config {
    mode = "PassThrough"
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = var.changed ? "Another" : "What is live"
  function_name    = aws_lambda_function.rich.function_name
  function_version = aws_lambda_function.rich.version

  dynamic "routing_config" {
    for_each = var.changed ? [1] : []
    content {
      additional_version_weights = { "1" = 0.25 }
    }
  }
}

resource "aws_lambda_function_event_invoke_config" "live" {
  function_name                = aws_lambda_function.rich.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = var.changed ? 120 : 60
  maximum_retry_attempts       = var.changed ? 0 : 1

  destination_config {
    on_failure {
      destination = aws_lambda_function.plain.arn
    }
  }

  depends_on = [aws_iam_role_policy.destinations]
}

resource "aws_lambda_function_recursion_config" "rich" {
  function_name  = aws_lambda_function.rich.function_name
  recursive_loop = var.changed ? "Allow" : "Terminate"
}

resource "aws_lambda_runtime_management_config" "rich" {
  function_name     = aws_lambda_function.rich.function_name
  qualifier         = "$LATEST"
  update_runtime_on = var.changed ? "Auto" : "FunctionUpdate"
}

resource "aws_lambda_invocation" "once" {
  function_name = aws_lambda_function.plain.function_name
  input         = jsonencode({ changed = var.changed })
}

data "aws_lambda_function" "rich" {
  function_name = aws_lambda_function.rich.function_name
}

data "aws_lambda_alias" "live" {
  function_name = aws_lambda_alias.live.function_name
  name          = aws_lambda_alias.live.name
}

data "aws_lambda_functions" "all" {
  depends_on = [aws_lambda_function.plain, aws_lambda_function.rich]
}

data "aws_lambda_layer_version" "shared" {
  layer_name = aws_lambda_layer_version.shared.layer_name
  version    = aws_lambda_layer_version.shared.version
}

output "result" {
  value = aws_lambda_invocation.once.result
}

output "names" {
  value = sort(data.aws_lambda_functions.all.function_names)
}

output "memory" {
  value = data.aws_lambda_function.rich.memory_size
}

output "live" {
  value = data.aws_lambda_alias.live.function_version
}

output "layer" {
  value = data.aws_lambda_layer_version.shared.code_sha256 == filebase64sha256(local.package)
}
