"""What an explanation tells to run is run, by the AWS command line in a shell, and mends the denial."""

import os
import subprocess
import sys

import pytest
from server import ACCOUNT, environment
from test_decision_log import decisions
from test_function_urls import call, with_url
from world import allow

INVOKE = "lambda:InvokeFunction"


@pytest.fixture
def run(server, tmp_path):
    """Runs a line in a shell, as the owner of the function, with `aws` the AWS command line."""
    aws = tmp_path / "aws"
    aws.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m awscli "$@"\n')
    aws.chmod(0o700)

    def run(line):
        variables = {
            "AWS_ACCESS_KEY_ID": server.root.key,
            "AWS_SECRET_ACCESS_KEY": server.root.secret,
            "AWS_DEFAULT_REGION": "eu-central-1",  # the line names the function's own
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(tmp_path),
            "PATH": f"{tmp_path}:/usr/bin:/bin",
        }
        done = subprocess.run(
            ["sh", "-c", line], env=environment(**variables), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stderr}"

    return run


def commands_for(owner, answer) -> list[str]:
    """The commands by which the owner of the function does what is told first."""
    denied = [one["Explanation"] for one in decisions(owner.root, answer) if one["Record"]["result"] != "Allowed"]
    [why] = denied
    grants = [grant for grant in why["ways"][0]["grants"] if grant["policy_type"] == "resource-based policy"]
    return [grant["command"] for grant in grants]


def mended(owner, run, ask, most) -> int:
    """Runs what is told until `ask` is answered with success; how often that took."""
    for times in range(most + 1):
        answer = ask()
        if answer.status in (200, 204):
            return times
        assert answer.status == 403 and times < most, answer.body
        commands = commands_for(owner, answer)
        assert commands, answer.body
        for command in commands:
            run(command)
    raise AssertionError("not reached")


@pytest.mark.parametrize("source", ["arn:aws:s3:::photos", "arn:aws:s3:::it's-$HOME-`id`", "arn:aws:s3:::any*"])
def test_the_command_lets_a_service_in_for_its_resource_and_no_other(owner, world, run, source):
    name = owner.function()
    s3 = world.service("s3.amazonaws.com")

    def by(arn):
        return s3.wire.dry_run(owner.arn(name), headers={"x-amz-source-arn": arn, "x-amz-source-account": ACCOUNT})

    assert mended(owner, run, lambda: by(source), 1) == 1
    assert by(f"{source}x").status == 403


def test_the_command_gives_another_account_its_half(owner, other, run):
    name = owner.versioned()
    user = other.user(allow(INVOKE, "*"))
    alias = owner.arn(name, "prod")
    assert mended(owner, run, lambda: user.wire.dry_run(alias), 1) == 1
    assert user.wire.dry_run(owner.arn(name)).status == 403


@pytest.mark.usefixtures("warm")
def test_the_commands_open_a_url_half_by_half(server, owner, run):
    name = owner.function()
    url = with_url(owner, name)
    assert mended(owner, run, lambda: call(server, url), 2) == 2
