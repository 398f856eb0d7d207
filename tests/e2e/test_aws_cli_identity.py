"""Every operation of IAM, STS and Organizations that is served, run with the AWS command line.

The stories are in aws_cli/: each is told in an account of its own, on one server, and ends with
nothing left of it.
"""

from pathlib import Path

import pytest
from awscli.customizations import assumerole

from aws_story import Teller, operations_run, story
from oidc import Rs256, key_set, token
from server import REGION, Server
from test_operations_table import operations
from test_sealing import check_hidden
from test_sts import federated
from world import World

STORIES = {path.stem: story(path) for path in sorted((Path(__file__).parent / "aws_cli").glob("*.story"))}
ISSUER = "idp.example.com/tenant"
KEY = Rs256("rsa-1")
# Nobody has a password, so these have nothing to answer but that there is none.
ONLY_REFUSED = {"GetLoginProfile", "DeleteLoginProfile"}


@pytest.fixture(scope="module")
def cli_world(tmp_path_factory):
    """A server that knows the keys of an issuer of tokens."""
    folder = tmp_path_factory.mktemp("cli")
    keys = key_set(folder / "keys.json", KEY)
    one = Server(folder / "data", folder / "logs", PORTCULLIS_OIDC_KEYS=f"https://{ISSUER}={keys}")
    try:
        yield World(one.wait_until_ready())
    finally:
        one.end()


@pytest.mark.parametrize("name", STORIES)
def test_the_command_line_tells_the_story(cli_world, tmp_path, monkeypatch, name):
    account = cli_world.account()
    credentials = account.root.credentials
    for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in {
        "AWS_ACCESS_KEY_ID": credentials.key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret,
        "AWS_ENDPOINT_URL": cli_world.server.base,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_DEFAULT_OUTPUT": "json",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(assumerole, "CACHE_DIR", str(tmp_path / "sessions"))
    monkeypatch.chdir(tmp_path)
    bearer = token(KEY)
    (tmp_path / "token.jwt").write_text(bearer)
    denied = federated(account.root).wire.call("GET", "/2015-03-31/functions")
    known = {"ACCOUNT": account.id, "ROOT_KEY": credentials.key, "ISSUER": ISSUER}
    teller = Teller(tmp_path, **known, DENIAL=denied.headers["x-portcullis-explain"])
    teller.tell(STORIES[name])
    # Nothing that the server wrote of it gives away what proves who somebody is.
    check_hidden(cli_world.server.data_dir.parent, bearer, credentials.secret, *teller.secrets)


@pytest.mark.parametrize("service", ["iam", "sts", "organizations"])
def test_every_served_operation_is_run_from_the_command_line(service):
    """You served an operation. Add its command to a story; do not edit this test."""
    table = operations(service)
    steps = [step for steps in STORIES.values() for step in steps]
    done = operations_run(steps, service, table, refused=False)
    refused = operations_run(steps, service, table, refused=True)
    assert done | (refused & ONLY_REFUSED) == {name for name, is_served in table.items() if is_served}
    assert len(refused) >= 4
