"""What the host of a function URL answers when it lets nobody in, and what a URL cannot be set to: to the byte.

Facts: aws-lambda.md §5.4, §7.1, §7.3, §9.4. Who is let in is in test_function_urls.py.
"""

import datetime
import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from server import REGION
from test_function_urls import FORBIDDEN, PUBLIC, call, check_forbidden, grant, path, signed_for, with_url
from wire import Request, check_envelope, check_error, check_validation, failed, longest, send, sign
from world import unique

INVALID = "InvalidSignatureException"
FORGED = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
    "Key and signing method. Consult the service documentation for details."
)
UNKNOWN = "The security token included in the request is invalid."


@pytest.fixture(scope="module")
def signed_url(owner):
    """The URL of a function that asks for signatures."""
    return with_url(owner, owner.function(), "AWS_IAM")


def knock(server, url, credentials, change=lambda request: request, **how):
    """The answer to a request that is signed, then changed."""
    base = signed_for(server.base, url)
    request = sign(base, Request("GET", "/"), credentials, **how)
    request.headers["Host"] = urlsplit(base).netloc
    return send(server.base, change(request))


def with_authorization(value):
    return lambda request: replace(request, headers=request.headers | {"Authorization": value})


def test_nobody_is_let_in_unsigned(server, owner, signed_url):
    assert len(FORBIDDEN) == 144, "as recorded"
    check_forbidden(call(server, signed_url))
    check_forbidden(call(server, signed_url, by=owner.user()))
    check_forbidden(call(server, with_url(owner, owner.function()), "POST", "/any?where=1", b"{}"))


def test_a_key_a_secret_and_a_token_that_are_not_right_are_told_apart(server, owner, signed_url):
    root, session = owner.root.credentials, owner.session().credentials
    another = owner.session().credentials.token
    for wrong in (
        replace(root, key="AKIANOSUCHKEY0000000"),
        replace(session, token=None),
        replace(session, token=another),
        replace(session, token=session.token[:-1]),
    ):
        check_error(knock(server, signed_url, wrong), "UnrecognizedClientException", UNKNOWN)
    for wrong in (replace(root, secret="x"), replace(session, secret="x")):
        check_error(knock(server, signed_url, wrong), INVALID, FORGED)


def test_a_scope_of_another_service_or_region_is_told(server, owner, signed_url):
    root = owner.root.credentials
    service = "Credential should be scoped to correct service: 'lambda'. "
    for other in ("execute-api", "s3", "Lambda"):
        check_error(knock(server, signed_url, root, service=other), INVALID, service)
    region = "Credential should be scoped to a valid region, not 'eu-west-1'. "
    check_error(knock(server, signed_url, root, region="eu-west-1"), INVALID, region)


def test_a_clock_that_is_off_is_told_by_how_much(server, owner, signed_url):
    form = re.compile(r"Signature (expired|not yet current): \S+ is (now earlier|still later) than \S+ \(\S+ [-+] 5 min\.\)\Z")
    for minutes, word in ((-6, "expired"), (6, "not yet current")):
        answer = knock(server, signed_url, owner.root.credentials, at=datetime.timedelta(minutes=minutes))
        text = answer.json["message"]
        check_error(answer, INVALID, text)
        assert form.match(text)[1] == word


MISSING = [f"Authorization header requires '{name}' parameter. " for name in ("Credential", "Signature", "SignedHeaders")]
DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
# (the header, the sentences)
UNREADABLE = [
    ("AWS4-HMAC-SHA256", MISSING),
    ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0", MISSING[:1]),
    ("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host", MISSING[1:2]),
    ("AWS4-HMAC-SHA256 Credential=a, Signature=0", MISSING[2:]),
]  # fmt: skip


@pytest.mark.parametrize(("header", "sentences"), UNREADABLE)
@pytest.mark.parametrize("dated", [True, False])
def test_an_authorization_that_cannot_be_read_says_what_it_lacks(server, owner, signed_url, header, sentences, dated):
    """At a function URL and at the API alike."""

    def spoil(request):
        spoiled = with_authorization(header)(request)
        dateless = {name: value for name, value in spoiled.headers.items() if name.lower() != "x-amz-date"}
        return spoiled if dated else replace(spoiled, headers=dateless)

    text = "".join(sentences) + ("" if dated else DATE) + f"Authorization={header}"
    root = owner.root.credentials
    check_error(knock(server, signed_url, root, spoil), "IncompleteSignatureException", text)
    request = sign(server.base, Request("GET", "/2015-03-31/functions"), root)
    check_error(send(server.base, spoil(request)), "IncompleteSignatureException", text)


def test_a_signature_without_a_date_is_incomplete(server, owner, signed_url):
    def undated(request):
        return replace(request, headers={k: v for k, v in request.headers.items() if k.lower() != "x-amz-date"})

    answer = knock(server, signed_url, owner.root.credentials, undated)
    text = answer.json["message"]
    check_error(answer, "IncompleteSignatureException", text)
    assert text.startswith(f"{DATE}Authorization=AWS4-HMAC-SHA256 Credential=")


@pytest.mark.parametrize("host", ["a" * 32, "0" * 32, "a" * 31, "a" * 33, "A" * 32])
def test_a_host_that_is_no_url_of_anybody_says_nothing(server, owner, host):
    name = f"{host}.lambda-url.{REGION}.on.aws"
    check_forbidden(send(server.base, Request("GET", "/", headers={"Host": name})), b'{"Message":null}')
    signed = sign(f"http://{name}", Request("GET", "/"), owner.root.credentials)
    answer = send(server.base, replace(signed, headers=signed.headers | {"Host": name}))
    check_forbidden(answer, b'{"Message":null}')


# --- Of the function ---------------------------------------------------------------------------------


def public(owner, name):
    url = with_url(owner, name)
    for sid, parameters in PUBLIC.items():
        grant(owner, name, sid, **parameters)
    return url


@pytest.mark.usefixtures("warm")
def test_a_function_with_nothing_reserved_for_it_is_throttled(server, owner):
    name = owner.function()
    url = public(owner, name)
    owner.root.boto().put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    answer = call(server, url)
    body = b'{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}'
    assert (answer.status, answer.code, answer.body) == (429, "TooManyRequestsException", body)
    assert answer.headers["retry-after"]
    check_envelope(answer)


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    "code",
    [
        "def handler(event, context):\n    raise ValueError('no')\n",
        "import time\ndef handler(event, context):\n    time.sleep(20)\n",
        "import os\ndef handler(event, context):\n    os._exit(3)\n",
        "raise ValueError('at import')\n",
        "def handler(event, context):\n    return {'statusCode': 'many'}\n",
        "def handler(event, context):\n    return {'statusCode': 200, 'headers': {'x y': '1'}}\n",
    ],
    ids=["raises", "sleeps", "ends", "does not load", "bad status", "bad header"],
)
def test_a_function_that_gives_no_answer_is_a_bad_gateway(server, owner, code):
    answer = call(server, public(owner, owner.function(code, Timeout=1)))
    assert (answer.status, answer.body) == (502, b"Internal Server Error"), answer.body
    check_envelope(answer)


# --- Settings ----------------------------------------------------------------------------------------

def listed(values):
    return f"[{', '.join(values)}]"


LONG_ORIGIN, LONG_HEADER = f"https://{'a' * 250}", "h" * 1025
ORIGINS, HEADERS = [f"https://{n}.example" for n in range(101)], [f"x-{n}" for n in range(101)]
# (Cors, the value and the member at fault, the constraint or its beginning)
CORS = [
    ({"AllowOrigins": ORIGINS}, listed(ORIGINS), "allowOrigins", longest(100)),
    ({"AllowHeaders": HEADERS}, listed(HEADERS), "allowHeaders", longest(100)),
    ({"ExposeHeaders": HEADERS}, listed(HEADERS), "exposeHeaders", longest(100)),
    ({"AllowMethods": ["GET"] * 7}, listed(["GET"] * 7), "allowMethods", longest(6)),
    ({"MaxAge": 86_401}, "86401", "maxAge", "Member must have value less than or equal to 86400"),
    ({"MaxAge": -1}, "-1", "maxAge", "Member must have value greater than or equal to 0"),
    ({"AllowOrigins": [LONG_ORIGIN]}, listed([LONG_ORIGIN]), "allowOrigins", "Member must satisfy constraint: ["),
    ({"AllowOrigins": [""]}, "[]", "allowOrigins", "Member must satisfy constraint: ["),
    ({"AllowHeaders": [LONG_HEADER]}, listed([LONG_HEADER]), "allowHeaders", "Member must satisfy constraint: ["),
    ({"ExposeHeaders": [LONG_HEADER]}, listed([LONG_HEADER]), "exposeHeaders", "Member must satisfy constraint: ["),
    ({"AllowMethods": ["OPTIONS"]}, "[OPTIONS]", "allowMethods", "Member must satisfy constraint: ["),
]  # fmt: skip


@pytest.mark.parametrize(("cors", "value", "member", "constraint"), CORS)
def test_a_cors_configuration_has_its_limits(owner, cors, value, member, constraint):
    name = owner.function(wait=False)
    made = owner.root.wire.call("POST", path(name), body={"AuthType": "NONE", "Cors": cors})
    begun = failed(value, f"cors.{member}", constraint)
    if constraint.endswith("["):
        assert (made.status, made.code) == (400, "ValidationException"), made.body
        assert made.json["message"].startswith(f"1 validation error detected: {begun}"), made.body
        assert made.json["message"].endswith("Member must not be null]"), made.body
    else:
        check_validation(made, begun)
    assert owner.root.wire.call("GET", path(name)).status == 404
    owner.root.boto().create_function_url_config(FunctionName=name, AuthType="NONE", Cors={"MaxAge": 1})
    before = owner.root.wire.call("GET", path(name)).body
    assert owner.root.wire.call("PUT", path(name), body={"Cors": cors}).body == made.body
    assert owner.root.wire.call("GET", path(name)).body == before


def test_a_list_of_urls_has_pages_of_at_most_50(owner):
    listing = f"{path(unique('missing'))}s"
    for size, word, limit in ((0, "greater", 1), (51, "less", 50)):
        refused = failed(str(size), "maxItems", f"Member must have value {word} than or equal to {limit}")
        check_validation(owner.root.wire.call("GET", listing, {"MaxItems": size}), refused)
