"""The story of tests/e2e/test_sdks.py, told by the AWS command line. Input and output as story_boto3.py, but
for the status of a refusal, which it does not print."""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

told = json.load(sys.stdin)
folder = Path(tempfile.mkdtemp())


def aws(key, *arguments):
    variables = {"AWS_ACCESS_KEY_ID": key["key"], "AWS_SECRET_ACCESS_KEY": key["secret"], "AWS_PAGER": ""}
    return subprocess.run(
        [sys.executable, "-m", "awscli", *arguments, "--output", "json"],
        cwd=folder,
        env=os.environ | variables | {"HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def answer(key, *arguments):
    done = aws(key, *arguments)
    assert done.returncode == 0, (arguments, done.stderr)
    return json.loads(done.stdout) if done.stdout.strip() else None


def refusal(key, *arguments):
    done = aws(key, *arguments)
    found = re.search(r"An error occurred \((\w+)\) when calling the \w+ operation: (.*)", done.stderr)
    assert done.returncode != 0 and found, (arguments, done)
    return {"code": found[1], "message": found[2].strip(), "status": None}


def paged(key, *arguments):
    """The pages of a list, of one entry each."""
    more = []
    while True:
        page = answer(key, *arguments, "--page-size", "1", "--max-items", "1", *more)
        yield page
        if "NextToken" not in page:
            return
        more = ["--starting-token", page["NextToken"]]


owner, friend, name = told["owner"], told["friend"], told["name"]
trust = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
made = answer(owner, "iam", "create-role", "--role-name", name, "--assume-role-policy-document", json.dumps(trust))
(folder / "code.zip").write_bytes(base64.b64decode(told["zip"]))
arn = answer(
    owner, "lambda", "create-function", "--function-name", name, "--role", made["Role"]["Arn"],
    "--runtime", told["runtime"], "--handler", "main.handler", "--zip-file", "fileb://code.zip",
)["FunctionArn"]  # fmt: skip
answer(owner, "lambda", "wait", "function-active-v2", "--function-name", name)
invoke = ["lambda", "invoke", "--function-name", arn, "--payload", '{"n":1}', "answer.json"]
grant = [
    "lambda", "add-permission", "--function-name", name, "--statement-id", "friend",
    "--action", "lambda:InvokeFunction", "--principal", told["friendAccount"],
]  # fmt: skip
before = refusal(friend, *invoke)
statement = json.loads(answer(owner, *grant)["Statement"])
again = refusal(owner, *grant)
answer(friend, *invoke)
got = json.loads((folder / "answer.json").read_text())
answer(owner, "lambda", "remove-permission", "--function-name", name, "--statement-id", "friend")
after = refusal(friend, *invoke)
for timeout in ("4", "5"):
    answer(owner, "lambda", "publish-version", "--function-name", name)
    answer(owner, "lambda", "update-function-configuration", "--function-name", name, "--timeout", timeout)
    answer(owner, "lambda", "wait", "function-updated-v2", "--function-name", name)
pages = paged(owner, "lambda", "list-versions-by-function", "--function-name", name)
versions = [[one["Version"] for one in page["Versions"]] for page in pages]
listed = answer(owner, "iam", "list-roles", "--page-size", "2")["Roles"]
answer(owner, "lambda", "delete-function", "--function-name", name)
gone = refusal(owner, "lambda", "delete-function", "--function-name", name)
print(
    json.dumps(
        {
            "arn": arn,
            "active": True,
            "before": before,
            "statement": statement,
            "again": again["code"],
            "answer": got,
            "after": after,
            "versions": versions,
            "roles": sum(one["RoleName"] == name for one in listed),
            "gone": gone["code"],
        }
    )
)
