"""When functions get newer runtimes, and whether they may be part of loops: both configurations.

Facts: [model], and the public documentation of both; this server has one version of each runtime.
"""

import pytest
from wire import NOT_NULL, check_error, check_validation, compact, failed, one_of
from world import World, allow, error_of, wait_updated

IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"


def runtime(account, method, function, body=None, qualifier=None):
    path = f"/2021-07-20/functions/{function}/runtime-management-config"
    query = {"Qualifier": qualifier} if qualifier else None
    payload = compact(body).encode() if body is not None else b""
    return account.root.wire.call(method, path, query=query, body=payload)


def recursion(account, method, function, body=None):
    path = f"/2024-08-31/functions/{function}/recursion-config"
    return account.root.wire.call(method, path, body=compact(body).encode() if body is not None else b"")


def test_every_version_has_its_own_runtime_updates(owner):
    name, client = owner.versioned(), owner.root.boto()
    held = client.get_function_configuration(FunctionName=name)["RuntimeVersionConfig"]["RuntimeVersionArn"]
    arn, first = owner.arn(name), owner.arn(name, "1")
    assert runtime(owner, "GET", name).json == {"UpdateRuntimeOn": "Auto", "FunctionArn": arn}
    put = runtime(owner, "PUT", name, {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": held}, qualifier="1")
    want = {"UpdateRuntimeOn": "Manual", "FunctionArn": first, "RuntimeVersionArn": held}
    assert (put.status, put.json) == (200, want)
    assert runtime(owner, "GET", name, qualifier="1").json == want
    assert runtime(owner, "GET", f"{name}:1").json == want
    assert runtime(owner, "GET", name).json["UpdateRuntimeOn"] == "Auto"
    revision = client.get_function_configuration(FunctionName=name)["RevisionId"]
    assert runtime(owner, "PUT", name, {"UpdateRuntimeOn": "FunctionUpdate"}).json == {
        "UpdateRuntimeOn": "FunctionUpdate",
        "FunctionArn": arn,
    }
    assert client.get_function_configuration(FunctionName=name)["RevisionId"] == revision
    latest = client.get_runtime_management_config(FunctionName=name, Qualifier="$LATEST")
    assert (latest["UpdateRuntimeOn"], latest["FunctionArn"]) == ("FunctionUpdate", owner.arn(name, "$LATEST"))
    assert client.get_function_configuration(FunctionName=name, Qualifier="1")["RuntimeVersionConfig"] == {
        "RuntimeVersionArn": held
    }


def test_another_runtime_is_not_held_at_a_version_of_the_old_one(owner):
    name, client = owner.function(), owner.root.boto()
    configuration = client.get_function_configuration(FunctionName=name)
    held = configuration["RuntimeVersionConfig"]["RuntimeVersionArn"]
    client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="Manual", RuntimeVersionArn=held)
    client.update_function_configuration(FunctionName=name, Timeout=4)
    wait_updated(client, name)
    assert client.get_runtime_management_config(FunctionName=name)["RuntimeVersionArn"] == held
    other = "python3.12" if configuration["Runtime"] != "python3.12" else "python3.13"
    client.update_function_configuration(FunctionName=name, Runtime=other)
    wait_updated(client, name)
    shown = client.get_runtime_management_config(FunctionName=name)
    assert shown["UpdateRuntimeOn"] == "Auto" and "RuntimeVersionArn" not in shown


def test_the_errors_of_runtime_management(owner):
    name, client = owner.versioned(), owner.root.boto()
    held = client.get_function_configuration(FunctionName=name)["RuntimeVersionConfig"]["RuntimeVersionArn"]
    unknown = held[:-4] + "0000"
    rows = [
        ({"UpdateRuntimeOn": "Manual"}, "RuntimeVersionArn is required when UpdateRuntimeOn is Manual."),
        (
            {"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": held},
            "RuntimeVersionArn cannot be given when UpdateRuntimeOn is Auto.",
        ),
        (
            {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": unknown},
            f"The runtime version {unknown} is not one of this function's runtime on this server.",
        ),
    ]
    for body, message in rows:
        check_error(runtime(owner, "PUT", name, body), IPV, message)
    check_validation(runtime(owner, "PUT", name, {}), failed(None, "updateRuntimeOn", NOT_NULL))
    for method, body in (("GET", None), ("PUT", {"UpdateRuntimeOn": "Auto"})):
        prod = owner.arn(name, "prod")
        check_error(runtime(owner, method, name, body, qualifier="prod"), RNF, f"Function not found: {prod}")
        check_error(runtime(owner, method, name, body, qualifier="7"), RNF, f"Function not found: {owner.arn(name, '7')}")
        check_error(runtime(owner, method, "missing", body), RNF, f"Function not found: {owner.arn('missing')}")
    assert runtime(owner, "GET", name).json["UpdateRuntimeOn"] == "Auto"


def test_a_recursion_config_is_put_and_shown(owner):
    name = owner.function()
    assert recursion(owner, "GET", name).json == {"RecursiveLoop": "Terminate"}
    for kind in ("Allow", "Terminate", "Allow"):
        put = recursion(owner, "PUT", name, {"RecursiveLoop": kind})
        assert (put.status, put.json) == (200, {"RecursiveLoop": kind})
        assert recursion(owner, "GET", owner.arn(name)).json == {"RecursiveLoop": kind}
    bad = recursion(owner, "PUT", name, {"RecursiveLoop": "allow"})
    check_validation(bad, failed("allow", "recursiveLoop", one_of("Terminate", "Allow")))
    for method, body in (("GET", None), ("PUT", {"RecursiveLoop": "Allow"})):
        check_error(recursion(owner, method, "missing", body), RNF, f"Function not found: {owner.arn('missing')}")
        assert recursion(owner, method, f"{name}:1", body).status == 400


def test_both_outlive_a_restart(start_server):
    server = start_server()
    account = World(server).owner
    name, client = account.function(wait=False), account.root.boto()
    client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")
    client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    assert server.terminate() == 0
    client = World(start_server()).owner.root.boto()
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    assert client.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"] == "FunctionUpdate"


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_function_recursion_config", {}),
        ("put_function_recursion_config", {"RecursiveLoop": "Allow"}),
        ("get_runtime_management_config", {}),
        ("put_runtime_management_config", {"UpdateRuntimeOn": "Auto"}),
    ],
)
def test_each_asks_for_its_own_permission(owner, operation, parameters):
    name, user = owner.function(), owner.user()
    action = "lambda:" + "".join(word.title() for word in operation.split("_"))
    call = getattr(user.boto(), operation)
    assert error_of(call, FunctionName=name, **parameters)[0] == "AccessDeniedException"
    user.permit(allow(action, owner.arn(name)))
    call(FunctionName=name, **parameters)
