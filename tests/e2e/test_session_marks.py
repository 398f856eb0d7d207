"""Session tags and source identities: who may mark a session, what the marks decide, what is inherited."""

import json


from server import ACCOUNT
from wire import Credentials
from world import Member, allow, boto, document, error_of, unique

MARKING = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]


def trust(arn, actions=MARKING, condition=None):
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": actions}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


def tags(**pairs):
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def assumed(by, role_arn, **marks):
    answer = by.boto("sts").assume_role(RoleArn=role_arn, RoleSessionName="marked", **marks)
    got = answer["Credentials"]
    credentials = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    role = role_arn.rsplit("/", 1)[1]
    arn = answer["AssumedRoleUser"]["Arn"]
    return answer, Member(by.base, arn, credentials, by.region, account=by.account, role=role)


def lists_roles(member):
    try:
        return bool(member.boto("iam").list_roles())
    except Exception as error:
        assert "AccessDenied" in str(error), error
        return False


def test_session_tags_decide_before_those_of_the_role(owner, iam):
    by = owner.user()
    arn = owner.role(trust(by.arn))
    name = arn.rsplit("/", 1)[1]
    iam.tag_role(RoleName=name, Tags=tags(Team="blue", Cost="1"))
    is_red = {"StringEquals": {"aws:PrincipalTag/Team": "red", "aws:PrincipalTag/Cost": "1"}}
    answer, red = assumed(by, arn, Tags=tags(team="red"))
    assert 0 < answer["PackedPolicySize"] <= 100
    red.permit(allow("iam:ListRoles", "*", is_red))
    assert lists_roles(red), "its own tag, and the role's other one"
    assert not lists_roles(assumed(by, arn)[1]), "a session without is the role's blue"


def test_who_marks_a_session_needs_leave_of_the_role(owner):
    by = owner.user()
    arn = owner.role(trust(by.arn, ["sts:AssumeRole"]))
    for action, marks in {
        "sts:TagSession": {"Tags": tags(Team="red")},
        "sts:SetSourceIdentity": {"SourceIdentity": "alice"},
    }.items():
        code, text = error_of(by.boto("sts").assume_role, RoleArn=arn, RoleSessionName="marked", **marks)
        assert code == "AccessDenied" and action in text, text
    assert assumed(by, arn)[0]["AssumedRoleUser"]


def test_a_role_may_say_with_which_marks_it_is_assumed(owner):
    by = owner.user()
    condition = {
        "StringEquals": {"aws:RequestTag/Team": ["red", "blue"], "sts:SourceIdentity": "alice"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"], "sts:TransitiveTagKeys": ["Team"]},
    }
    arn = owner.role(trust(by.arn, condition=condition))
    good = {"Tags": tags(Team="red"), "SourceIdentity": "alice", "TransitiveTagKeys": ["Team"]}
    assert assumed(by, arn, **good)[0]["SourceIdentity"] == "alice"
    for change in (
        {"Tags": tags(Team="green")},
        {"Tags": tags(Team="red", More="x")},
        {"SourceIdentity": "bob"},
        {"Tags": tags(Team="red", More="x"), "TransitiveTagKeys": ["More"]},
    ):
        refused = error_of(by.boto("sts").assume_role, RoleArn=arn, RoleSessionName="marked", **good | change)
        assert refused[0] == "AccessDenied", change


def test_a_federated_user_is_tagged_before_its_user(owner, iam):
    is_red = {"StringEquals": {"aws:PrincipalTag/Team": "red", "aws:PrincipalTag/Cost": "1"}}
    only_teams = {"StringEquals": {"aws:RequestTag/Team": ["red", "green"]}}
    user = owner.user(
        allow("sts:GetFederationToken", "*"),
        allow("sts:TagSession", f"arn:aws:sts::{ACCOUNT}:federated-user/Susan", only_teams),
        allow("lambda:ListFunctions", "*", is_red),
    )
    iam.tag_user(UserName=user.arn.rsplit("/", 1)[1], Tags=tags(Team="blue", Cost="1"))
    make = user.boto("sts").get_federation_token

    def lists(**marks):
        answer = make(Name="Susan", Policy=document(allow("*", "*")), **marks)
        got = answer["Credentials"]
        credentials = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
        try:
            return "Functions" in boto(owner.base, "lambda", credentials).list_functions()
        except Exception as error:
            assert "AccessDenied" in str(error), error
            return False

    assert lists(Tags=tags(team="red")), "its own tag, and its user's other one"
    assert not lists(), "without, it is its user's blue"
    assert not lists(Tags=tags(Team="green"))
    for refused in ({"Tags": tags(Team="blue")}, {"Tags": tags(Other="red")}):
        code, text = error_of(make, Name="Susan", **refused)
        assert code == "AccessDenied" and "sts:TagSession" in text, text
    assert error_of(make, Name="Bob", Tags=tags(Team="red"))[0] == "AccessDenied", "another federated user"
    full = {"Policy": document(allow("*", "*")) + " " * 1_900, "Tags": tags(Team="red", **{f"K{n}": "v" * 200 for n in range(20)})}
    assert error_of(owner.root.boto("sts").get_federation_token, Name="Susan", **full)[0] == "PackedPolicyTooLarge"


def test_the_next_role_inherits_what_is_transitive_and_for_whom_it_is(owner):
    by = owner.user()
    first = owner.role(trust(by.arn))
    second = owner.role(trust(first))
    marks = {"Tags": tags(Team="red", Own="x"), "TransitiveTagKeys": ["Team"], "SourceIdentity": "alice"}
    one = assumed(by, first, **marks)[1].permit(allow(MARKING, second))
    answer, two = assumed(one, second, Tags=tags(Own="y"))
    assert answer["SourceIdentity"] == "alice"
    inherited = {"aws:PrincipalTag/Team": "red", "aws:PrincipalTag/Own": "y", "aws:SourceIdentity": "alice"}
    two.permit(allow("iam:ListRoles", "*", {"StringEquals": inherited}))
    assert lists_roles(two)

    def refused(**marks):
        return error_of(one.boto("sts").assume_role, RoleArn=second, RoleSessionName="marked", **marks)

    conflict = (
        "One of the specified transitive tag keys can't be set because it conflicts with a "
        "transitive tag key from the calling session."
    )
    assert refused(Tags=tags(team="blue")) == ("InvalidParameterValue", conflict)
    assert refused(SourceIdentity="bob")[0] == "ValidationError"
    assert assumed(one, second, SourceIdentity="alice")[0]["SourceIdentity"] == "alice"

    deaf = owner.role(trust(first, ["sts:AssumeRole"]))
    one.permit(allow(MARKING, [second, deaf]))
    code, text = error_of(one.boto("sts").assume_role, RoleArn=deaf, RoleSessionName="marked")
    assert code == "AccessDenied" and "sts:TagSession" in text, "inherited marks need leave, too"


def test_marks_that_are_none_are_refused(owner):
    by = owner.user()
    arn = owner.role(trust(by.arn))

    def refused(**marks):
        return error_of(by.boto("sts").assume_role, RoleArn=arn, RoleSessionName="marked", **marks)

    missing = "The specified transitive tag key must be included in the requested tags."
    assert refused(TransitiveTagKeys=["Team"]) == ("InvalidParameterValue", missing)
    assert refused(Tags=tags(Team="a", team="b"))[0] == "InvalidInput"
    assert refused(SourceIdentity="no blanks")[0] == "ValidationError"
    assert refused(Tags=tags(**{f"k{number}": "v" * 60 for number in range(40)}))[0] == "PackedPolicyTooLarge"


def test_marks_outlive_a_restart(start_server):
    server = start_server()
    iam, name = boto(server.base, "iam", server.root), unique("user")
    user = iam.create_user(UserName=name)["User"]
    key = iam.create_access_key(UserName=name)["AccessKey"]


    role = iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps(trust(user["Arn"])))["Role"]
    only = {"Version": "2012-10-17", "Statement": allow("iam:ListRoles", "*", {"StringEquals": {"aws:SourceIdentity": "alice", "aws:PrincipalTag/T": "1"}})}
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="p", PolicyDocument=json.dumps(only))
    sts = boto(server.base, "sts", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    got = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="marked", SourceIdentity="alice", Tags=tags(T="1"))["Credentials"]
    server.terminate()
    again = start_server(server.data_dir)
    session = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    assert boto(again.base, "iam", session).list_roles()["Roles"]
    assert ACCOUNT in boto(again.base, "sts", session).get_caller_identity()["Arn"]
