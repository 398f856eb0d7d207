"""Users, access keys and roles as they change: rename, deactivate, describe, trust, and what nobody has."""

import json
import re
from datetime import UTC, datetime, timedelta


from server import ACCOUNT
from test_identity import POLICY, TRUST, name_in, refusal, without_metadata
from test_iam_policies import lists_users
from wire import Credentials
from world import World, allow, boto, error_of, trusting, unique

NO_USER = (404, "NoSuchEntity", "The user with name nobody cannot be found.")
NO_ROLE = (404, "NoSuchEntity", "The role with name nobody cannot be found.")


def credentials(answer):
    got = answer["Credentials"]
    return Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])


# --- Users -------------------------------------------------------------------------------------------


def test_a_renamed_user_is_the_same_user(owner, iam):
    user = owner.user(allow("iam:ListUsers", "*"), allow("sts:GetFederationToken", "*"))
    sts = user.boto("sts")
    sessions = [sts.get_session_token(), sts.get_federation_token(Name="Susan")]
    old, new, group = name_in(user.arn), unique("Renamed"), unique("group")
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=old)
    before = iam.get_user(UserName=old)["User"]
    iam.update_user(UserName=old, NewUserName=new, NewPath="/moved/")
    after = iam.get_user(UserName=new)["User"]
    assert after == before | {"Path": "/moved/", "UserName": new, "Arn": f"arn:aws:iam::{ACCOUNT}:user/moved/{new}"}
    missing = (404, "NoSuchEntity", f"The user with name {old} cannot be found.")
    assert refusal(iam.get_user, UserName=old) == missing
    assert lists_users(user), "its key and its policy go with it"
    assert sts.get_caller_identity()["Arn"] == after["Arn"]
    arns = [boto(owner.base, "sts", credentials(one)).get_caller_identity()["Arn"] for one in sessions]
    assert arns == [after["Arn"], f"arn:aws:sts::{ACCOUNT}:federated-user/Susan"], "and so do its sessions"
    assert [one["UserName"] for one in iam.get_group(GroupName=group)["Users"]] == [new]
    (key,) = iam.list_access_keys(UserName=new)["AccessKeyMetadata"]
    assert (key["UserName"], key["AccessKeyId"]) == (new, user.credentials.key)
    iam.create_user(UserName=old)
    assert iam.list_access_keys(UserName=old)["AccessKeyMetadata"] == []
    exists = (409, "EntityAlreadyExists", f"User with name {old.upper()} already exists.")
    assert refusal(iam.update_user, UserName=new, NewUserName=old.upper()) == exists
    iam.update_user(UserName=new, NewUserName=new.upper())
    assert lists_users(user) and iam.get_user(UserName=new.upper())["User"]["UserId"] == before["UserId"]
    assert refusal(iam.update_user, UserName="nobody", NewPath="/x/") == NO_USER


def test_who_renames_may_change_both_names(owner, iam):
    old, new = unique("user"), unique("user")
    arn = iam.create_user(UserName=old)["User"]["Arn"]
    half = owner.user(allow("iam:UpdateUser", arn)).boto("iam")
    code, text = error_of(half.update_user, UserName=old, NewUserName=new)
    assert code == "AccessDenied" and f"user/{new} because" in text
    both = owner.user(allow("iam:UpdateUser", [arn, arn.replace(old, new)])).boto("iam")
    both.update_user(UserName=old, NewUserName=new)


def test_an_inactive_key_is_refused_from_the_answer_on(owner, iam):
    user = owner.user(allow("iam:ListUsers", "*"))
    name, key = name_in(user.arn), user.credentials.key
    for _ in range(3):
        iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
        assert error_of(user.boto("iam").list_users)[0] == "InvalidClientTokenId"
        (shown,) = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        assert shown["Status"] == "Inactive"
        iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active")
        assert lists_users(user)
    unknown = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Status": "Inactive"}
    text = "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found."
    assert refusal(iam.update_access_key, UserName=name, **unknown) == (404, "NoSuchEntity", text)
    assert refusal(iam.update_access_key, UserName="nobody", **unknown) == NO_USER
    expired = refusal(iam.update_access_key, UserName=name, AccessKeyId=key, Status="Expired")
    assert expired[:2] == (400, "ValidationError")
    other = name_in(owner.user().arn)
    assert refusal(iam.update_access_key, UserName=other, AccessKeyId=key, Status="Inactive")[0] == 404


def test_a_key_tells_when_it_was_last_used(owner, iam, other):
    user = owner.user(allow("lambda:ListFunctions", "*"))
    key, name = user.credentials.key, name_in(user.arn)
    never = without_metadata(iam.get_access_key_last_used(AccessKeyId=key))
    assert never == {"UserName": name, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    before = datetime.now(UTC)
    user.boto().list_functions()
    used = iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("lambda", "us-east-1")
    assert before - timedelta(minutes=1) <= used["LastUsedDate"] <= datetime.now(UTC)
    assert used["LastUsedDate"].second == 0
    error_of(boto(owner.base, "iam", Credentials(key, "not-the-secret")).list_users)
    assert iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"] == used
    root = iam.get_access_key_last_used(AccessKeyId=owner.root.credentials.key)
    assert "UserName" not in root and root["AccessKeyLastUsed"]["ServiceName"] == "iam"
    for unknown in ("AKIAIOSFODNN7EXAMPLE", other.root.credentials.key):
        text = f"The Access Key with id {unknown} cannot be found."
        assert refusal(iam.get_access_key_last_used, AccessKeyId=unknown) == (404, "NoSuchEntity", text)
    stranger = owner.user().boto("iam")
    denials = {error_of(stranger.get_access_key_last_used, AccessKeyId=id)[1] for id in (key, "AKIAIOSFODNN7EXAMPLE")}
    assert len(denials) == 1, "a denial does not tell whose key it is"


def test_a_role_tells_when_its_sessions_last_called(owner, iam):
    session = owner.session(allow("lambda:ListFunctions", "*"))
    name = session.arn.split("/")[-2]

    def used():
        pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
        (detail,) = [one for page in pages for one in page["RoleDetailList"] if one["RoleName"] == name]
        shown = iam.get_role(RoleName=name)["Role"]["RoleLastUsed"]
        assert detail["RoleLastUsed"] == shown
        return shown

    assert used() == {}, "a session that has not called is no use of its role"
    forged = Credentials(session.credentials.key, "not-the-secret", session.credentials.token)
    error_of(boto(owner.base, "lambda", forged).list_functions)
    assert used() == {}, "nor is a call that is not believed"
    before = datetime.now(UTC)
    session.boto().list_functions()
    last = used()
    assert last["Region"] == "us-east-1" and last["LastUsedDate"].second == 0
    assert before - timedelta(minutes=1) <= last["LastUsedDate"] <= datetime.now(UTC)
    iam.update_role(RoleName=name, Description="changed")
    assert used() == last, "it is the same role"


def test_a_role_made_anew_was_never_used(owner, iam):
    by = owner.user()
    arn = owner.role(trusting(by.arn))
    name = name_in(arn)
    owner.session(role_arn=arn, by=by).boto("sts").get_caller_identity()
    assert "LastUsedDate" in iam.get_role(RoleName=name)["Role"]["RoleLastUsed"]
    iam.delete_role(RoleName=name)
    owner.role(trusting(by.arn), name=name)
    assert iam.get_role(RoleName=name)["Role"]["RoleLastUsed"] == {}


def test_the_last_use_is_known_after_a_restart(start_server):
    first = start_server()
    owner = World(first).owner
    user, session = owner.user(), owner.session()
    for one in (user, session):
        one.boto("sts").get_caller_identity()
    role = session.arn.split("/")[-2]

    def uses(iam):
        key = iam.get_access_key_last_used(AccessKeyId=user.credentials.key)["AccessKeyLastUsed"]
        return key, iam.get_role(RoleName=role)["Role"]["RoleLastUsed"]

    known = uses(owner.root.boto("iam"))
    assert known[0]["ServiceName"] == "sts" and known[1]["Region"] == "us-east-1"
    assert first.terminate() == 0
    assert uses(World(start_server(first.data_dir)).owner.root.boto("iam")) == known


def test_nobody_has_passwords_certificates_or_second_factors(owner, iam):
    name = name_in(owner.user().arn)
    rows = [
        (iam.list_mfa_devices, "MFADevices"),
        (iam.list_ssh_public_keys, "SSHPublicKeys"),
        (iam.list_signing_certificates, "Certificates"),
        (iam.list_service_specific_credentials, "ServiceSpecificCredentials"),
    ]
    for call, members in rows:
        assert without_metadata(call(UserName=name)) == {members: [], "IsTruncated": False}
        assert refusal(call, UserName="nobody") == NO_USER
    assert without_metadata(iam.list_mfa_devices()) == {"MFADevices": [], "IsTruncated": False}
    assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    text = f"Login Profile for User {name} cannot be found."
    for call in (iam.get_login_profile, iam.delete_login_profile):
        assert refusal(call, UserName=name) == (404, "NoSuchEntity", text)
        assert refusal(call, UserName="nobody") == NO_USER


# --- Roles -------------------------------------------------------------------------------------------


def test_a_role_gets_another_description_and_duration(owner, iam):
    name = name_in(owner.role())
    iam.update_role(RoleName=name, Description="What it is for", MaxSessionDuration=7200)
    shown = iam.get_role(RoleName=name)["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("What it is for", 7200)
    iam.update_role(RoleName=name, Description="")
    assert iam.get_role(RoleName=name)["Role"]["MaxSessionDuration"] == 7200, "what is not given stays"
    described = iam.update_role_description(RoleName=name, Description="Another")["Role"]
    assert (described["RoleName"], described["Description"]) == (name, "Another")
    long = refusal(iam.update_role, RoleName=name, MaxSessionDuration=43_201)
    assert long[:2] == (400, "ValidationError")
    assert refusal(iam.update_role, RoleName="nobody") == NO_ROLE
    assert refusal(iam.update_role_description, RoleName="nobody", Description="x") == NO_ROLE


def test_a_trust_policy_decides_from_its_answer_on(owner, iam):
    alice, bob = owner.user(), owner.user()
    role = owner.role(trusting(alice.arn))
    name, session = name_in(role), {"RoleArn": role, "RoleSessionName": "night-run"}
    assert alice.boto("sts").assume_role(**session)
    assert error_of(bob.boto("sts").assume_role, **session)[0] == "AccessDenied"
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trusting(bob.arn)))
    assert bob.boto("sts").assume_role(**session)
    assert error_of(alice.boto("sts").assume_role, **session)[0] == "AccessDenied"
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == trusting(bob.arn)
    refused = [("{}", (400, "MalformedPolicyDocument")), (POLICY, (400, "MalformedPolicyDocument"))]
    refused.append((json.dumps(trusting(*[bob.arn] * 60)), (409, "LimitExceeded")))
    for text, want in refused:
        assert refusal(iam.update_assume_role_policy, RoleName=name, PolicyDocument=text)[:2] == want
    assert bob.boto("sts").assume_role(**session)
    assert refusal(iam.update_assume_role_policy, RoleName="nobody", PolicyDocument=json.dumps(TRUST)) == NO_ROLE


def test_a_role_is_in_no_instance_profile(owner, iam):
    answer = without_metadata(iam.list_instance_profiles_for_role(RoleName=name_in(owner.role())))
    assert answer == {"InstanceProfiles": [], "IsTruncated": False}
    assert refusal(iam.list_instance_profiles_for_role, RoleName="nobody") == NO_ROLE


def test_a_service_linked_role_is_the_services_own(other):
    iam = other.root.boto("iam")
    made = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", Description="d")["Role"]
    name = "AWSServiceRoleForAutoScaling"
    path = "/aws-service-role/autoscaling.amazonaws.com/"
    assert (made["RoleName"], made["Path"]) == (name, path)
    assert made["Arn"] == f"arn:aws:iam::{other.id}:role{path}{name}"
    (statement,) = made["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "autoscaling.amazonaws.com"}
    text = f"Service role name {name} has been taken in this account, please try a different suffix."
    again = refusal(iam.create_service_linked_role, AWSServiceName="autoscaling.amazonaws.com")
    assert again == (400, "InvalidInput", text)
    suffixed = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="x")
    assert suffixed["Role"]["RoleName"] == f"{name}_x"
    unknown = refusal(iam.create_service_linked_role, AWSServiceName="nothing.amazonaws.com")
    assert unknown[:2] == (400, "InvalidInput")
    text = f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    document, policy = {"PolicyDocument": POLICY}, "arn:aws:iam::aws:policy/ReadOnlyAccess"
    for call, more in [
        (iam.put_role_policy, {"PolicyName": "p"} | document),
        (iam.attach_role_policy, {"PolicyArn": policy}),
        (iam.put_role_permissions_boundary, {"PermissionsBoundary": policy}),
        (iam.update_assume_role_policy, {"PolicyDocument": json.dumps(TRUST)}),
        (iam.update_role, {"MaxSessionDuration": 7200}),
        (iam.tag_role, {"Tags": [{"Key": "k", "Value": "v"}]}),
        (iam.delete_role, {}),
    ]:
        assert refusal(call, RoleName=name, **more) == (400, "UnmodifiableEntity", text), call
    assert iam.update_role_description(RoleName=name, Description="Mine")["Role"]["Description"] == "Mine"
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert re.fullmatch(rf"task{path}{name}/[0-9a-f-]{{36}}", task)
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert refusal(iam.get_role, RoleName=name)[0] == 404
    assert refusal(iam.delete_service_linked_role, RoleName=name)[:2] == (404, "NoSuchEntity")
    no_task = refusal(iam.get_service_linked_role_deletion_status, DeletionTaskId="task/1")
    assert no_task[:2] == (404, "NoSuchEntity")


def test_who_makes_a_service_linked_role_may_be_held_to_one_service(owner):
    condition = {"StringEquals": {"iam:AWSServiceName": "ecs.amazonaws.com"}}
    admin = owner.user(allow("iam:CreateServiceLinkedRole", "*", condition)).boto("iam")
    denied = error_of(admin.create_service_linked_role, AWSServiceName="rds.amazonaws.com")
    assert denied[0] == "AccessDenied"
    assert admin.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")


def test_an_ordinary_role_is_no_service_linked_one(owner, iam):
    name = name_in(owner.role())
    assert refusal(iam.delete_service_linked_role, RoleName=name)[:2] == (404, "NoSuchEntity")
    assert iam.get_role(RoleName=name)
