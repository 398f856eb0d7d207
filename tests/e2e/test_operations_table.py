"""docs/operations.md is true: what it lists without a permission is answered as not served, by name."""

import re
from pathlib import Path

import pytest

from wire import Request, send

TABLE = Path(__file__).parents[2] / "docs/operations.md"
VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
ROW = re.compile(r"^\| (\w+) \| (–|none needed|`[\w:]+`) \|", re.MULTILINE)


def operations(service):
    """Every operation of the table, and whether it is served."""
    section = re.search(rf"^## {service}: (\d+) of (\d+)$(.*?)(?=^## |\Z)", TABLE.read_text(), re.M | re.S)
    rows = {name: permission != "–" for name, permission in ROW.findall(section[3])}
    assert (sum(rows.values()), len(rows)) == (int(section[1]), int(section[2]))
    return rows


@pytest.mark.parametrize("service", VERSIONS)
def test_an_action_is_served_exactly_when_the_table_says_so(world, service):
    wire = world.account().root.wire  # Some actions need no parameters: they act on this account.
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    rows = operations(service)
    assert len(rows) > 10
    for operation, is_served in rows.items():
        body = f"Action={operation}&Version={VERSIONS[service]}".encode()
        answer = wire.call("POST", "/", body=body, headers=form, service=service)
        text = answer.body.decode()
        code = re.search("<Code>(.*?)</Code>", text)
        is_refused = (answer.status, code and code[1]) == (400, "UnsupportedOperation")
        assert is_refused != is_served, (operation, text)
        if is_refused:
            assert operation in text


def test_what_clients_do_not_sign_names_what_is_not_served_too(world):
    """It is their assertion that proves who calls, as a token does, which is served."""
    body = b"Action=AssumeRoleWithSAML&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = send(world.server.base, Request("POST", "/", body, headers))
    assert answer.status == 400 and "<Code>UnsupportedOperation</Code>" in answer.body.decode(), answer
    assert "AssumeRoleWithSAML" in answer.body.decode()


def test_an_organizations_call_names_what_is_not_served(owner):
    for operation, is_served in operations("organizations").items():
        target = f"AWSOrganizationsV20161128.{operation}"
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target}
        answer = owner.root.wire.call("POST", "/", body=b"{}", headers=headers, service="organizations")
        refused = (answer.status, answer.code) == (400, "UnsupportedOperationException")
        assert refused != is_served and (is_served or operation in answer.body.decode()), answer
