"""An OpenID Connect issuer of the tests' own: keys, key sets, and tokens that they sign."""

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import rsa

# The curve P-256 (FIPS 186-4, D.1.2.3).
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def _add(one, other):
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    if one == other:
        slope = (3 * one[0] * one[0] - 3) * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def _times(factor, point):
    sum_ = None
    while factor:
        if factor & 1:
            sum_ = _add(sum_, point)
        point, factor = _add(point, point), factor >> 1
    return sum_


def encoded(data) -> str:
    data = json.dumps(data).encode() if isinstance(data, dict) else data
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None) -> str:
    return encoded(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class Rs256:
    algorithm = "RS256"

    def __init__(self, kid):
        self.kid, (self.public, self.private) = kid, rsa.newkeys(2048)

    def jwk(self):
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": number(self.public.n), "e": number(self.public.e)}

    def sign(self, message):
        return rsa.sign(message, self.private, "SHA-256")


class Es256:
    algorithm = "ES256"

    def __init__(self, kid):
        self.kid, self.private = kid, secrets.randbelow(N - 1) + 1
        self.public = _times(self.private, G)

    def jwk(self):
        return {"kty": "EC", "crv": "P-256", "kid": self.kid, "x": number(self.public[0], 32), "y": number(self.public[1], 32)}

    def sign(self, message):
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        nonce = secrets.randbelow(N - 1) + 1
        r = _times(nonce, G)[0] % N
        s = pow(nonce, -1, N) * (digest + r * self.private) % N
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def key_set_text(*keys) -> str:
    return json.dumps({"keys": [key.jwk() for key in keys]})


def key_set(path, *keys):
    path.write_text(key_set_text(*keys))
    return path


class KeyServer:
    """Serves key sets over HTTP, or worse: `paths` says what answers a path. It is a text, or a function
    of the handler. With a certificate and its key in a file it speaks TLS."""

    def __init__(self, paths, *, port=0, certificate=None):
        self.paths, self.asked = paths, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                answer = outer.paths[self.path]
                if callable(answer):
                    return answer(self)
                reply(self, 200, answer.encode())

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_address[1]
        scheme, host = ("https", "localhost") if certificate else ("http", "127.0.0.1")
        self.base = f"{scheme}://{host}:{self.port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def end(self):
        self.http.shutdown()
        self.http.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def reply(handler, status, body=b"", **headers):
    handler.send_response(status)
    for name, value in {"Content-Length": len(body), **headers}.items():
        handler.send_header(name, str(value))
    handler.end_headers()
    handler.wfile.write(body)


def token(key, *, header=None, **claims) -> str:
    """A token of the issuer; a claim of `None` is left out."""
    now = int(time.time())
    claims = {"iss": "https://idp.example.com/tenant", "sub": "bob", "aud": "app", "iat": now, "exp": now + 600} | claims
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = f"{encoded({'alg': key.algorithm, 'kid': key.kid} | (header or {}))}.{encoded(claims)}"
    return f"{signed}.{encoded(key.sign(signed.encode()))}"
