"""HTTP as bytes: requests signed by botocore's own signer, sent by http.client, answers kept whole.

boto3 hides what these tests are about (the exact body, the headers, a forged signature), so they speak
HTTP themselves. Only the signature's arithmetic is borrowed from botocore, so that it is not our own.
"""

import contextlib
import datetime
import http.client
import json
import re
from dataclasses import dataclass
from unittest import mock
from urllib.parse import quote, urlencode, urlsplit

import botocore.auth
import botocore.credentials
from botocore.awsrequest import AWSRequest

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


@dataclass(frozen=True)
class Credentials:
    """An access key, with its token when it is temporary."""

    key: str
    secret: str
    token: str | None = None

    def frozen(self):
        return botocore.credentials.Credentials(self.key, self.secret, self.token)


@dataclass
class Request:
    """A request that may be signed, then spoiled, then sent."""

    method: str
    path: str
    body: bytes = b""
    headers: dict | None = None

    def __post_init__(self):
        self.headers = dict(self.headers or {})


@dataclass(frozen=True)
class Answer:
    """What came back, unread."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error code; auth-layer errors may carry a suffix after a colon."""
        return (self.headers.get("x-amzn-errortype") or "").split(":")[0]


def compact(value) -> str:
    """JSON without spaces, as the service writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def segment(text: str) -> str:
    """One path segment, percent-encoded as the SDKs do."""
    return quote(text, safe="-._~")


def with_query(path: str, query: dict | None) -> str:
    query = {key: value for key, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path


@contextlib.contextmanager
def clock(offset: datetime.timedelta):
    """The signer's clock, moved."""

    def moved(*_args, **_kwargs):
        return datetime.datetime.now(datetime.timezone.utc) + offset

    with mock.patch.object(botocore.auth, "get_current_datetime", moved):
        yield


def sign(base, request, credentials, *, service="lambda", region="us-east-1", at=datetime.timedelta()):
    """`request` with the signature headers added."""
    outgoing = AWSRequest(request.method, base + request.path, headers=dict(request.headers), data=request.body)
    with clock(at):
        botocore.auth.SigV4Auth(credentials.frozen(), service, region).add_auth(outgoing)
    return Request(request.method, request.path, request.body, dict(outgoing.headers.items()))


def presign(base, request, credentials, *, service="lambda", region="us-east-1", expires=60, at=datetime.timedelta()):
    """`request` with the signature in its query."""
    outgoing = AWSRequest(request.method, base + request.path, headers=dict(request.headers), data=request.body)
    with clock(at):
        botocore.auth.SigV4QueryAuth(credentials.frozen(), service, region, expires=expires).add_auth(outgoing)
    url = urlsplit(outgoing.url)
    return Request(request.method, f"{url.path}?{url.query}", request.body, request.headers)


def send(base, request, timeout=120) -> Answer:
    """Sends the bytes as they are: nothing is added but `Host` and `Content-Length`."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=timeout)
    try:
        own_host = any(name.lower() == "host" for name in request.headers)
        connection.putrequest(request.method, request.path, skip_host=own_host, skip_accept_encoding=True)
        if request.body or request.method in ("POST", "PUT"):
            connection.putheader("Content-Length", str(len(request.body)))
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.connect()
        # A server that refuses a body early may close its reading side: the answer is still there.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.endheaders(request.body or None)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@dataclass(frozen=True)
class Wire:
    """Signed calls by one caller to one server."""

    base: str
    credentials: Credentials
    region: str = "us-east-1"

    def call(self, method, path, query=None, body=b"", headers=None, service="lambda", timeout=120) -> Answer:
        if not isinstance(body, bytes):
            body = compact(body).encode()
        request = Request(method, with_query(path, query), body, headers)
        signed = sign(self.base, request, self.credentials, service=service, region=self.region)
        return send(self.base, signed, timeout)

    def add_permission(self, function, body, qualifier=None) -> Answer:
        path = f"/2015-03-31/functions/{segment(function)}/policy"
        return self.call("POST", path, {"Qualifier": qualifier}, body)

    def get_policy(self, function, qualifier=None) -> Answer:
        return self.call("GET", f"/2015-03-31/functions/{segment(function)}/policy", {"Qualifier": qualifier})

    def remove_permission(self, function, sid, qualifier=None, revision=None) -> Answer:
        path = f"/2015-03-31/functions/{segment(function)}/policy/{segment(sid)}"
        return self.call("DELETE", path, {"Qualifier": qualifier, "RevisionId": revision})

    def invoke(self, function, payload=b"", qualifier=None, headers=None, timeout=120) -> Answer:
        path = f"/2015-03-31/functions/{segment(function)}/invocations"
        return self.call("POST", path, {"Qualifier": qualifier}, payload, headers, timeout=timeout)

    def dry_run(self, function, qualifier=None, headers=None) -> Answer:
        """Asks whether the call is allowed, without running it."""
        return self.invoke(function, b"", qualifier, {"X-Amz-Invocation-Type": "DryRun", **(headers or {})})


# --- What an error looks like -----------------------------------------------------------------------

# The one key under which each exception carries its text (facts/aws-lambda.md §5.2).
UPPER = {"ResourceNotFoundException", "AccessDeniedException"}
# Those without `Type`: they come from the front end.
BARE = {
    "ValidationException",
    "AccessDeniedException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
}
STATUS = {
    "ValidationException": 400,
    "InvalidParameterValueException": 400,
    "PolicyLengthExceededException": 400,
    "InvalidRequestContentException": 400,
    "ResourceNotFoundException": 404,
    "ProvisionedConcurrencyConfigNotFoundException": 404,
    "ResourceConflictException": 409,
    "PreconditionFailedException": 412,
    "RequestTooLargeException": 413,
    "AccessDeniedException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnrecognizedClientException": 403,
    "InvalidSignatureException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
}


def error_body(code, message, bare=None) -> bytes:
    """The exact bytes of an error."""
    key = "Message" if code in UPPER else "message"
    bare = code in BARE if bare is None else bare
    return compact({key: message} if bare else {"Type": "User", key: message}).encode()


def check_envelope(answer):
    """What every answer carries."""
    assert UUID.match(answer.headers["x-amzn-requestid"] or ""), answer
    if answer.body:
        assert answer.headers["content-type"] == "application/json", answer
        assert answer.headers["content-length"] == str(len(answer.body)), answer


def check_error(answer, code, message, bare=None):
    """Status, code and body are those documented, to the byte."""
    got = (answer.status, answer.code, answer.body)
    assert got == (STATUS[code], code, error_body(code, message, bare)), answer.body.decode("utf-8", "replace")
    check_envelope(answer)


def check_ok(answer, status):
    assert answer.status == status, (answer.status, answer.code, answer.body)
    assert answer.code == "", answer
    assert UUID.match(answer.headers["x-amzn-requestid"] or ""), answer


def failed(value, member, constraint) -> str:
    """One entry of a ValidationException. `None` is a missing member."""
    quoted = "null" if value is None else f"'{value}'"
    return f"Value {quoted} at '{member}' failed to satisfy constraint: {constraint}"


def pattern(text):
    return f"Member must satisfy regular expression pattern: {text}"


def longest(count):
    return f"Member must have length less than or equal to {count}"


def shortest(count):
    return f"Member must have length greater than or equal to {count}"


def one_of(*values):
    return f"Member must satisfy enum value set: [{', '.join(values)}]"


NOT_NULL = "Member must not be null"


def _normal(entry):
    """The order of an enum's values is the service's own and not recorded for every enum."""

    def in_order(match):
        return "enum value set: [" + ", ".join(sorted(match[1].split(", "))) + "]"

    return re.sub(r"enum value set: \[([^\]]*)\]", in_order, entry)


def check_validation(answer, *entries):
    """One ValidationException lists every failure; the order of the entries is not promised."""
    assert (answer.status, answer.code) == (400, "ValidationException"), answer.body
    message = answer.json["message"]
    assert answer.body == error_body("ValidationException", message), answer.body
    count = f"{len(entries)} validation error{'s' if len(entries) > 1 else ''} detected: "
    assert message.startswith(count), message
    got = re.split(r"; (?=Value )", message[len(count) :])
    assert sorted(map(_normal, got)) == sorted(map(_normal, entries)), message
    check_envelope(answer)
