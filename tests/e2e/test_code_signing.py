"""Code-signing configurations: their operations, who uses them, and what they do to unsigned code.

Facts: aws-lambda.md §4.6, §5.2, §5.3, §10. No code here is signed: Enforce refuses all of it.
"""

import base64

from server import until
from wire import check_error, check_validation, compact, failed, longest, one_of, shortest
from world import RAN, RUNTIME, World, allow, deny, error_of, wait_updated, zipped

RNF = "ResourceNotFoundException"
PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/p/0123456789"
ROOT = "/2020-04-22/code-signing-configs"


def made(account, untrusted=None, **parameters):
    policies = {"UntrustedArtifactOnDeployment": untrusted} if untrusted else None
    parameters |= {"CodeSigningPolicies": policies} if policies else {}
    publishers = {"SigningProfileVersionArns": [PROFILE]}
    created = account.root.boto().create_code_signing_config(AllowedPublishers=publishers, **parameters)
    return created["CodeSigningConfig"]


def call(account, method, rest="", body=None, query=None):
    payload = compact(body).encode() if body is not None else b""
    return account.root.wire.call(method, f"{ROOT}{rest}", body=payload, query=query)


def refused(name):
    return (
        "Lambda cannot deploy the function. The function or layer might be signed using a signature that the "
        f"client is not configured to accept. Check the provided signature for {name}."
    )


def test_a_configuration_is_made_shown_changed_and_deleted(owner):
    config = made(owner, Description="ours")
    arn, name = config["CodeSigningConfigArn"], config["CodeSigningConfigId"]
    assert arn == f"arn:aws:lambda:{owner.region}:{owner.id}:code-signing-config:{name}"
    assert name.startswith("csc-") and len(name) == 21
    assert config["Description"] == "ours" and config["LastModified"].endswith("+0000")
    assert config["AllowedPublishers"] == {"SigningProfileVersionArns": [PROFILE]}
    assert config["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Warn"}
    shown = call(owner, "GET", f"/{arn}")
    assert (shown.status, shown.json) == (200, {"CodeSigningConfig": config})
    body = {"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"}}
    changed = call(owner, "PUT", f"/{arn.replace(':', '%3A')}", body).json["CodeSigningConfig"]
    changed.pop("LastModified")
    assert changed == {k: v for k, v in config.items() if k != "LastModified"} | body
    deleted = call(owner, "DELETE", f"/{arn}")
    assert deleted.status == 204
    for method, rest, body in (("GET", "", None), ("PUT", "", {}), ("DELETE", "", None), ("GET", "/functions", None)):
        unknown = f"The Lambda code signing configuration {arn} can not be found."
        check_error(call(owner, method, f"/{arn}{rest}", body), RNF, unknown, bare=True)


def test_the_shapes_are_validated(owner):
    pattern = r"arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:code-signing-config:csc-[a-z0-9]{17}"
    bad = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-1"
    rule = f"Member must satisfy regular expression pattern: {pattern}"
    check_validation(call(owner, "GET", f"/{bad}"), failed(bad, "codeSigningConfigArn", rule))
    none = {"AllowedPublishers": {"SigningProfileVersionArns": []}}
    check_validation(
        call(owner, "POST", body=none), failed("[]", "allowedPublishers.signingProfileVersionArns", shortest(1))
    )
    many = [f"{PROFILE}{n}" for n in range(21)]
    listed = f"[{', '.join(many)}]"
    check_validation(
        call(owner, "POST", body={"AllowedPublishers": {"SigningProfileVersionArns": many}}),
        failed(listed, "allowedPublishers.signingProfileVersionArns", longest(20)),
    )
    policy = {"AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]}, "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "warn"}}
    check_validation(
        call(owner, "POST", body=policy),
        failed("warn", "codeSigningPolicies.untrustedArtifactOnDeployment", one_of("Warn", "Enforce")),
    )


def test_lists_are_paged(world):
    account = world.account()
    made_ids = sorted(made(account)["CodeSigningConfigId"] for _ in range(5))
    pages = account.root.boto().get_paginator("list_code_signing_configs").paginate(PaginationConfig={"PageSize": 2})
    assert [[one["CodeSigningConfigId"] for one in page["CodeSigningConfigs"]] for page in pages] == [
        made_ids[:2],
        made_ids[2:4],
        made_ids[4:],
    ]


def test_a_function_gets_a_configuration_and_is_listed_until_it_loses_it(owner):
    client, arn = owner.root.boto(), made(owner)["CodeSigningConfigArn"]
    names = sorted(owner.function() for _ in range(3))
    for name in names:
        put = client.put_function_code_signing_config(FunctionName=owner.arn(name), CodeSigningConfigArn=arn)
        assert (put["CodeSigningConfigArn"], put["FunctionName"]) == (arn, name)
        got = client.get_function_code_signing_config(FunctionName=name)
        assert (got["CodeSigningConfigArn"], got["FunctionName"]) == (arn, name)
    pages = client.get_paginator("list_functions_by_code_signing_config")
    listed = [
        page["FunctionArns"]
        for page in pages.paginate(CodeSigningConfigArn=arn, PaginationConfig={"PageSize": 2})
    ]
    assert listed == [[owner.arn(name) for name in names[:2]], [owner.arn(names[2])]]
    used = f"The code signing configuration {arn} is used by functions and cannot be deleted."
    check_error(call(owner, "DELETE", f"/{arn}"), "ResourceConflictException", used)
    client.delete_function_code_signing_config(FunctionName=names[0])
    client.delete_function_code_signing_config(FunctionName=names[0])
    assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(FunctionName=names[0])
    for name in names[1:]:
        client.delete_function(FunctionName=name)
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"] == []
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    missing = f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
    put = client.put_function_code_signing_config
    for name in (names[0], "missing"):
        assert error_of(put, FunctionName=name, CodeSigningConfigArn=arn) == ("CodeSigningConfigNotFoundException", missing)
    arn = made(owner)["CodeSigningConfigArn"]
    assert error_of(put, FunctionName="missing", CodeSigningConfigArn=arn) == (
        RNF,
        f"Function not found: {owner.arn('missing')}",
    )


def test_enforcing_refuses_new_code_and_leaves_the_old(owner):
    client, name = owner.root.boto(), owner.function()
    arn = made(owner, "Enforce")["CodeSigningConfigArn"]
    client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=arn)
    before = client.get_function_configuration(FunctionName=name)
    other = zipped("def handler(event, context):\n    return 'other'\n")
    body = {"ZipFile": base64.b64encode(other).decode()}
    answer = owner.root.wire.call("PUT", f"/2015-03-31/functions/{name}/code", body=compact(body).encode())
    want = compact({"Type": "User", "Message": refused(name)}).encode()
    assert (answer.status, answer.code, answer.body) == (400, "CodeVerificationFailedException", want)
    assert client.get_function_configuration(FunctionName=name)["RevisionId"] == before["RevisionId"]
    assert client.invoke(FunctionName=name)["Payload"].read() == b'"ran"'
    client.update_function_configuration(FunctionName=name, Timeout=9)
    wait_updated(client, name)
    client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"}
    )
    client.update_function_code(FunctionName=name, ZipFile=other)
    wait_updated(client, name)
    assert client.invoke(FunctionName=name)["Payload"].read() == b'"other"'


def create(client, account, name, arn):
    return client.create_function(
        FunctionName=name,
        Role=account.lambda_role,
        Runtime=RUNTIME,
        Handler="main.handler",
        Code={"ZipFile": RAN},
        CodeSigningConfigArn=arn,
    )


def test_a_function_is_made_with_a_configuration_or_refused(start_server):
    server = start_server()
    owner = World(server).owner
    client = owner.root.boto()
    enforcing, warning = (made(owner, kind)["CodeSigningConfigArn"] for kind in ("Enforce", "Warn"))
    assert error_of(create, client, owner, "enforced", enforcing) == ("CodeVerificationFailedException", refused("enforced"))
    assert error_of(client.get_function, FunctionName="enforced")[0] == RNF
    create(client, owner, "warned", warning)
    until(lambda: "nobody has signed" in server.output(), 30, "the warning in the log")
    gone = warning[:-3] + "zzz"
    assert error_of(create, client, owner, "none", gone)[0] == "CodeSigningConfigNotFoundException"
    server.kill()
    client = World(start_server()).owner.root.boto()
    assert client.get_function_code_signing_config(FunctionName="warned")["CodeSigningConfigArn"] == warning
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=warning)["FunctionArns"] == [owner.arn("warned")]


def test_both_resources_must_be_allowed_and_the_key_is_known(owner):
    name, user = owner.function(), owner.user()
    one, two = (made(owner)["CodeSigningConfigArn"] for _ in range(2))
    put = user.boto().put_function_code_signing_config
    action = "lambda:PutFunctionCodeSigningConfig"
    for statement in (allow(action, owner.arn(name)), allow(action, one)):
        user.permit(statement)
        assert error_of(put, FunctionName=name, CodeSigningConfigArn=one)[0] == "AccessDeniedException"
    user.permit(allow(action, [owner.arn(name), one]))
    put(FunctionName=name, CodeSigningConfigArn=one)
    assert error_of(put, FunctionName=name, CodeSigningConfigArn=two)[0] == "AccessDeniedException"
    key = {"ArnNotEquals": {"lambda:CodeSigningConfigArn": one}}
    user.permit(
        allow("*", "*"), deny([action, "lambda:CreateFunction"], "*", key)
    )
    put(FunctionName=name, CodeSigningConfigArn=one)
    assert error_of(put, FunctionName=name, CodeSigningConfigArn=two)[0] == "AccessDeniedException"
    assert error_of(create, user.boto(), owner, "by-user", two)[0] == "AccessDeniedException"
    create(user.boto(), owner, "by-user", one)


def test_configurations_have_tags_and_are_decided_by_them(owner):
    config = made(owner, Tags={"team": "blue"})
    arn, client, user = config["CodeSigningConfigArn"], owner.root.boto(), owner.user()
    client.tag_resource(Resource=arn, Tags={"more": "x"})
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "blue", "more": "x"}
    client.untag_resource(Resource=arn, TagKeys=["more", "unknown"])
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "blue"}
    get = user.boto().get_code_signing_config
    for team, allowed in (("blue", True), ("red", False)):
        user.permit(allow("lambda:GetCodeSigningConfig", "*", {"StringEquals": {"aws:ResourceTag/team": team}}))
        if allowed:
            get(CodeSigningConfigArn=arn)
        else:
            assert error_of(get, CodeSigningConfigArn=arn)[0] == "AccessDeniedException"
    user.permit(allow("lambda:CreateCodeSigningConfig", "*"))
    publishers = {"SigningProfileVersionArns": [PROFILE]}
    make = user.boto().create_code_signing_config
    make(AllowedPublishers=publishers)
    assert error_of(make, AllowedPublishers=publishers, Tags={"a": "b"})[0] == "AccessDeniedException"
    user.permit(allow(["lambda:CreateCodeSigningConfig", "lambda:TagResource"], "*"))
    make(AllowedPublishers=publishers, Tags={"a": "b"})
    gone = arn[:-3] + "zzz"
    assert error_of(client.list_tags, Resource=gone)[0] == RNF


def test_another_account_sees_none_of_it(world, owner):
    arn, stranger = made(owner)["CodeSigningConfigArn"], world.account()
    for operation in ("get", "update", "delete"):
        denied = error_of(getattr(stranger.root.boto(), f"{operation}_code_signing_config"), CodeSigningConfigArn=arn)
        assert denied[0] == "AccessDeniedException"
    assert stranger.root.boto().list_code_signing_configs()["CodeSigningConfigs"] == []
