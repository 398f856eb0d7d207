"""SimulateCustomPolicy, SimulatePrincipalPolicy and the context keys: the engine's answers in IAM's words."""

import json

import pytest

from server import ACCOUNT
from test_identity import name_in, refusal, without_metadata
from world import allow, deny, document, error_of, trusting, unique

BUCKET = "arn:aws:s3:::bucket/*"
ALLOW = document(allow("s3:Get*", BUCKET), deny("s3:GetObjectAcl", "*"))


def results(answer):
    return [(one["EvalActionName"], one["EvalResourceName"], one["EvalDecision"]) for one in answer["EvaluationResults"]]


def test_every_action_is_decided_on_every_resource_and_on_all(iam):
    resources = ["arn:aws:s3:::bucket/key", "arn:aws:s3:::other/key"]
    answer = iam.simulate_custom_policy(
        PolicyInputList=[ALLOW], ActionNames=["s3:GetObject", "s3:GetObjectAcl"], ResourceArns=resources
    )
    assert results(answer) == [("s3:GetObject", "*", "implicitDeny"), ("s3:GetObjectAcl", "*", "explicitDeny")]
    specific = [
        [(one["EvalResourceName"], one["EvalResourceDecision"]) for one in result["ResourceSpecificResults"]]
        for result in answer["EvaluationResults"]
    ]
    assert specific == [
        list(zip(resources, ["allowed", "implicitDeny"])),
        list(zip(resources, ["explicitDeny", "explicitDeny"])),
    ]
    first, second = answer["EvaluationResults"]
    assert list(first) == [
        "EvalActionName",
        "EvalResourceName",
        "EvalDecision",
        "MatchedStatements",
        "MissingContextValues",
        "EvalDecisionDetails",
        "ResourceSpecificResults",
    ]
    allowed, silent = first["ResourceSpecificResults"]
    assert first["MatchedStatements"] == silent["MatchedStatements"] == []
    assert len(allowed["MatchedStatements"]) == len(second["MatchedStatements"]) == 1, "each statement once"
    alone = iam.simulate_custom_policy(PolicyInputList=[ALLOW], ActionNames=["s3:GetObject"])
    assert results(alone) == [("s3:GetObject", "*", "implicitDeny")]
    assert list(alone["EvaluationResults"][0])[3:] == ["MatchedStatements", "MissingContextValues"]


def test_a_statement_that_decides_is_named_by_its_place(iam):
    text = json.dumps(json.loads(ALLOW), indent=2)
    lines = text.split("\n")
    answer = iam.simulate_custom_policy(
        PolicyInputList=[document(allow("s3:List*", "*")), text],
        ActionNames=["s3:GetObject", "s3:GetObjectAcl", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::bucket/key"],
    )
    (allowed,), (denied,), none = (one["MatchedStatements"] for one in answer["EvaluationResults"])
    assert allowed["SourcePolicyId"] == denied["SourcePolicyId"] == "PolicyInputList.2"
    assert allowed["SourcePolicyType"] == "none" and none == []
    for statement, begins in ((allowed, "Allow"), (denied, "Deny")):
        start, end = statement["StartPosition"], statement["EndPosition"]
        cut = lines[start["Line"] - 1 : end["Line"]]
        cut[-1] = cut[-1][: end["Column"] - 1]
        cut[0] = cut[0][start["Column"] - 1 :]
        assert json.loads("\n".join(cut))["Effect"] == begins


def test_a_missing_context_value_is_named_and_a_given_one_decides(iam):
    condition = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "Bool": {"AWS:SecureTransport": "true"}}
    policy = document(allow("s3:*", "arn:aws:s3:::${aws:username}/*", condition))

    def simulate(*entries):
        answer = iam.simulate_custom_policy(
            PolicyInputList=[policy],
            ActionNames=["s3:GetObject"],
            ResourceArns=["arn:aws:s3:::alice/key"],
            ContextEntries=[
                {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": kind}
                for name, value, kind in entries
            ],
        )
        (one,) = answer["EvaluationResults"]
        return one["EvalDecision"], one["MissingContextValues"]

    given = [
        ("aws:SourceIp", "203.0.113.7", "ip"),
        ("aws:securetransport", "true", "boolean"),
        ("aws:username", "alice", "string"),
    ]
    assert simulate() == ("implicitDeny", ["AWS:SecureTransport", "aws:SourceIp", "aws:username"])
    assert simulate(*given[:2]) == ("implicitDeny", ["aws:username"])
    assert simulate(*given) == ("allowed", [])
    assert simulate(("aws:SourceIp", "198.51.100.1", "ip"), *given[1:]) == ("implicitDeny", [])
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[policy])["ContextKeyNames"]
    assert keys == ["AWS:SecureTransport", "aws:SourceIp", "aws:username"]


def test_lists_and_single_values_are_told_apart(iam):
    condition = {"ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "Cost"]}}
    policy, entry = document(allow("iam:TagUser", "*", condition)), {"ContextKeyName": "aws:TagKeys"}

    def simulate(kind, *values):
        entries = [entry | {"ContextKeyType": kind, "ContextKeyValues": list(values)}]
        parameters = {"PolicyInputList": [policy], "ActionNames": ["iam:TagUser"], "ContextEntries": entries}
        return iam.simulate_custom_policy(**parameters)["EvaluationResults"][0]["EvalDecision"]

    assert simulate("stringList", "Team") == simulate("stringList", "Team", "Cost") == "allowed"
    assert simulate("stringList", "Team", "Other") == "implicitDeny"
    entries = [entry | {"ContextKeyType": "string", "ContextKeyValues": ["a", "b"]}]
    refused = refusal(
        iam.simulate_custom_policy, PolicyInputList=[policy], ActionNames=["iam:TagUser"], ContextEntries=entries
    )
    assert refused[:2] == (400, "InvalidInput")


def test_a_boundary_and_organization_policies_cap(iam):
    everything = document(allow("*", "*"))

    def simulate(**caps):
        answer = iam.simulate_custom_policy(
            PolicyInputList=[everything], ActionNames=["s3:GetObject", "iam:ListUsers"], **caps
        )
        return [one["EvalDecision"] for one in answer["EvaluationResults"]], answer["EvaluationResults"]

    decisions, shown = simulate(PermissionsBoundaryPolicyInputList=[document(allow("s3:*", "*"))])
    assert decisions == ["allowed", "implicitDeny"]
    details = [one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for one in shown]
    assert details == [True, False]
    levels = [everything, document(allow("iam:*", "*"))]
    decisions, shown = simulate(
        OrderedOrganizationPolicyInputList=[{"ServiceControlPolicyInputList": [level]} for level in levels]
    )
    assert decisions == ["implicitDeny", "allowed"]
    assert [one["OrganizationsDecisionDetail"]["AllowedByOrganizations"] for one in shown] == [False, True]
    condition = {"Bool": {"aws:SecureTransport": "true"}}
    (denied,) = iam.simulate_custom_policy(
        PolicyInputList=[everything],
        ActionNames=["s3:GetObject"],
        ResourceArns=["arn:aws:s3:::bucket/key"],
        OrderedOrganizationPolicyInputList=[
            {"ServiceControlPolicyInputList": [everything, document(deny("s3:*", "*"), deny("*", "*", condition))]}
        ],
    )["EvaluationResults"]
    assert denied["EvalDecision"] == "explicitDeny" and "EvalDecisionDetails" not in denied
    assert denied["MatchedStatements"] == denied["MissingContextValues"] == []


def test_a_resource_policy_counts_for_its_caller_across_accounts(owner, iam):
    user = owner.user()
    function = "arn:aws:lambda:us-east-1:223456789012:function:f"
    statement = allow("lambda:InvokeFunction", function) | {"Principal": {"AWS": user.arn}}
    own = document(allow("lambda:InvokeFunction", "*"))

    def simulate(policy, resource_policy):
        answer = iam.simulate_custom_policy(
            PolicyInputList=[policy],
            ActionNames=["lambda:InvokeFunction"],
            ResourceArns=[function],
            ResourcePolicy=resource_policy,
            CallerArn=user.arn,
        )
        (one,) = answer["EvaluationResults"]
        kinds = [matched["SourcePolicyType"] for matched in one["MatchedStatements"]]
        return one["EvalDecision"], one["EvalDecisionDetails"], sorted(kinds)

    sides = {"IAM Policy": "allowed", "Resource Policy": "allowed"}
    assert simulate(own, document(statement)) == ("allowed", sides, ["none", "resource"])
    foreign = document(statement | {"Principal": {"AWS": "arn:aws:iam::999999999999:root"}})
    half = sides | {"Resource Policy": "implicitDeny"}
    assert simulate(own, foreign) == ("implicitDeny", half, [])
    none = sides | {"IAM Policy": "implicitDeny"}
    assert simulate(document(allow("s3:*", "*")), document(statement)) == ("implicitDeny", none, [])
    missing = refusal(
        iam.simulate_custom_policy,
        PolicyInputList=[own],
        ActionNames=["lambda:InvokeFunction"],
        ResourcePolicy=document(statement),
    )
    assert missing[:2] == (400, "InvalidInput")


def test_a_principal_is_simulated_with_all_that_it_has(owner, iam):
    user, group = owner.user(allow("s3:GetObject", "*"), name=unique("user")), unique("group")
    name = name_in(user.arn)
    policy = iam.create_policy(PolicyName=unique("policy"), PolicyDocument=document(allow("sns:Publish", "*")))
    arn = policy["Policy"]["Arn"]
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document(allow("sqs:SendMessage", "*")))
    iam.add_user_to_group(GroupName=group, UserName=name)
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/AWSLambda_ReadOnlyAccess")
    actions = ["s3:GetObject", "sqs:SendMessage", "sns:Publish", "lambda:GetFunction", "ec2:RunInstances"]

    def simulate(source=user.arn, **more):
        answer = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=actions, **more)
        kinds = [one["MatchedStatements"] for one in answer["EvaluationResults"]]
        return [matched[0]["SourcePolicyType"] if matched else None for matched in kinds]

    assert simulate() == ["user", "group", "user-managed", "aws-managed", None]
    group_arn = f"arn:aws:iam::{ACCOUNT}:group/{group}"
    assert simulate(group_arn) == [None, "group", None, "aws-managed", None]
    given = document(allow("ec2:*", "*"))
    assert simulate(PolicyInputList=[given]) == ["user", "group", "user-managed", "aws-managed", "none"]
    inline = {"PolicyName": "p", "AttachmentType": "group", "AttachmentName": group}
    excluded = [{"PolicyArn": arn}, {"InlinePolicyIdentifier": inline}]
    assert simulate(PolicyExclusionList=excluded) == ["user", None, None, "aws-managed", None]
    for excluded, want in [
        ({"PolicyType": "inline"}, [None, None, "user-managed", "aws-managed", None]),
        ({"PolicyType": "user-managed"}, ["user", "group", None, "aws-managed", None]),
        ({"PolicyType": "aws-managed"}, ["user", "group", "user-managed", None, None]),
        ({"PolicyArn": arn[:-1] + "?"}, ["user", "group", None, "aws-managed", None]),
        ({"PolicyArn": arn.rsplit("/", 1)[0] + "/*"}, ["user", "group", None, "aws-managed", None]),
        ({"InlinePolicyIdentifier": inline | {"AttachmentName": "*"}}, ["user", None, "user-managed", "aws-managed", None]),
        ({"PolicyType": "rcp"}, ["user", "group", "user-managed", "aws-managed", None]),
    ]:
        assert simulate(PolicyExclusionList=[excluded]) == want, excluded
    for refused in [{"PolicyArn": "arn:aws:iam::*:policy/own"}, {"PolicyArn": arn.rsplit("/", 1)[0] + "/*x*"}]:
        ask = {"PolicySourceArn": user.arn, "ActionNames": actions, "PolicyExclusionList": [refused]}
        assert refusal(iam.simulate_principal_policy, **ask)[:2] == (400, "InvalidInput"), refused
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=arn)
    assert simulate() == [None, None, "user-managed", None, None]
    assert simulate(PolicyExclusionList=[{"PolicyType": "permission-boundary"}])[0] == "user"
    everything = document(allow("*", "*"))
    assert simulate(PermissionsBoundaryPolicyInputList=[everything])[0] == "user"
    role = owner.role(trusting(user.arn))
    iam.put_role_policy(RoleName=name_in(role), PolicyName="p", PolicyDocument=document(allow("s3:*", "*")))
    assert simulate(role) == ["role", None, None, None, None]


def test_what_is_simulated_for_a_user_is_what_is_decided(owner, iam):
    """The user's own keys count: its name in a variable, its tags in a condition."""
    name = unique("user")
    iam.create_user(UserName=name, Tags=[{"Key": "Team", "Value": "red"}])
    own = allow("iam:ListAccessKeys", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")
    team = allow("iam:ListUsers", "*", {"StringEquals": {"aws:PrincipalTag/Team": "red"}})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(own, team))
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"

    def simulate(action, resource):
        answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource])
        return answer["EvaluationResults"][0]["EvalDecision"]

    assert simulate("iam:ListAccessKeys", arn) == "allowed"
    assert simulate("iam:ListAccessKeys", arn + "x") == "implicitDeny"
    assert simulate("iam:ListUsers", "*") == "allowed"
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"]
    assert keys == ["aws:PrincipalTag/Team", "aws:username"]
    more = document(allow("s3:*", "*", {"Bool": {"aws:SecureTransport": "true"}}))
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn, PolicyInputList=[more])
    assert keys["ContextKeyNames"] == ["aws:PrincipalTag/Team", "aws:SecureTransport", "aws:username"]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_results_are_paged(iam, size):
    parameters = {
        "PolicyInputList": [ALLOW],
        "ActionNames": ["s3:GetObject", "s3:PutObject", "s3:GetObjectAcl"],
        "ResourceArns": [f"arn:aws:s3:::bucket/{number}" for number in range(3)],
    }
    whole = results(iam.simulate_custom_policy(**parameters))
    pages = list(iam.get_paginator("simulate_custom_policy").paginate(**parameters, PaginationConfig={"PageSize": size}))
    assert [one for page in pages for one in results(page)] == whole and len(whole) == 3
    assert len(pages) == -(-3 // size)


def test_a_page_has_so_many_results_that_others_need_not_wait(iam):
    """As many as a request can ask for would take minutes, and fill the memory."""
    resources = [f"arn:aws:s3:::bucket/{number}" for number in range(1_500)]
    parameters = {
        "PolicyInputList": [document(allow("s3:Get*", "*"))],
        "ActionNames": ["s3:GetObject", "s3:PutObject", "s3:GetObjectAcl"],
        "ResourceArns": resources,
    }
    pages = list(iam.get_paginator("simulate_custom_policy").paginate(**parameters))
    assert [len(page["EvaluationResults"]) for page in pages] == [2, 1]
    told = [one for page in pages for one in page["EvaluationResults"]]
    assert [one["EvalDecision"] for one in told] == ["allowed", "implicitDeny", "allowed"]
    assert all(len(one["ResourceSpecificResults"]) == len(resources) for one in told)


def test_what_cannot_be_simulated_is_named(iam, other):
    ask = {"ActionNames": ["s3:GetObject"]}
    for broken in ("{}", "{", document(allow("s3:*", "*") | {"Effect": "Perhaps"})):
        refused = refusal(iam.simulate_custom_policy, PolicyInputList=[ALLOW, broken], **ask)
        assert refused[:2] == (400, "InvalidInput") and "PolicyInputList.2" in refused[2]
        refused = refusal(iam.get_context_keys_for_custom_policy, PolicyInputList=[broken])
        assert refused[:2] == (400, "InvalidInput")
    for call in (iam.simulate_principal_policy, iam.get_context_keys_for_principal_policy):
        more = ask if call == iam.simulate_principal_policy else {}
        missing = refusal(call, PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/nobody", **more)
        assert missing == (404, "NoSuchEntity", "The user with name nobody cannot be found.")
        no_entity = f"arn:aws:iam::{ACCOUNT}:policy/p"
        text = f"Invalid Entity Arn: {no_entity} does not clearly define entity type and name."
        assert refusal(call, PolicySourceArn=no_entity, **more) == (400, "InvalidInput", text)
        theirs = f"arn:aws:iam::{other.id}:user/nobody"
        assert refusal(call, PolicySourceArn=theirs, **more)[:2] == (403, "AccessDenied")
    caller = refusal(iam.simulate_custom_policy, PolicyInputList=[ALLOW], CallerArn=f"arn:aws:iam::{ACCOUNT}:root", **ask)
    assert caller[:2] == (400, "InvalidInput")
    assert refusal(iam.simulate_custom_policy, PolicyInputList=[ALLOW], Marker="!", **ask)[:2] == (400, "ValidationError")


def test_a_simulation_tells_nothing_of_another_account(iam, other):
    """A caller of another account is supposed, not looked up: nothing of it is known."""
    stranger = other.user()
    policy = document(allow("s3:*", "*", {"StringLike": {"aws:userid": "AIDA*"}}))
    answer = iam.simulate_custom_policy(
        PolicyInputList=[policy], ActionNames=["s3:GetObject"], CallerArn=stranger.arn
    )
    (one,) = answer["EvaluationResults"]
    assert (one["EvalDecision"], one["MissingContextValues"]) == ("implicitDeny", ["aws:userid"])


def test_who_simulates_a_principal_needs_leave_for_that_one(owner):
    alice, bob = owner.user(), owner.user()
    asker = owner.user(allow("iam:SimulatePrincipalPolicy", alice.arn)).boto("iam")
    ask = {"ActionNames": ["s3:GetObject"]}
    assert without_metadata(asker.simulate_principal_policy(PolicySourceArn=alice.arn, **ask))
    assert error_of(asker.simulate_principal_policy, PolicySourceArn=bob.arn, **ask)[0] == "AccessDenied"
    assert error_of(asker.simulate_custom_policy, PolicyInputList=[ALLOW], **ask)[0] == "AccessDenied"
