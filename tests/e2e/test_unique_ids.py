"""Principals in stored statements are users and roles, not names (facts/iam.md §4.1, aws-lambda.md §1.5)."""

import json

import pytest

from server import ACCOUNT
from world import allow, boto, error_of, trusting, unique

BAD_PRINCIPAL = "The provided principal was invalid. Please check the principal and try again."


def grant(client, function, arn, sid="s1"):
    return client.add_permission(
        FunctionName=function, StatementId=sid, Action="lambda:InvokeFunction", Principal=arn
    )


def principals(client, function):
    policy = json.loads(client.get_policy(FunctionName=function)["Policy"])
    return [one["Principal"]["AWS"] for one in policy["Statement"]]


def trusted(iam, role):
    document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    (principal,) = document["Statement"][0]["Principal"]["AWS"]
    return principal


def delete_user(iam, name):
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def invoked(member, function):
    """Whether the member may; a denial is the only other answer."""
    try:
        return member.boto().invoke(FunctionName=function)["StatusCode"] == 200
    except Exception as error:
        assert "AccessDenied" in str(error), error
        return False


def test_a_user_made_anew_does_not_inherit_a_grant(owner, iam):
    function, name, client = owner.function(), unique("user"), owner.root.boto()
    first = owner.user(name=name)
    grant(client, function, first.arn)
    assert invoked(first, function)
    first_id = iam.get_user(UserName=name)["User"]["UserId"]
    delete_user(iam, name)
    assert principals(client, function) == [first_id], "it is gone, and shows as what it was"
    again = owner.user(name=name)
    assert again.arn == first.arn
    assert not invoked(again, function)
    assert principals(client, function) == [first_id]

    refusal = ("InvalidParameterValueException", BAD_PRINCIPAL)
    assert error_of(grant, client, function, again.arn, "s2") == refusal, "a dead principal is in the way"
    assert error_of(grant, client, function, f"arn:aws:iam::{ACCOUNT}:root", "s2") == refusal
    client.remove_permission(FunctionName=function, StatementId="s1")
    grant(client, function, again.arn, "s2")
    assert invoked(again, function)
    assert principals(client, function) == [again.arn]


def test_a_role_made_anew_does_not_inherit_a_grant(owner, iam):
    function, name, client = owner.function(), unique("role"), owner.root.boto()
    by = owner.user()
    arn = owner.role(trusting(by.arn), name=name, path="/deep/er/")
    grant(client, function, arn)
    session = owner.session(role_arn=arn, by=by)
    grant(client, function, session.arn, "one-session")
    assert invoked(session, function)
    first_id = iam.get_role(RoleName=name)["Role"]["RoleId"]
    iam.delete_role(RoleName=name)
    assert owner.role(trusting(by.arn), name=name, path="/deep/er/") == arn
    again = owner.session(role_arn=arn, by=by)
    assert again.arn == session.arn
    assert not invoked(again, function)
    assert principals(client, function) == [first_id, first_id]


def test_a_grant_follows_a_renamed_user(owner, iam):
    function, old, new = owner.function(), unique("user"), unique("new")
    user = owner.user(name=old)
    grant(owner.root.boto(), function, user.arn)
    iam.update_user(UserName=old, NewUserName=new, NewPath="/moved/")
    assert invoked(user, function)
    assert principals(owner.root.boto(), function) == [f"arn:aws:iam::{ACCOUNT}:user/moved/{new}"]
    usurper = owner.user(name=old)
    assert usurper.arn == user.arn
    assert not invoked(usurper, function)


def test_whoever_moves_to_a_path_of_quotes_writes_nothing_into_policies(owner, other):
    """A path takes any visible character but those of patterns; a grantee of another account chooses its own."""
    iam, name = other.root.boto("iam"), unique("quoting")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    function, role = owner.function(), owner.role(trusting(arn)).rsplit("/", 1)[1]
    owner.root.wire.add_permission(function, {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": arn})
    iam.update_user(UserName=name, NewPath='/x","AWS":"333333333333","Q":"\\\\/')
    moved = iam.get_user(UserName=name)["User"]["Arn"]
    policy = json.loads(owner.root.wire.get_policy(function).json["Policy"])
    assert [one["Principal"] for one in policy["Statement"]] == [{"AWS": moved}]
    assert trusted(owner.root.boto("iam"), role) == moved
    body = {"Action": "lambda:InvokeFunction", "Resource": owner.arn(function)}
    assert owner.root.wire.call("POST", "/_portcullis/who-can", body=body, service="portcullis").status == 200


def test_a_deny_does_not_fall_on_a_successor_either(owner, iam):
    """A trust policy's, since grants only allow."""
    name, by = unique("user"), unique("role")
    first = owner.user(name=name)
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
        {"Effect": "Deny", "Principal": {"AWS": [first.arn]}, "Action": "sts:AssumeRole"},
    ]
    arn = owner.role({"Version": "2012-10-17", "Statement": statements}, name=by)
    assumes = allow("sts:AssumeRole", arn)

    def assume(member):
        return member.boto("sts").assume_role(RoleArn=arn, RoleSessionName="night")

    first.permit(assumes)
    assert error_of(assume, first)[0] == "AccessDenied"
    iam.delete_user_policy(UserName=name, PolicyName="own")
    delete_user(iam, name)
    again = owner.user(assumes, name=name)
    assert assume(again)["AssumedRoleUser"]


def test_a_trusted_user_made_anew_is_not_trusted(owner, iam):
    name, role = unique("user"), unique("role")
    first = owner.user(name=name)
    arn = owner.role(trusting(first.arn), name=role)
    assert owner.session(role_arn=arn, by=first)
    first_id = iam.get_user(UserName=name)["User"]["UserId"]
    assert trusted(iam, role) == first.arn
    delete_user(iam, name)
    assert trusted(iam, role) == first_id
    listed = [one for one in iam.get_paginator("list_roles").paginate().search("Roles") if one["RoleName"] == role]
    assert listed[0]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] == [first_id]
    again = owner.user(name=name)
    refused = error_of(again.boto("sts").assume_role, RoleArn=arn, RoleSessionName="night")
    assert refused[0] == "AccessDenied"

    dead = error_of(
        iam.update_assume_role_policy, RoleName=role, PolicyDocument=json.dumps(trusting(first_id))
    )
    assert dead == ("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{first_id}"')
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trusting(again.arn)))
    assert owner.session(role_arn=arn, by=again)
    assert trusted(iam, role) == again.arn


@pytest.mark.parametrize("kind", ["user", "role"])
def test_nobody_is_trusted_who_does_not_exist(owner, iam, kind):
    nobody = f"arn:aws:iam::{ACCOUNT}:{kind}/{unique('nobody')}"
    want = ("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{nobody}"')
    text = json.dumps(trusting(nobody))
    assert error_of(iam.create_role, RoleName=unique("role"), AssumeRolePolicyDocument=text) == want
    client, function = owner.root.boto(), owner.function(wait=False)
    refusal = ("InvalidParameterValueException", BAD_PRINCIPAL)
    assert error_of(grant, client, function, nobody) == refusal
    foreign = f"arn:aws:iam::555566667777:{kind}/unknown"
    grant(client, function, foreign)
    assert principals(client, function) == [foreign], "of an account that is not here nothing is known"


def test_bindings_outlive_a_restart(start_server):
    first = start_server()
    root = boto(first.base, "iam", first.root)
    name, role = unique("user"), unique("role")
    created = root.create_user(UserName=name)["User"]
    root.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trusting(created["Arn"])))
    first.terminate()
    second = start_server(first.data_dir)
    root = boto(second.base, "iam", second.root)
    assert trusted(root, role) == created["Arn"]
    root.delete_user(UserName=name)
    root.create_user(UserName=name)
    assert trusted(root, role) == created["UserId"]
