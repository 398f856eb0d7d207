"""The commands that ask, run to their end."""

import json
import os
import pty
import subprocess

from server import binary, environment

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:orders"
ALICE = "arn:aws:iam::111111111111:user/alice"
INVOKE = "lambda:InvokeFunction"


def ask(*arguments, cwd=None, stdin="", caller=None, **variables):
    """Runs a command; `caller`, if there is one, signs what it asks its server."""
    if caller is not None:
        variables |= {
            "PORTCULLIS_ENDPOINT_URL": caller.base,
            "PORTCULLIS_REGION": caller.region,
            "AWS_ACCESS_KEY_ID": caller.credentials.key,
            "AWS_SECRET_ACCESS_KEY": caller.credentials.secret,
            "AWS_SESSION_TOKEN": caller.credentials.token,
        }
    return subprocess.run(
        [binary(), *arguments],
        cwd=cwd,
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def text_of(*arguments, status=0, **settings) -> str:
    """What a command prints, which has to end with this status and say nothing else."""
    result = ask(*arguments, **settings)
    assert (result.returncode, result.stderr) == (status, ""), result
    return result.stdout


def json_of(*arguments, status=0, **settings):
    return json.loads(text_of(*arguments, "--output", "json", status=status, **settings))


def error_of(*arguments, status=2, **settings) -> str:
    """The error of a command that has no answer."""
    result = ask(*arguments, **settings)
    assert (result.returncode, result.stdout) == (status, ""), result
    return result.stderr


def on_a_terminal(*arguments, cwd, **variables) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [binary(), *arguments], cwd=cwd, env=environment(**variables), stdin=subprocess.DEVNULL, stdout=theirs
    )
    os.close(theirs)
    printed = b""
    try:
        while chunk := read(ours):
            printed += chunk
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return printed.decode()


def read(terminal) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""


def write(folder, **documents):
    """Files of these documents; each is a list of statements, or a text."""
    for name, content in documents.items():
        if not isinstance(content, str):
            content = json.dumps({"Version": "2012-10-17", "Statement": content})
        (folder / f"{name}.json").write_text(content)


def allow(action="*", resource="*", **elements) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | elements


def s3(**elements) -> dict:
    """A grant to S3 for a bucket of an account."""
    condition = {
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::photos"},
        "StringEquals": {"AWS:SourceAccount": "111111111111"},
    }
    grant = allow(INVOKE, FUNCTION, Principal={"Service": "s3.amazonaws.com"}, Condition=condition)
    return {"Sid": "s3"} | grant | elements
