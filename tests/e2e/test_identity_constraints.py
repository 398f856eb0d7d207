"""Every constraint of the models of IAM, STS and Organizations, at its edge, in every operation that is served.

Rows come from botocore's model: each member of a request, too long, too short, outside its range or not of
its list is refused by the sentence of AWS for it, before anything else is looked at.
"""

import json
import re
from urllib.parse import urlencode

import boto3
import pytest

from test_operations_table import VERSIONS, operations

SERVICES = ["iam", "sts", "organizations"]


def model(service):
    session = boto3.session.Session(region_name="us-east-1")
    return session.client(service, aws_access_key_id="-", aws_secret_access_key="-").meta.service_model


def served(service):
    return [model(service).operation_model(name) for name, is_served in operations(service).items() if is_served]


def called(wire, service, operation, members):
    """Code and text of the refusal of a call with these members, and its status."""
    if service == "organizations":
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AWSOrganizationsV20161128.{operation}"}
        answer = wire.call("POST", "/", body=json.dumps(members).encode(), headers=headers, service=service)
        return answer.status, answer.code, json.loads(answer.body or b"{}").get("Message", "")
    form = {"Action": operation, "Version": VERSIONS[service]} | members
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = wire.call("POST", "/", body=urlencode(form).encode(), headers=headers, service=service)
    text = answer.body.decode()
    code, message = (re.search(f"<{name}>(.*?)</{name}>", text, re.S) for name in ("Code", "Message"))
    return answer.status, code and code[1], message[1] if message else ""


def wrong_values(shape):
    """Values outside of the shape, each with the rule that it breaks."""
    limits = shape.metadata
    if shape.type_name == "string" and not getattr(shape, "enum", None):
        if "max" in limits and limits["max"] <= 10_000:
            yield "a" * (limits["max"] + 1), f"Member must have length less than or equal to {limits['max']}"
        if limits.get("min", 0) > 0:
            yield "a" * (limits["min"] - 1), f"Member must have length greater than or equal to {limits['min']}"
    elif shape.type_name == "string":
        yield "no-such-value", "Member must satisfy enum value set: ["
    elif shape.type_name == "integer":
        if "max" in limits:
            yield limits["max"] + 1, f"Member must have value less than or equal to {limits['max']}"
        if "min" in limits:
            yield limits["min"] - 1, f"Member must have value greater than or equal to {limits['min']}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_member_outside_of_its_shape_is_refused_in_the_words_of_aws(owner, service):
    wire, code = owner.root.wire, {"organizations": "InvalidInputException"}.get(service, "ValidationError")
    failed, rows = [], 0
    for operation in served(service):
        if operation.input_shape is None:
            continue
        for member, shape in operation.input_shape.members.items():
            for value, rule in wrong_values(shape):
                rows += 1
                got = called(wire, service, operation.name, {member: value})
                place = member[0].lower() + member[1:]
                said = got[2].replace("&apos;", "'").replace("&#39;", "'")
                if got[:2] != (400, code) or f"at '{place}' failed to satisfy constraint: {rule}" not in said:
                    failed.append((operation.name, member, rule, got[0], got[1], said[:300]))
    assert rows > 20 and not failed, "\n".join(map(str, failed))


@pytest.mark.parametrize("service", SERVICES)
def test_a_member_that_is_required_and_missing_is_named(owner, service):
    wire, code = owner.root.wire, {"organizations": "InvalidInputException"}.get(service, "ValidationError")
    failed, rows = [], 0
    for operation in served(service):
        required = operation.input_shape.required_members if operation.input_shape else []
        for member in required:
            rows += 1
            got = called(wire, service, operation.name, {})
            place = member[0].lower() + member[1:]
            said = got[2].replace("&apos;", "'").replace("&#39;", "'")
            if got[:2] != (400, code) or f"at '{place}' failed to satisfy constraint: Member must not be null" not in said:
                failed.append((operation.name, member, got[0], got[1], said[:300]))
    assert rows > 5 and not failed, "\n".join(map(str, failed))
