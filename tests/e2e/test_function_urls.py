"""Function URLs: their settings, who gets in, what the function sees, and what the client gets.

Source: facts/aws-lambda.md §7. The URL's host is sent in `Host`: names under `localhost` need not resolve.
"""

import json
from urllib.parse import urlsplit

import pytest
from server import ACCOUNT, REGION
from wire import Request, check_envelope, check_error, check_ok, check_validation, compact, failed, one_of, pattern
from wire import send, sign
from world import allow, deny, error_of, unique, wait_updated

ECHO = """
import json
def handler(event, context):
    if event.get("rawPath") == "/fail":
        raise ValueError("no")
    if event.get("rawPath") == "/say":
        return json.loads(event["body"])
    if event.get("rawPath") == "/headers":
        return {"statusCode": 200, "headers": {f"x-{number}": "" for number in range(40000)}}
    if event.get("rawPath") == "/deep":
        return json.loads("[" * 300 + "]" * 300)
    return {"statusCode": 200, "headers": {"x-own": "1"}, "body": json.dumps(event)}
"""
FORBIDDEN = (
    b'{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: '
    b'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
)
NO_RESOURCE = "The resource you requested does not exist."
NO_FUNCTION = "Function does not exist"
PUBLIC = {
    "enter": {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"},
    "invoke": {"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": True},
}


def path(function):
    return f"/2021-10-31/functions/{function}/url"


def signed_for(base, url):
    """The base that a client of the URL signs for: its host with the server's port."""
    return f"http://{urlsplit(url).hostname}:{urlsplit(base).port}"


def call(server, url, method="GET", target="/", body=b"", headers=None, by=None):
    """A request to a function URL, signed if `by` somebody."""
    request = Request(method, target, body, headers)
    host = urlsplit(signed_for(server.base, url)).netloc
    if by:
        request = sign(f"http://{host}", request, by.credentials)
    request.headers.setdefault("Host", host)
    return send(server.base, request)


def check_forbidden(answer, body=FORBIDDEN):
    assert (answer.status, answer.body) == (403, body), answer.body
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert "x-amzn-trace-id" not in answer.headers
    check_envelope(answer)


@pytest.fixture(scope="module")
def echo(owner, warm):
    return owner.versioned(code=ECHO)


def with_url(owner, function, auth="NONE", qualifier=None, **more):
    """A function's URL, made anew."""
    client = owner.root.boto()
    which = {"FunctionName": function} | ({"Qualifier": qualifier} if qualifier else {})
    try:
        client.delete_function_url_config(**which)
    except client.exceptions.ResourceNotFoundException:
        pass
    return client.create_function_url_config(**which, AuthType=auth, **more)["FunctionUrl"]


def grant(owner, function, sid, qualifier=None, **parameters):
    body = {"StatementId": sid, **parameters}
    check_ok(owner.root.wire.add_permission(function, body, qualifier), 201)


# --- Settings ---------------------------------------------------------------------------------------


def test_the_answers_have_the_members_and_the_order_of_aws(server, owner):
    name = owner.function()
    wire, port = owner.root.wire, urlsplit(server.base).port
    made = wire.call("POST", path(name), body={"AuthType": "AWS_IAM", "Cors": {"AllowOrigins": ["*"]}})
    check_ok(made, 201)
    assert list(made.json) == ["FunctionUrl", "FunctionArn", "AuthType", "Cors", "CreationTime"]
    host = urlsplit(made.json["FunctionUrl"]).hostname
    url_id, rest = host.split(".", 1)
    assert (len(url_id), rest) == (32, f"lambda-url.{REGION}.localhost")
    assert made.json["FunctionUrl"] == f"http://{host}:{port}/"
    assert made.json["FunctionArn"] == owner.arn(name)
    shown = wire.call("GET", path(name))
    check_ok(shown, 200)
    assert shown.json == made.json | {"LastModifiedTime": made.json["CreationTime"], "InvokeMode": "BUFFERED"}
    changed = wire.call("PUT", path(name), body={"AuthType": "NONE", "Cors": {}})
    check_ok(changed, 200)
    assert "InvokeMode" not in changed.json and "Cors" not in changed.json
    assert changed.json["FunctionUrl"] == made.json["FunctionUrl"]
    assert changed.json["AuthType"] == "NONE"
    check_ok(wire.call("DELETE", path(name)), 204)
    check_error(wire.call("GET", path(name)), "ResourceNotFoundException", NO_RESOURCE)


def test_a_function_and_each_alias_have_one_url(owner):
    name = owner.versioned()
    wire, client = owner.root.wire, owner.root.boto()
    client.create_alias(FunctionName=name, Name="dev", FunctionVersion="$LATEST")
    for qualifier in ("prod", None, "dev"):
        body = {"AuthType": "NONE", "InvokeMode": "BUFFERED"}
        made = wire.call("POST", path(name), {"Qualifier": qualifier}, body)
        check_ok(made, 201)
        assert made.json["InvokeMode"] == "BUFFERED"
        again = wire.call("POST", path(name), {"Qualifier": qualifier}, body)
        text = (
            f"Failed to create function url config for [functionArn = {owner.arn(name, qualifier)}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function"
        )
        check_error(again, "ResourceConflictException", text)
    pages = client.get_paginator("list_function_url_configs").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 1}
    )
    arns = [entry["FunctionArn"] for page in pages for entry in page["FunctionUrlConfigs"]]
    assert arns == [owner.arn(name), owner.arn(name, "dev"), owner.arn(name, "prod")]
    client.delete_function_url_config(FunctionName=name)
    client.delete_alias(FunctionName=name, Name="dev")
    left = client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    assert [entry["FunctionArn"] for entry in left] == [owner.arn(name, "prod")]
    client.create_alias(FunctionName=name, Name="dev", FunctionVersion="1")
    check_error(
        wire.call("GET", path(name), {"Qualifier": "dev"}), "ResourceNotFoundException", NO_RESOURCE
    )


ALIAS_PATTERN = pattern(r"((?!^\d+$)^[0-9a-zA-Z-_]+$)")


@pytest.mark.parametrize("qualifier", ["$LATEST", "1"])
def test_versions_have_no_url(owner, qualifier):
    body = {"AuthType": "NONE"}
    answer = owner.root.wire.call("POST", path(unique("missing")), {"Qualifier": qualifier}, body)
    check_validation(answer, failed(qualifier, "qualifier", ALIAS_PATTERN))


def test_bad_settings_are_refused_together(owner):
    answer = owner.root.wire.call("POST", path("f"), body={"AuthType": "X", "InvokeMode": "Y"})
    check_validation(
        answer,
        failed("X", "authType", one_of("NONE", "AWS_IAM")),
        failed("Y", "invokeMode", one_of("RESPONSE_STREAM", "BUFFERED")),
    )


def test_what_is_missing_is_told_as_aws_tells_it(owner):
    wire, name = owner.root.wire, owner.function()
    body = {"AuthType": "NONE"}
    for function, qualifier in ((unique("missing"), None), (name, "nope")):
        query = {"Qualifier": qualifier}
        for method, sent, text in (
            ("POST", body, NO_FUNCTION),
            ("PUT", body, NO_FUNCTION),
            ("GET", b"", NO_RESOURCE),
            ("DELETE", b"", NO_RESOURCE),
        ):
            check_error(wire.call(method, path(function), query, sent), "ResourceNotFoundException", text)
    check_error(wire.call("PUT", path(name), body=body), "ResourceNotFoundException", NO_RESOURCE)
    listed = wire.call("GET", path(unique("missing")) + "s")
    check_error(listed, "ResourceNotFoundException", NO_FUNCTION)


def test_who_may_configure_depends_on_the_authentication(owner):
    name = owner.function()
    only = {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
    user = owner.user(allow("lambda:*FunctionUrlConfig", owner.arn(name), only))
    assert user.wire.call("POST", path(name), body={"AuthType": "NONE"}).status == 403
    assert user.wire.call("POST", path(name), body={"AuthType": "AWS_IAM"}).status == 201
    assert user.wire.call("GET", path(name)).status == 200
    assert user.wire.call("PUT", path(name), body={"AuthType": "NONE"}).status == 403
    check_ok(owner.root.wire.call("PUT", path(name), body={"AuthType": "NONE"}), 200)
    assert user.wire.call("GET", path(name)).status == 403


# --- Who gets in ------------------------------------------------------------------------------------


def test_an_unknown_host_is_nobodys(server):
    for host in ("a" * 32, "x", "A.b"):
        answer = send(server.base, Request("GET", "/", headers={"Host": f"{host}.lambda-url.{REGION}.on.aws"}))
        check_forbidden(answer, b'{"Message":null}')


def test_a_host_is_told_whatever_its_case(server, owner, warm):
    name = owner.function(code=ECHO)
    host = urlsplit(signed_for(server.base, with_url(owner, name))).netloc
    for sid in PUBLIC:
        grant(owner, name, sid, **PUBLIC[sid])
    for case in (str.upper, str.title, str.lower):
        answer = send(server.base, Request("GET", "/", headers={"Host": case(host)}))
        assert answer.status == 200, case(host)
        told = answer.json["requestContext"]
        assert [told["domainName"], told["domainPrefix"]] == [host.split(":")[0], host.split(".")[0]]


def test_a_public_url_needs_both_grants(server, owner, warm):
    name = owner.function(code=ECHO)
    url = with_url(owner, name)
    check_forbidden(call(server, url))
    grant(owner, name, "enter", **PUBLIC["enter"])
    check_forbidden(call(server, url))
    grant(owner, name, "invoke", **PUBLIC["invoke"])
    assert call(server, url).status == 200
    owner.root.boto().remove_permission(FunctionName=name, StatementId="enter")
    check_forbidden(call(server, url))


def test_the_grant_for_urls_does_not_open_a_direct_call(server, owner, other, warm):
    name = owner.function()
    url = with_url(owner, name)
    for sid, parameters in PUBLIC.items():
        grant(owner, name, sid, **parameters)
    assert call(server, url).status == 200
    caller = other.user(allow("lambda:*", "*"))
    assert caller.wire.dry_run(owner.arn(name)).status == 403


def test_a_grant_follows_the_authentication_that_the_url_has_now(server, owner, warm):
    name = owner.function()
    url = with_url(owner, name)
    for sid, parameters in PUBLIC.items():
        grant(owner, name, sid, **parameters)
    assert call(server, url).status == 200
    owner.root.boto().update_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    nobody = owner.user()
    check_forbidden(call(server, url))
    check_forbidden(call(server, url, by=nobody))
    owner.root.boto().update_function_url_config(FunctionName=name, AuthType="NONE")
    assert call(server, url).status == 200


def test_a_grant_on_the_function_does_not_open_the_url_of_an_alias(server, owner, echo):
    url = with_url(owner, echo, qualifier="prod")
    for sid, parameters in PUBLIC.items():
        grant(owner, echo, f"function-{sid}", **parameters)
    check_forbidden(call(server, url))
    for sid, parameters in PUBLIC.items():
        grant(owner, echo, f"alias-{sid}", "prod", **parameters)
    answer = call(server, url)
    assert answer.status == 200
    own = with_url(owner, echo)
    for sid in PUBLIC:
        owner.root.boto().remove_permission(FunctionName=echo, StatementId=f"function-{sid}")
    check_forbidden(call(server, own))
    assert call(server, url).status == 200


SIGNED = [
    # Who, own policy, resource policy, let in
    ("user", (), (), False),
    ("user", ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"), (), True),
    ("user", ("lambda:InvokeFunctionUrl",), (), False),
    ("user", ("lambda:InvokeFunction",), (), False),
    ("user", (), ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"), True),
    ("user", ("lambda:InvokeFunction",), ("lambda:InvokeFunctionUrl",), True),
    ("stranger", ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"), (), False),
    ("stranger", (), ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"), False),
    (
        "stranger",
        ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"),
        ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"),
        True,
    ),
    (
        "stranger",
        ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"),
        ("lambda:InvokeFunctionUrl",),
        False,
    ),
]


@pytest.mark.parametrize(("who", "own", "granted", "let_in"), SIGNED)
def test_each_half_is_decided_by_its_own_account_rule(server, owner, other, warm, who, own, granted, let_in):
    name = owner.function()
    url = with_url(owner, name, "AWS_IAM")
    caller = (owner if who == "user" else other).user()
    if own:
        caller.permit(allow(list(own), owner.arn(name)))
    for index, action in enumerate(granted):
        grant(owner, name, f"s{index}", Action=action, Principal=caller.arn)
    answer = call(server, url, by=caller)
    if let_in:
        assert (answer.status, answer.body) == (200, b"ran"), answer.body
    else:
        check_forbidden(answer)


def test_a_deny_of_either_half_shuts_the_url(server, owner, warm):
    name = owner.function()
    url = with_url(owner, name, "AWS_IAM")
    user = owner.user(allow("lambda:*", "*"))
    assert call(server, url, by=user).status == 200
    via = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    user.permit(allow("lambda:*", "*"), deny("lambda:InvokeFunction", "*", via))
    check_forbidden(call(server, url, by=user))
    assert user.wire.dry_run(name).status == 204


def test_a_bad_signature_is_told_as_such(server, owner, warm):
    name = owner.function()
    url = with_url(owner, name, "AWS_IAM")
    check_forbidden(call(server, url))
    base = signed_for(server.base, url)
    good = sign(base, Request("GET", "/"), owner.root.credentials)
    host = urlsplit(base).netloc
    forged = good.headers["Authorization"][:-8] + "00000000"
    answer = send(server.base, Request("GET", "/", headers=good.headers | {"Authorization": forged, "Host": host}))
    assert (answer.status, answer.code) == (403, "InvalidSignatureException")
    wrong = sign(base, Request("GET", "/"), owner.root.credentials, service="execute-api")
    answer = send(server.base, Request("GET", "/", headers=wrong.headers | {"Host": host}))
    assert answer.json == {"message": "Credential should be scoped to correct service: 'lambda'. "}
    # What is signed for one URL does not open another.
    elsewhere = with_url(owner, owner.function(), "AWS_IAM")
    answer = call(server, elsewhere, headers=good.headers)
    assert (answer.status, answer.code) == (403, "InvalidSignatureException")


def test_a_url_ends_with_its_configuration_its_alias_and_its_function(server, owner, warm):
    name = owner.versioned()
    client = owner.root.boto()
    urls = [with_url(owner, name, qualifier=qualifier) for qualifier in (None, "prod")]
    for qualifier in (None, "prod"):
        for sid, parameters in PUBLIC.items():
            grant(owner, name, sid, qualifier, **parameters)
    assert [call(server, url).status for url in urls] == [200, 200]
    client.delete_alias(FunctionName=name, Name="prod")
    check_forbidden(call(server, urls[1]))
    client.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    assert error_of(client.get_function_url_config, FunctionName=name, Qualifier="prod")[0] == "ResourceNotFoundException"
    fresh = with_url(owner, name, qualifier="prod")
    check_forbidden(call(server, urls[1]))
    again = with_url(owner, name)
    check_forbidden(call(server, urls[0]), b'{"Message":null}')
    assert again != urls[0]
    assert call(server, again).status == 200
    client.delete_function(FunctionName=name)
    for url in (again, fresh, *urls):
        check_forbidden(call(server, url), b'{"Message":null}')


def test_urls_outlive_the_server(start_warm_server, tmp_path):
    from world import World

    server = start_warm_server()
    owner = World(server).owner
    name = owner.function()
    url = with_url(owner, name, Cors={"AllowOrigins": ["*"], "MaxAge": 5})
    for sid, parameters in PUBLIC.items():
        grant(owner, name, sid, **parameters)
    aliased = owner.versioned()
    former = with_url(owner, aliased, qualifier="prod")
    owner.root.boto().delete_alias(FunctionName=aliased, Name="prod")
    server.kill()
    again = start_warm_server()
    assert call(again, url).status == 200
    check_forbidden(call(again, former))
    shown = World(again).owner.root.boto().get_function_url_config(FunctionName=name)
    assert shown["Cors"] == {"AllowOrigins": ["*"], "MaxAge": 5}


def test_the_old_rule_is_behind_its_switch(start_warm_server):
    from world import World

    server = start_warm_server(PORTCULLIS_FUNCTION_URL_SINGLE_GRANT="true")
    owner = World(server).owner
    name = owner.function()
    url = with_url(owner, name)
    check_forbidden(call(server, url))
    grant(owner, name, "enter", **PUBLIC["enter"])
    assert call(server, url).status == 200


# --- What the function sees -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def public(owner, warm):
    name = owner.function(code=ECHO)
    url = with_url(owner, name, Cors={"AllowOrigins": ["https://a.example"], "AllowMethods": ["PUT"], "MaxAge": 60})
    for sid, parameters in PUBLIC.items():
        grant(owner, name, sid, **parameters)
    return url


def test_the_event_tells_the_request(server, public):
    headers = {"X-One": "a", "Cookie": "c1=v; c2=w", "Content-Type": "text/plain", "User-Agent": "agent"}
    headers |= {"Connection": "keep-alive", "TE": "trailers"}
    answer = call(server, public, "POST", "/a%2Fb/c?p=1&p=2&q=x%20y", b"hi", headers)
    assert answer.status == 200
    assert answer.headers["x-own"] == "1"
    event = answer.json
    host = urlsplit(public).hostname
    assert event["version"] == "2.0"
    assert (event["routeKey"], event["rawPath"], event["rawQueryString"]) == ("$default", "/a%2Fb/c", "p=1&p=2&q=x%20y")
    assert event["queryStringParameters"] == {"p": "1,2", "q": "x y"}
    assert (event["cookies"], event["headers"]["cookie"]) == (["c1=v", "c2=w"], "c1=v; c2=w")
    assert (event["body"], event["isBase64Encoded"]) == ("hi", False)
    assert event["headers"]["x-one"] == "a"
    assert not {"connection", "te"} & event["headers"].keys()
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert event["headers"]["x-amzn-trace-id"].startswith("Root=1-")
    context = event["requestContext"]
    assert (context["accountId"], context["apiId"]) == ("anonymous", host.split(".")[0])
    assert (context["domainName"], context["domainPrefix"]) == (host, host.split(".")[0])
    assert context["http"] == {
        "method": "POST",
        "path": "/a%2Fb/c",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "agent",
    }
    assert context["requestId"] == answer.headers["x-amzn-requestid"]
    assert "authorizer" not in context
    assert (context["stage"], context["routeKey"]) == ("$default", "$default")


def test_bytes_travel_in_base64_and_nothing_as_nothing(server, public):
    event = call(server, public, "PUT", "/", b"\xff\x00", {"Content-Type": "application/octet-stream"}).json
    assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)
    event = call(server, public).json
    assert not {"body", "cookies", "queryStringParameters"} & event.keys()
    assert event["isBase64Encoded"] is False


def test_the_event_tells_who_signed(server, owner, warm):
    name = owner.function(code=ECHO)
    url = with_url(owner, name, "AWS_IAM")
    user = owner.user(allow("lambda:*", "*"))
    context = call(server, url, by=user).json["requestContext"]
    signer = context["authorizer"]["iam"]
    assert signer["userArn"] == user.arn
    assert (signer["accountId"], signer["accessKey"]) == (ACCOUNT, user.credentials.key)
    assert signer["userId"].startswith("AIDA") and signer["callerId"] == signer["userId"]
    assert context["accountId"] == ACCOUNT


def test_a_signature_is_kept_from_the_function(server, owner, public, warm):
    """It could show it again. What is in `Authorization` of a public URL is between the two."""
    name = owner.function(code=ECHO)
    url = with_url(owner, name, "AWS_IAM")
    headers = call(server, url, by=owner.user(allow("lambda:*", "*"))).json["headers"]
    assert "authorization" not in headers and "x-amz-date" in headers
    bearer = {"Authorization": "Bearer of.this.one"}
    assert call(server, public, headers=bearer).json["headers"]["authorization"] == "Bearer of.this.one"


# --- What the client gets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "status", "body"),
    [
        ({"statusCode": "204"}, 204, b""),
        ({"statusCode": 201, "body": {"a": 1}}, 201, b'{"a": 1}'),
        ({"a": [1]}, 200, b'{"a":[1]}'),
        ([12345678901234567890123], 200, b"[12345678901234567890123]"),
        ("text", 200, b"text"),
        (5, 200, b"5"),
        ({"statusCode": 9}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "headers": {"a": "b\r\nset-cookie: c=d"}}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "headers": {"a\r\nset-cookie": "c=d"}}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "headers": {"a": "b\nc"}}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "headers": {"a": "b\0c"}}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "cookies": ["a=b\r\nset-cookie: c=d"]}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "headers": {"Content-Length": "9", "Transfer-Encoding": "chunked"}, "body": "x"}, 200, b"x"),
    ],
)
def test_what_the_function_returns_is_the_answer(server, public, returned, status, body):
    headers = {"Content-Type": "application/json"}
    answer = call(server, public, "POST", "/say", compact(returned).encode(), headers)
    got = json.loads(answer.body) if body.startswith(b"{") else answer.body
    assert (answer.status, got) == (status, json.loads(body) if body.startswith(b"{") else body)
    assert answer.headers["set-cookie"] is None


def test_a_function_that_fails_is_a_bad_gateway(server, public):
    answer = call(server, public, target="/fail")
    assert (answer.status, answer.body) == (502, b"Internal Server Error")
    assert answer.headers["x-amzn-requestid"]


def test_an_answer_may_be_deep_but_not_have_headers_without_end(server, public):
    assert call(server, public, target="/deep").body == b"[" * 300 + b"]" * 300
    answer = call(server, public, target="/headers")
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_preflight_is_answered_without_a_call(server, public):
    asking = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    answer = call(server, public, "OPTIONS", headers=asking)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    assert answer.headers["access-control-allow-methods"] == "PUT"
    assert answer.headers["access-control-max-age"] == "60"
    other = call(server, public, "OPTIONS", headers=asking | {"Origin": "https://b.example"})
    assert other.status == 200 and "access-control-allow-origin" not in other.headers
    named = call(server, public, headers={"Origin": "https://a.example"})
    assert named.headers["access-control-allow-origin"] == "https://a.example"
    own = compact({"statusCode": 200, "headers": {"Vary": "Accept", "Access-Control-Allow-Origin": "*"}}).encode()
    said = call(server, public, "POST", "/say", own, {"Origin": "https://a.example", "Content-Type": "text/plain"})
    assert said.headers.get_all("vary") == ["Accept", "Origin"]
    assert said.headers.get_all("access-control-allow-origin") == ["https://a.example"]
    assert "access-control-allow-origin" not in call(server, public).headers


def test_a_url_is_no_tunnel(server, public):
    """Any 2xx to `CONNECT` would say that it is one."""
    check_forbidden(call(server, public, "CONNECT"), b'{"Message":null}')


def test_a_payload_has_its_limit(server, public):
    headers = {"Content-Type": "text/plain"}
    assert call(server, public, "POST", "/", b"x" * (6 * 1024 * 1024 + 1), headers).status == 413


def test_a_new_function_is_waited_for(server, owner, warm):
    name = owner.function(wait=False)
    url = with_url(owner, name)
    for sid, parameters in PUBLIC.items():
        grant(owner, name, sid, **parameters)
    assert call(server, url).status == 200
    owner.root.boto().update_function_configuration(FunctionName=name, Timeout=9)
    wait_updated(owner.root.boto(), name)
    assert call(server, url).status == 200
