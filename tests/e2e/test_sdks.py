"""One short story, told by each of AWS's SDKs: a function is made and waited for, another account is denied,
granted, answered and denied again, versions and roles are listed in pages, the function goes.

So does the AWS CLI, which tells others in test_aws_cli.py.
"""

import base64
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from server import ACCOUNT, REGION, binary, environment
from world import RUNTIME, allow, unique, zipped

SDKS = Path(__file__).parent / "sdks"
ECHO = zipped("def handler(event, context):\n    return {'got': event}\n")


@functools.cache
def javascript():
    """A folder with the SDK, installed by npm once for each set of versions."""
    npm, source = shutil.which("npm"), SDKS / "javascript"
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs Node.js and npm (Debian: apt install nodejs npm)")
    versions = hashlib.sha256((source / "package.json").read_bytes()).hexdigest()[:12]
    folder = Path(binary()).parents[1] / f"e2e-javascript-{versions}"
    if not folder.is_dir():
        draft = Path(tempfile.mkdtemp(dir=folder.parent))
        shutil.copy(source / "package.json", draft)
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--silent"], cwd=draft, check=True, timeout=300
        )
        if not folder.exists():
            draft.rename(folder)
    shutil.copy(source / "story.mjs", folder)
    return folder


@functools.cache
def rust():
    """The story's program with the SDK, built by cargo once for each set of versions."""
    cargo, source = shutil.which("cargo"), SDKS / "rust"
    if cargo is None:
        pytest.skip("needs cargo")
    target = Path(binary()).parents[1] / "e2e-rust"
    building = [cargo, "build", "--quiet", "--locked", "--manifest-path", str(source / "Cargo.toml"), "--target-dir", str(target)]
    kept = {name: value for name, value in os.environ.items() if name != "CARGO_BUILD_TARGET"}
    subprocess.run(building, env=kept, check=True, timeout=1800)
    return target / "debug" / "story"


def key_of(caller):
    return {"key": caller.credentials.key, "secret": caller.credentials.secret}


def command(sdk):
    if sdk == "javascript":
        return ["node", str(javascript() / "story.mjs")]
    if sdk == "rust":
        return [str(rust())]
    return [sys.executable, str(SDKS / f"story_{sdk}.py")]


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("sdk", ["boto3", "cli", "javascript", "rust"])
def test_an_sdk_tells_the_story(sdk, server, owner, other):
    friend, name = other.user(allow("lambda:InvokeFunction", "*")), unique(f"story-{sdk}")
    told = {
        "owner": key_of(owner.root),
        "friend": key_of(friend),
        "friendAccount": other.id,
        "name": name,
        "runtime": RUNTIME,
        "zip": base64.b64encode(ECHO).decode(),
    }
    done = subprocess.run(
        command(sdk),
        input=json.dumps(told),
        env=environment(
            AWS_ENDPOINT_URL=server.base,
            AWS_REGION=REGION,
            AWS_DEFAULT_REGION=REGION,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_MAX_ATTEMPTS="1",
            PYTHONPATH=os.environ.get("PYTHONPATH"),
        ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    denied = {
        "code": "AccessDeniedException",
        "message": f"User: {friend.arn} is not authorized to perform: lambda:InvokeFunction on resource: {arn} "
        "because no resource-based policy allows the lambda:InvokeFunction action",
        "status": None if sdk == "cli" else 403,
    }
    assert json.loads(done.stdout) == {
        "arn": arn,
        "active": True,
        "before": denied,
        "statement": {
            "Sid": "friend",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{other.id}:root"},
            "Action": "lambda:InvokeFunction",
            "Resource": arn,
        },
        "again": "ResourceConflictException",
        "answer": {"got": {"n": 1}},
        "after": denied,
        "versions": [["$LATEST"], ["1"], ["2"]],
        "roles": 1,
        "gone": "ResourceNotFoundException",
    }
