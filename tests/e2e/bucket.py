"""A small S3: objects with their versions, behind signatures that it verifies with botocore's own arithmetic.

What it does badly on purpose, it does by the object's content: see `Slow`, `Truncated`, `Announced`, `Broken`.
"""

import contextlib
import http.server
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import botocore.auth
import botocore.credentials
from botocore.awsrequest import AWSRequest

from wire import Credentials

READER = Credentials("AKIAREADEROFBUCKETS0", "a-secret/of+the-operators/for-s3-alone")
MESSAGES = {
    "NoSuchKey": (404, "The specified key does not exist."),
    "NoSuchBucket": (404, "The specified bucket does not exist"),
    "NoSuchVersion": (404, "The specified version does not exist."),
    "AccessDenied": (403, "User: arn:aws:iam::999999999999:user/operator is not authorized"),
    "SignatureDoesNotMatch": (403, "The request signature we calculated does not match."),
    "InternalError": (500, "We encountered an internal error. Please try again."),
    "PermanentRedirect": (301, "Please send all future requests to this endpoint."),
    "InvalidObjectState": (403, "The operation is not valid for the object's storage class"),
}


@dataclass
class Slow:
    """Half of the content, and the rest once it is released."""

    content: bytes
    begun: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Truncated:
    """Half of the content, then the connection ends."""

    content: bytes


@dataclass(frozen=True)
class Announced:
    """A length, and no byte."""

    length: int


@dataclass(frozen=True)
class Broken:
    """An error instead of the object; `body` instead of its XML."""

    code: str
    body: bytes | None = None


def signature(handler, secret) -> str:
    """The signature that the request should have."""
    given = dict(part.strip().split("=", 1) for part in handler.headers["Authorization"].split(" ", 1)[1].split(","))
    _, _, region, service, _ = given["Credential"].split("/")
    names = given["SignedHeaders"].split(";")
    url = f"http://{handler.headers['Host']}{handler.path}"
    request = AWSRequest(handler.command, url, headers={name: handler.headers[name] for name in names})
    request.context["timestamp"] = handler.headers["x-amz-date"]
    signer = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials("", secret), service, region)
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


class Bucket:
    """A server with one bucket, `code`."""

    def __init__(self, name="code"):
        self.name, self.objects, self.asked = name, {}, []
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                store.asked.append(unquote(self.path))
                store.answer(self)

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, key, content) -> str:
        """A new version of an object; its id."""
        versions = self.objects.setdefault(key, [])
        versions.append(content)
        return f"v{len(versions)}"

    def close(self):
        for versions in self.objects.values():
            for content in versions:
                if isinstance(content, Slow):
                    content.released.set()
        self.server.shutdown()
        self.server.server_close()

    def find(self, bucket, key, version):
        versions = self.objects.get(key, [])
        if bucket != self.name:
            return Broken("NoSuchBucket")
        if version is None:
            return versions[-1] if versions else Broken("NoSuchKey")
        known = {f"v{number}": content for number, content in enumerate(versions, 1)}
        return known.get(version, Broken("NoSuchVersion"))

    def answer(self, handler):
        authorization = handler.headers.get("Authorization", "")
        if f"Credential={READER.key}/" not in authorization:
            return self.refuse(handler, Broken("AccessDenied"))
        if not authorization.endswith(f"Signature={signature(handler, READER.secret)}"):
            return self.refuse(handler, Broken("SignatureDoesNotMatch"))
        url = urlsplit(handler.path)
        _, bucket, key = url.path.split("/", 2)
        found = self.find(bucket, unquote(key), parse_qs(url.query).get("versionId", [None])[0])
        if isinstance(found, Broken):
            return self.refuse(handler, found)
        content = found if isinstance(found, bytes) else getattr(found, "content", b"")
        length = found.length if isinstance(found, Announced) else len(content)
        self.head(handler, 200, length, "application/zip")
        with contextlib.suppress(ConnectionError):
            if isinstance(found, bytes):
                return handler.wfile.write(content)
            handler.close_connection = True
            handler.wfile.write(content[: len(content) // 2])
            if isinstance(found, Slow):
                found.begun.set()
                found.released.wait(60)
                handler.wfile.write(content[len(content) // 2 :])

    def refuse(self, handler, broken):
        status, message = MESSAGES[broken.code]
        body = f"<Error><Code>{broken.code}</Code><Message>{escape(message)}</Message><Key>k</Key></Error>"
        body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + body.encode() if broken.body is None else broken.body
        self.head(handler, status, len(body), "application/xml")
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(body)

    def head(self, handler, status, length, kind):
        handler.send_response(status)
        handler.send_header("Content-Length", str(length))
        handler.send_header("Content-Type", kind)
        handler.send_header("ETag", '"0"')
        handler.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        handler.end_headers()
