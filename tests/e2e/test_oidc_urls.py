"""Keys of OpenID Connect issuers behind URLs: fetched when needed, bounded, and nobody else's."""

import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from oidc import Es256, KeyServer, key_set_text, reply, token
from server import ACCOUNT, until
from test_oidc import assume, refused, role, unsigned
from world import boto, document

KEY, OTHER = Es256("first"), Es256("second")
INVALID, UNREACHABLE = "InvalidIdentityToken", "IDPCommunicationError"


def issuer(name):
    return f"{name}.example.com"


def trusted(server, *names):
    """A role that lets in whoever the issuers' tokens mean."""
    iam = boto(server.base, "iam", server.root)
    for name in names:
        iam.create_open_id_connect_provider(Url=f"https://{issuer(name)}", ClientIDList=["app"])
    providers = [f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer(name)}" for name in names]
    statement = {"Effect": "Allow", "Principal": {"Federated": providers}, "Action": "sts:AssumeRoleWithWebIdentity"}
    return role(iam, document(statement))


def of(name, key=KEY, **claims):
    return token(key, iss=f"https://{issuer(name)}", **claims)


def comes_in(server, arn, text):
    try:
        return assume(server, arn, text)
    except unsigned(server.base).exceptions.ClientError:
        return None


def keys_of(**places):
    return [word for name, url in places.items() for word in ("--oidc-keys", f"{issuer(name)}={url}")]


def test_new_keys_are_fetched_when_a_token_names_one_and_withdrawn_ones_prove_nothing(start_server):
    with KeyServer({"/jwks": key_set_text(KEY)}) as keys:
        server = start_server(arguments=keys_of(idp=f"{keys.base}/jwks"))
        arn = trusted(server, "idp")
        assert not keys.asked, "keys are fetched when a token needs them"
        for _ in range(3):
            assert assume(server, arn, of("idp"))
        assert len(keys.asked) == 1
        keys.paths = {"/jwks": key_set_text(OTHER)}
        began = time.monotonic()
        until(lambda: comes_in(server, arn, of("idp", OTHER)), 30, "the new key to be known")
        assert len(keys.asked) == 2, f"{len(keys.asked)} fetches within {time.monotonic() - began:.1f} s"
        assert refused(server, arn, of("idp"))[0] == INVALID
        assert refused(server, arn, of("idp", Es256("first")))[0] == INVALID


def test_while_an_issuer_is_away_its_known_keys_stay_and_others_are_an_error_of_the_way(start_server):
    with KeyServer({}) as away:
        port = away.port
    server = start_server(arguments=keys_of(idp=f"http://127.0.0.1:{port}/jwks"))
    arn = trusted(server, "idp")
    code, text = refused(server, arn, of("idp"))
    assert code == UNREACHABLE and issuer("idp") in text
    with KeyServer({"/jwks": key_set_text(KEY)}, port=port):
        until(lambda: comes_in(server, arn, of("idp")), 30, "the issuer to be asked again")
    assert assume(server, arn, of("idp"))
    until(lambda: refused(server, arn, of("idp", OTHER))[0] == UNREACHABLE, 30, "the issuer to be missed")
    assert assume(server, arn, of("idp"))
    log = server.err.read_text()
    assert f"issuer={issuer('idp')}" in log and "keys could not be read" in log


def test_callers_share_one_fetch(start_server):
    gate = threading.Event()

    def slow(handler):
        gate.wait(4)
        reply(handler, 200, key_set_text(KEY).encode())

    with KeyServer({"/jwks": slow}) as keys:
        server = start_server(arguments=keys_of(idp=f"{keys.base}/jwks"))
        arn = trusted(server, "idp")
        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(assume, server, arn, of("idp")) for _ in range(8)]
            until(lambda: keys.asked, 30, "the first caller to have the keys fetched")
            gate.set()
            assert all(one.result() for one in waiting)
        assert len(keys.asked) == 1


def trickle(handler):
    handler.send_response(200)
    handler.end_headers()
    ended = time.monotonic() + 120
    while time.monotonic() < ended:
        handler.wfile.write(b" ")
        time.sleep(0.1)


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1024):
        handler.wfile.write(b" " * 65536)


def to(location):
    return lambda handler: reply(handler, 302, Location=location)


def test_what_is_no_key_set_of_the_issuer_s_own_host_lets_nobody_in(start_server):
    good = key_set_text(KEY)
    stranger = KeyServer({"/jwks": good})
    large = good[:-1] + " " * (1024 * 1024) + good[-1]
    paths = {
        "good": (good, None),
        "padded": (good + " " * 1000, None),
        "within": (to("/good"), None),
        "large": (large, INVALID),
        "endless": (endless, INVALID),
        "page": ("<html>Welcome to the hotel</html>", INVALID),
        "empty": ('{"keys":[]}', INVALID),
        "missing": (lambda handler: reply(handler, 404, good.encode()), INVALID),
        "elsewhere": (to(f"{stranger.base}/jwks"), INVALID),
        "upstairs": (to("https://idp.example.com/jwks"), INVALID),
        "round": (to("/round"), INVALID),
        "broken": (lambda handler: reply(handler, 503, good.encode()), UNREACHABLE),
        "busy": (lambda handler: reply(handler, 429, good.encode()), UNREACHABLE),
        "slow": (trickle, UNREACHABLE),
        "rude": (lambda handler: handler.wfile.write(b"\0" * 100), UNREACHABLE),
    }
    with stranger, KeyServer({f"/{name}": answer for name, (answer, _) in paths.items()}) as keys:
        server = start_server(arguments=keys_of(**{name: f"{keys.base}/{name}" for name in paths}))
        arn = trusted(server, *paths)
        for name, (_, code) in paths.items():
            began = time.monotonic()
            if code is None:
                assert assume(server, arn, of(name)), name
            else:
                assert refused(server, arn, of(name))[0] == code, name
            assert time.monotonic() - began < 60, name
        assert not stranger.asked, "no redirect leads to another host"
        # Whoever is no issuer here is none because another one's keys are known.
        assert refused(server, arn, of("page"))[0] == INVALID
        assert assume(server, arn, of("good"))


def certificate(folder, name, authority=None):
    """A certificate and its key in one file: an authority's, or one of `localhost` that one has signed."""
    key, made, both = (folder / f"{name}.{suffix}" for suffix in ("key", "crt", "pem"))
    what = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    by = ["-CA", authority.with_suffix(".crt"), "-CAkey", authority.with_suffix(".key")] if authority else []
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", f"/CN={name}", "-keyout", key, "-out", made, *(what if authority else []), *by]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(made.read_bytes() + key.read_bytes())
    return both


def test_over_tls_the_issuer_s_certificate_is_proven(start_server, tmp_path):
    known, strange = certificate(tmp_path, "known"), certificate(tmp_path, "strange")
    good, bad = certificate(tmp_path, "good", known), certificate(tmp_path, "bad", strange)
    paths = {"/jwks": key_set_text(KEY)}
    with KeyServer(paths, certificate=good) as proven, KeyServer(paths, certificate=bad) as unproven:
        wrong_name = proven.base.replace("localhost", "127.0.0.1")
        places = {"good": proven.base, "bad": unproven.base, "name": wrong_name}
        arguments = keys_of(**{name: f"{base}/jwks" for name, base in places.items()})
        server = start_server(arguments=arguments, SSL_CERT_FILE=str(known.with_suffix(".crt")))
        arn = trusted(server, *places)
        assert assume(server, arn, of("good"))
        for name in ("bad", "name"):
            assert refused(server, arn, of(name))[0] == UNREACHABLE
        assert len(proven.asked) == 1 and not unproven.asked


def test_the_token_s_own_audience_is_a_key_beside_the_client(start_server):
    with KeyServer({"/jwks": key_set_text(KEY)}) as keys:
        arguments = ["--oidc-keys", f"accounts.google.com={keys.base}/jwks", *keys_of(idp=f"{keys.base}/jwks")]
        server = start_server(arguments=arguments)
        iam = boto(server.base, "iam", server.root)

        def lets_in(name, condition, **claims):
            provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"
            condition = {"StringEquals": {f"{name}:{key}": value for key, value in condition.items()}}
            statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"}
            arn = role(iam, document(statement | {"Condition": condition}))
            return bool(comes_in(server, arn, token(KEY, iss=f"https://{name}", **claims)))

        google, idp = "accounts.google.com", issuer("idp")
        for name in (google, idp):
            iam.create_open_id_connect_provider(Url=f"https://{name}", ClientIDList=["app", "other"])
        assert lets_in(idp, {"aud": "app", "oaud": "app"})
        assert lets_in(idp, {"aud": "other", "oaud": "app"}, aud=["app", "x"], azp="other")
        assert not lets_in(idp, {"oaud": "x"}, aud=["app", "x"], azp="other")
        assert lets_in(google, {"aud": "17", "oaud": "app"}, azp="17")
        assert not lets_in(google, {"aud": "app"}, azp="17")
        assert lets_in(google, {"aud": "app", "oaud": "app"})
