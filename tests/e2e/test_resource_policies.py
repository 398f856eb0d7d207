"""Whole resource policies: put, shown, deleted, mixed with grants, and what they decide.

Facts: iam.md §9.6, §10.1; aws-lambda.md §1, §2. Texts that AWS has not been recorded with are our own.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from wire import check_error, check_validation, compact, failed, longest, pattern, shortest
from world import World, allow, deny, error_of

IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"
STALE = (
    "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the "
    "latest Revision Id"
)
NOTHING = "The resource you requested does not exist."
DENIED = "AccessDeniedException"


def call(account, method, arn, body=None, query=None):
    payload = compact(body).encode() if body is not None else b""
    path = f"/2026-07-09/resource-policy/{arn.replace(':', '%3A')}"
    return account.root.wire.call(method, path, body=payload, query=query)


def whole(*statements, **head):
    return {"Version": "2012-10-17"} | head | {"Statement": list(statements)}


def granting(principal, resource, action="lambda:InvokeFunction", **more):
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource} | more


def put(account, arn, document, **parameters):
    text = document if isinstance(document, str) else json.dumps(document)
    return account.root.boto().put_resource_policy(ResourceArn=arn, Policy=text, **parameters)


def allowed(caller, function):
    try:
        caller.boto().invoke(FunctionName=function)
    except caller.boto().exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == DENIED, error
        return False
    return True


def test_a_document_is_put_shown_and_deleted(owner):
    name = owner.function()
    arn, client = owner.arn(name), owner.root.boto()
    document = whole(granting({"AWS": [owner.id, "111122223333"]}, [arn], Sid="a"), Id="mine")
    got = put(owner, arn, json.dumps(document, indent=2))
    assert got["Policy"] == compact(document)
    answer = call(owner, "GET", arn)
    want = {"Policy": compact(document), "RevisionId": got["RevisionId"]}
    assert (answer.status, answer.json) == (200, want)
    assert client.get_policy(FunctionName=name)["Policy"] == compact(document)
    assert client.get_policy(FunctionName=name)["RevisionId"] == got["RevisionId"]
    again = put(owner, arn, document)
    assert again["RevisionId"] != got["RevisionId"]
    deleted = call(owner, "DELETE", arn)
    assert (deleted.status, deleted.body) == (204, b"")
    for method in ("GET", "DELETE"):
        check_error(call(owner, method, arn), RNF, NOTHING)
    assert error_of(client.get_policy, FunctionName=name) == (RNF, NOTHING)


def test_grants_append_to_a_document_and_statements_go_by_their_ids(owner):
    name = owner.function()
    arn, client = owner.arn(name), owner.root.boto()
    first = {"Sid": "no-1", "Effect": "Deny", "Principal": "*", "Action": ["lambda:GetFunction"], "Resource": arn}
    bare = granting("*", arn)
    put(owner, arn, whole(first, bare))
    client.add_permission(
        FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    added = granting({"Service": "s3.amazonaws.com"}, arn)
    statements = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    assert statements == [first, bare, {"Sid": "s3"} | added]
    again = dict(FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction", Principal="*")
    assert error_of(client.add_permission, **again)[0] == "ResourceConflictException"
    client.remove_permission(FunctionName=name, StatementId="no-1")
    client.remove_permission(FunctionName=name, StatementId="s3")
    assert json.loads(client.get_resource_policy(ResourceArn=arn)["Policy"]) == whole(bare)
    replaced = whole(granting("*", arn, Sid="only"))
    put(owner, arn, replaced)
    assert client.get_policy(FunctionName=name)["Policy"] == compact(replaced)
    client.remove_permission(FunctionName=name, StatementId="only")
    assert error_of(client.get_resource_policy, ResourceArn=arn) == (RNF, NOTHING)


def test_function_version_and_alias_have_documents_of_their_own(owner):
    name = owner.versioned()
    for qualifier in (None, "1", "prod"):
        arn = owner.arn(name, qualifier)
        put(owner, arn, whole(granting("*", arn, Sid=qualifier or "whole")))
    for qualifier in (None, "1", "prod"):
        arn = owner.arn(name, qualifier)
        shown = json.loads(call(owner, "GET", arn).json["Policy"])
        assert shown["Statement"][0]["Sid"] == (qualifier or "whole")
    check_error(
        call(owner, "PUT", owner.arn(name, "$LATEST"), {"Policy": compact(whole(granting("*", "*")))}),
        IPV,
        "We currently do not support adding policies for $LATEST.",
    )
    for qualifier, text in (("7", "Function not found: "), ("none", "Cannot find alias arn: ")):
        arn = owner.arn(name, qualifier)
        check_error(call(owner, "PUT", arn, {"Policy": compact(whole(granting("*", "*")))}), RNF, text + arn)
        check_error(call(owner, "GET", arn), RNF, NOTHING)


def test_revisions_guard_documents(owner):
    name = owner.function()
    arn, other = owner.arn(name), "00000000-0000-0000-0000-000000000000"
    document = {"Policy": compact(whole(granting("*", arn)))}
    check_error(call(owner, "PUT", arn, document | {"RevisionId": other}), "PreconditionFailedException", STALE)
    own = owner.root.boto().get_function_configuration(FunctionName=name)["RevisionId"]
    first = call(owner, "PUT", arn, document | {"RevisionId": own}).json["RevisionId"]
    check_error(call(owner, "PUT", arn, document | {"RevisionId": own}), "PreconditionFailedException", STALE)
    second = call(owner, "PUT", arn, document | {"RevisionId": first}).json["RevisionId"]
    stale = call(owner, "DELETE", arn, query={"RevisionId": first})
    check_error(stale, "PreconditionFailedException", STALE)
    assert call(owner, "DELETE", arn, query={"RevisionId": second}).status == 204


def test_what_is_no_resource_policy_is_refused_and_changes_nothing(owner):
    name = owner.function()
    arn = owner.arn(name)
    before = put(owner, arn, whole(granting("*", arn)))["RevisionId"]
    good = granting("*", arn, Sid="s")
    without_principal = {key: value for key, value in good.items() if key != "Principal"}
    for bad in (
        "{",
        "[]",
        compact(whole()),
        compact(whole(good, good)),
        compact(whole(without_principal)),
        compact(whole(good | {"Effect": "Maybe"})),
        compact(whole(good | {"More": "x"})),
        compact(whole(good | {"Condition": {"StringMatches": {"a": "b"}}})),
        compact(whole(good) | {"Version": "2012"}),
    ):
        answer = call(owner, "PUT", arn, {"Policy": bad})
        assert (answer.status, answer.code) == (400, IPV), (bad, answer.body)
        assert answer.json["message"].startswith("The policy is not a valid resource policy: "), answer.body
    check_validation(call(owner, "PUT", arn, {"Policy": ""}), failed("", "policy", shortest(1)), failed("", "policy", pattern(r"[\s\S]+")))
    long = compact(whole(good)) + " " * 20480
    check_validation(call(owner, "PUT", arn, {"Policy": long}), failed(long, "policy", longest(20480)))
    assert call(owner, "GET", arn).json["RevisionId"] == before


def test_a_document_may_be_as_large_as_the_limit_and_leaves_no_room_then(owner):
    name = owner.function()
    arn, client = owner.arn(name), owner.root.boto()
    document = whole(granting("*", arn, Sid="s"), Id="")
    document["Id"] = "x" * (20480 - len(compact(document)))
    assert len(put(owner, arn, compact(document))["Policy"]) == 20480
    grant = dict(FunctionName=name, StatementId="more", Action="lambda:InvokeFunction", Principal="*")
    code, message = error_of(client.add_permission, **grant)
    assert code == "PolicyLengthExceededException" and "is bigger than the limit (20480)" in message


def test_documents_decide_with_deny_several_principals_and_any_condition(world, owner):
    name = owner.function()
    arn, (one, two, three) = owner.arn(name), (world.account() for _ in range(3))
    callers = [account.user(allow("lambda:InvokeFunction", arn)) for account in (one, two, three)]
    assert [allowed(caller, arn) for caller in callers] == [False, False, False]
    both = granting({"AWS": [one.id, two.id]}, arn)
    put(owner, arn, whole(both))
    assert [allowed(caller, arn) for caller in callers] == [True, True, False]
    no = {"Effect": "Deny", "Principal": {"AWS": two.id}, "Action": "lambda:*", "Resource": arn}
    put(owner, arn, whole(both, no))
    assert [allowed(caller, arn) for caller in callers] == [True, False, False]
    tagged = granting("*", arn, Condition={"StringEquals": {"aws:PrincipalAccount": [three.id, one.id]}})
    put(owner, arn, whole(tagged))
    assert [allowed(caller, arn) for caller in callers] == [True, False, True]
    late = tagged | {"Condition": tagged["Condition"] | {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}
    put(owner, arn, whole(late))
    assert [allowed(caller, arn) for caller in callers] == [False, False, False]
    own = owner.user(allow("lambda:InvokeFunction", arn))
    put(owner, arn, whole({"Effect": "Deny", "NotPrincipal": {"AWS": own.arn}, "Action": "*", "Resource": arn}))
    assert allowed(own, arn) is False, "the account's root is not left out"


def test_variables_are_those_of_the_documents_version(owner):
    name, user = owner.function(), owner.user()
    arn, username = owner.arn(name), user.arn.rsplit("/", 1)[1]
    statement = granting({"AWS": user.arn}, arn, Condition={"StringEquals": {"aws:username": "${aws:username}"}})
    put(owner, arn, whole(statement))
    assert allowed(user, name), username
    for version in ({"Version": "2008-10-17"}, {}):
        put(owner, arn, version | {"Statement": statement})
        assert not allowed(user, name), version
    put(owner, arn, whole(statement))
    assert allowed(user, name)


def test_documents_outlive_a_restart(start_server):
    server = start_server()
    owner = World(server).owner
    arn = owner.arn(owner.function(wait=False))
    document = {"Version": "2008-10-17", "Id": 'a "quoted" one', "Statement": [granting("*", arn)]}
    revision = put(owner, arn, document)["RevisionId"]
    server.kill()
    client = World(start_server()).owner.root.boto()
    got = client.get_resource_policy(ResourceArn=arn)
    assert (got["Policy"], got["RevisionId"]) == (compact(document), revision)


def test_whoever_puts_a_document_may_make_and_take_each_grant_of_it(owner):
    name, user = owner.function(), owner.user()
    arn, other = owner.arn(name), owner.arn(owner.function())
    actions = ["lambda:PutResourcePolicy", "lambda:AddPermission", "lambda:RemovePermission"]

    def tries(*statements):
        user.permit(*statements)
        document = whole(granting({"Service": "sns.amazonaws.com"}, arn), granting({"AWS": "111122223333"}, arn))
        try:
            user.boto().put_resource_policy(ResourceArn=arn, Policy=compact(document))
        except user.boto().exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == DENIED, error
            return False
        return True

    for missing in actions:
        assert not tries(allow([one for one in actions if one != missing], arn)), missing
    assert not tries(allow(actions, other))
    some = {"StringEquals": {"lambda:Principal": "sns.amazonaws.com"}}
    assert not tries(allow(actions, arn, some)), "leave to grant to one is not leave to grant to all"
    assert not tries(allow(actions, arn), deny("lambda:AddPermission", arn, some))
    every = {"StringEquals": {"lambda:Principal": ["sns.amazonaws.com", "111122223333"]}}
    none = allow("lambda:RemovePermission", arn)
    assert tries(allow(actions[:2], arn, every), none)
    assert not tries(allow(actions[:2], arn, every), allow(actions[2], arn, some)), "nor to take from one from all"
    assert tries(allow(actions, arn, every))
    get, delete = user.boto().get_resource_policy, user.boto().delete_resource_policy
    for action in ("lambda:GetResourcePolicy", "lambda:GetPolicy"):
        user.permit(allow(action, arn))
        assert error_of(get, ResourceArn=arn)[0] == DENIED
    user.permit(allow(["lambda:GetResourcePolicy", "lambda:GetPolicy"], arn))
    get(ResourceArn=arn)
    removing = ["lambda:DeleteResourcePolicy", "lambda:RemovePermission"]
    for statement in (allow(removing[0], arn), allow(removing[1], arn), allow(removing, arn, some)):
        user.permit(statement)
        assert error_of(delete, ResourceArn=arn)[0] == DENIED
    user.permit(allow(removing, arn, every))
    delete(ResourceArn=arn)


def test_a_public_document_is_warned_of(owner):
    arn = owner.arn(owner.function())
    public = call(owner, "PUT", arn, {"Policy": compact(whole(granting("*", arn)))})
    assert public.headers["x-portcullis-warning"]
    private = call(owner, "PUT", arn, {"Policy": compact(whole(granting({"AWS": owner.id}, arn)))})
    assert private.headers["x-portcullis-warning"] is None


def test_a_server_can_be_set_to_refuse_documents_that_strangers_can_use(start_server):
    owner = World(start_server(arguments=("--deny-confused-deputy",))).owner
    arn, sns = owner.arn(owner.function()), {"Service": "sns.amazonaws.com"}

    def answer(principal, condition):
        document = whole(granting(principal, arn, Condition=condition))
        return call(owner, "PUT", arn, {"Policy": compact(document)})

    for principal, condition in [
        (sns, {}),
        (sns, {"StringLike": {"aws:SourceAccount": "?*"}}),
        (sns, {"StringLike": {"aws:SourceAccount": "${aws:SourceAccount}"}}),
        (sns, {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}),
        (sns, {"StringLike": {"aws:SourceArn": "arn:*"}}),
        ("*", {}),
        ("*", {"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"}}),
        ("*", {"Bool": {"aws:PrincipalIsAWSService": "true"}}),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}}),
    ]:
        refused = answer(principal, condition)
        assert refused.status == 400, condition
        assert refused.json["message"].startswith("This server refuses grants to "), refused.body
    for principal, condition in [
        (sns, {"StringEquals": {"aws:SourceAccount": owner.id}}),
        (sns, {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{owner.id}:*"}}),
        (sns, {"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}}),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
    ]:
        assert answer(principal, condition).status == 200, condition


@pytest.mark.parametrize("arn", ["fn", "arn:aws:lambda:us-east-1:123456789012:layer:l", "arn:aws:s3:::b"])
def test_only_the_whole_arn_of_a_function_is_taken(owner, arn):
    answer = call(owner, "GET", arn)
    assert (answer.status, answer.code) == (400, "ValidationException"), answer.body
    assert f"Value '{arn}' at 'resourceArn'" in answer.json["message"]


def test_another_account_cannot_be_given_a_hand_in_it(world, owner):
    name, stranger = owner.function(), world.account()
    arn = owner.arn(name)
    put(owner, arn, whole(granting({"AWS": stranger.id}, arn, "lambda:*")))
    client = stranger.root.boto()
    assert error_of(client.get_resource_policy, ResourceArn=arn)[0] == DENIED
    assert error_of(client.delete_resource_policy, ResourceArn=arn)[0] == DENIED
    document = compact(whole(granting("*", arn)))
    assert error_of(client.put_resource_policy, ResourceArn=arn, Policy=document)[0] == DENIED


def test_of_documents_put_at_once_each_replaces_what_its_caller_saw(owner):
    arn = owner.arn(owner.function())

    def put_one(number):
        document = compact(whole(granting({"AWS": owner.id}, arn, Sid=f"s{number}")))
        return call(owner, "PUT", arn, {"Policy": document})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put_one, range(24)))
    won = [answer.json for answer in answers if answer.status == 200]
    changed = "The policy was changed by another request at the same time. Please try again."
    for answer in answers:
        if answer.status != 200:
            check_error(answer, "ResourceConflictException", changed)
    assert won and call(owner, "GET", arn).json in won


def test_a_document_is_about_functions_and_the_one_that_it_is_put_on(owner):
    name = owner.versioned()
    arn = owner.arn(name)
    good = granting("*", arn)
    for changed, why in (
        ({"Action": "s3:GetObject"}, "the action s3:GetObject is not one of Lambda's that apply to functions"),
        ({"Action": "lambda:ListLayers"}, "the action lambda:ListLayers is not one of Lambda's that apply to functions"),
        ({"Resource": "*"}, f"the resource * is not {arn}, on which the policy is put"),
        ({"Resource": f"{arn}2"}, f"the resource {arn}2 is not {arn}, on which the policy is put"),
    ):
        answer = call(owner, "PUT", arn, {"Policy": compact(whole(good | changed))})
        check_error(answer, IPV, f"The policy is not a valid resource policy: {why}")
    wrong = call(owner, "PUT", f"{arn}:1", {"Policy": compact(whole(good))})
    why = f"the resource {arn} is not {arn}:1, on which the policy is put"
    check_error(wrong, IPV, f"The policy is not a valid resource policy: {why}")
    put(owner, f"{arn}:1", whole(granting("*", f"{arn}:1")))


def at_once(account, name, removals):
    """What becomes of removals that are asked for together: `done` or the error's code."""

    def attempt(parameters):
        try:
            account.root.boto().remove_permission(FunctionName=name, **parameters)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "done"

    with ThreadPoolExecutor(len(removals)) as pool:
        return sorted(pool.map(attempt, removals))


def test_of_removals_at_once_one_finds_the_statement(owner):
    name, client = owner.function(), owner.root.boto()
    grant = {"FunctionName": name, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    for _ in range(5):
        for sid in ("gone", "kept"):
            client.add_permission(StatementId=sid, **grant)
        assert at_once(owner, name, [{"StatementId": "gone"}] * 6) == [RNF] * 5 + ["done"]
        client.remove_permission(FunctionName=name, StatementId="kept")


def test_of_removals_at_once_by_one_revision_one_succeeds(owner):
    name, client = owner.function(), owner.root.boto()
    grant = {"FunctionName": name, "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    for number in range(6):
        client.add_permission(StatementId=f"s{number}", **grant)
    revision = client.get_policy(FunctionName=name)["RevisionId"]
    removals = [{"StatementId": f"s{number}", "RevisionId": revision} for number in range(6)]
    assert at_once(owner, name, removals) == ["PreconditionFailedException"] * 5 + ["done"]
    assert len(json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]) == 5
