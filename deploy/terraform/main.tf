# A streaming function and its URL: terraform apply -var layer_arn=ARN. Only parsed and formatted here; not planned with
# AWS's provider, and not run on AWS.

terraform {
  required_providers {
    archive = {
      source = "hashicorp/archive"
    }
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "layer_arn" {
  description = "A version of the layer in the provider's region: docs/layer-arns.md, or deploy/layer.yaml"
  type        = string
}

data "archive_file" "hello" {
  type        = "zip"
  source_dir  = "${path.module}/../../functions/hello"
  output_path = "${path.module}/hello.zip"
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "hello" {
  name_prefix        = "hello-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.hello.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "hello" {
  function_name    = "hello"
  role             = aws_iam_role.hello.arn
  runtime          = "python3.13"
  handler          = "app.lambda_handler"
  filename         = data.archive_file.hello.output_path
  source_code_hash = data.archive_file.hello.output_base64sha256
  timeout          = 60 # AWS's default of 3 seconds cuts most streams
  layers           = [var.layer_arn]

  environment {
    variables = {
      AWS_LAMBDA_EXEC_WRAPPER = "/opt/streamify"
    }
  }
}

resource "aws_lambda_function_url" "hello" {
  function_name      = aws_lambda_function.hello.function_name
  authorization_type = "AWS_IAM"
  invoke_mode        = "RESPONSE_STREAM" # without it the URL sends everything at once
}

output "hello_url" {
  value = aws_lambda_function_url.hello.function_url
}
