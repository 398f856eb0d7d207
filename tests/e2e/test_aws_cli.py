"""The short story once more with the AWS command line, an unchanged client that knows nothing of us."""

import json
import os
import subprocess
import sys

import pytest
from server import ACCOUNT, REGION, environment
from world import RUNTIME, TRUST_LAMBDA, unique, zipped


@pytest.fixture
def aws(server, tmp_path):
    """Runs `aws` as the caller; returns what it printed, parsed, or its error."""
    def call(*arguments, caller=None, fails=False):
        credentials = caller or server.root
        variables = {
            "AWS_ACCESS_KEY_ID": credentials.key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(tmp_path),
        }
        done = subprocess.run(
            [sys.executable, "-m", "awscli", *arguments, "--endpoint-url", server.base, "--output", "json"],
            cwd=tmp_path,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if fails:
            assert done.returncode != 0, done.stdout
            return done.stderr.strip()
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return call


@pytest.mark.usefixtures("warm")
def test_the_main_job_from_the_command_line(aws, tmp_path, owner):
    name, role = unique("cli"), unique("cli-role")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    assert aws("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    made = aws("iam", "create-role", "--role-name", role, "--assume-role-policy-document", json.dumps(TRUST_LAMBDA))
    (tmp_path / "code.zip").write_bytes(zipped("def handler(event, context):\n    return {'got': event}\n"))
    created = aws(
        "lambda", "create-function", "--function-name", name, "--runtime", RUNTIME, "--handler", "main.handler",
        "--role", made["Role"]["Arn"], "--zip-file", "fileb://code.zip",
    )  # fmt: skip
    assert created["FunctionArn"] == arn
    aws("lambda", "wait", "function-active-v2", "--function-name", name)

    # The two requests of the AddPermission reference page.
    first = aws(
        "lambda", "add-permission", "--function-name", name, "--action", "lambda:InvokeFunction",
        "--principal", "s3.amazonaws.com", "--source-account", "123456789012",
        "--source-arn", "arn:aws:s3:::my-bucket-1xpuxmplzrlbh/*", "--statement-id", "s3",
    )  # fmt: skip
    second = aws(
        "lambda", "add-permission", "--function-name", name, "--action", "lambda:InvokeFunction",
        "--principal", "223456789012", "--statement-id", "xaccount",
    )  # fmt: skip
    statements = [json.loads(answer["Statement"]) for answer in (first, second)]
    assert statements == [
        {
            "Sid": "s3",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": arn,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::my-bucket-1xpuxmplzrlbh/*"},
            },
        },
        {
            "Sid": "xaccount",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::223456789012:root"},
            "Action": "lambda:InvokeFunction",
            "Resource": arn,
        },
    ]
    policy = aws("lambda", "get-policy", "--function-name", name)
    assert json.loads(policy["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": statements}

    repeated = aws(
        "lambda", "add-permission", "--function-name", name, "--action", "lambda:InvokeFunction",
        "--principal", "223456789012", "--statement-id", "xaccount", fails=True,
    )  # fmt: skip
    assert repeated.endswith(
        "An error occurred (ResourceConflictException) when calling the AddPermission operation: "
        "The statement id (xaccount) provided already exists. "
        "Please provide a new statement id, or remove the existing statement."
    )

    ran = aws("lambda", "invoke", "--function-name", name, "--payload", '{"a": 1}', "out.json")
    assert (ran["StatusCode"], ran["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads((tmp_path / "out.json").read_text()) == {"got": {"a": 1}}

    user = owner.user()
    denied = aws(
        "lambda", "invoke", "--function-name", name, "denied.json", caller=user.credentials, fails=True
    )
    assert denied.endswith(
        "An error occurred (AccessDeniedException) when calling the Invoke operation: "
        f"User: {user.arn} is not authorized to perform: lambda:InvokeFunction on resource: {arn} "
        "because no identity-based policy allows the lambda:InvokeFunction action"
    )

    stale = aws(
        "lambda", "remove-permission", "--function-name", name, "--statement-id", "s3", "--revision-id", "wrong",
        fails=True,
    )  # fmt: skip
    assert "(PreconditionFailedException)" in stale
    revision = policy["RevisionId"]
    aws("lambda", "remove-permission", "--function-name", name, "--statement-id", "s3", "--revision-id", revision)
    aws("lambda", "remove-permission", "--function-name", name, "--statement-id", "xaccount")
    gone = aws("lambda", "get-policy", "--function-name", name, fails=True)
    assert gone.endswith(
        "An error occurred (ResourceNotFoundException) when calling the GetPolicy operation: "
        "The resource you requested does not exist."
    )
    aws("lambda", "delete-function", "--function-name", name)
    missing = aws("lambda", "get-function", "--function-name", name, fails=True)
    assert missing.endswith(f"Function not found: {arn}")
