"""Event source mappings: their operations, what each source takes, who may do what, and that none is polled.

Facts: aws-lambda.md §4.6, §10. The rows of all refusals are beside the rules; here are those of each kind.
"""

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from wire import check_error, check_validation, compact, failed
from world import World, allow, error_of, unique

IPV, RNF = "InvalidParameterValueException", "ResourceNotFoundException"
ROOT = "/2015-03-31/event-source-mappings"
NOT_POLLED = (
    "Portcullis polls no event sources: the mapping is kept as it is configured, and it invokes nothing."
)
NOTHING = "The resource you requested does not exist."
UNKNOWN_ID = "00000000-0000-4000-8000-000000000007"
FILTER = {"Filters": [{"Pattern": '{"body":{"kind":["order"]}}'}]}


def queue(account, name=None):
    return f"arn:aws:sqs:{account.region}:{account.id}:{name or unique('q')}"


def stream(account):
    return f"arn:aws:kinesis:{account.region}:{account.id}:stream/{unique('s')}"


def made(account, function, source=None, **parameters):
    """A mapping, as a later read shows it."""
    client, source = account.root.boto(), source or queue(account)
    created = client.create_event_source_mapping(FunctionName=function, EventSourceArn=source, **parameters)
    shown = client.get_event_source_mapping(UUID=created["UUID"])
    shown.pop("ResponseMetadata")
    return shown


def call(account, method, rest="", body=None, query=None):
    payload = compact(body).encode() if body is not None else b""
    return account.root.wire.call(method, f"{ROOT}{rest}", body=payload, query=query)


def test_a_mapping_is_made_shown_changed_and_deleted(owner):
    name, source = owner.function(), queue(owner)
    body = {"FunctionName": name, "EventSourceArn": source, "FilterCriteria": FILTER, "Tags": {"a": "b"}}
    created = call(owner, "POST", body=body)
    assert (created.status, created.json["State"]) == (202, "Creating"), created.body
    number = created.json["UUID"]
    assert created.json == {
        "UUID": number,
        "EventSourceMappingArn": f"arn:aws:lambda:{owner.region}:{owner.id}:event-source-mapping:{number}",
        "EventSourceArn": source,
        "FunctionArn": owner.arn(name),
        "FilterCriteria": FILTER,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "LastModified": created.json["LastModified"],
        "LastProcessingResult": NOT_POLLED,
        "State": "Creating",
        "StateTransitionReason": NOT_POLLED,
    }
    shown = call(owner, "GET", f"/{number}")
    assert (shown.status, shown.json) == (200, created.json | {"State": "Disabled"})
    changed = call(owner, "PUT", f"/{number}", {"BatchSize": 3, "Enabled": False, "FilterCriteria": {}})
    assert (changed.status, changed.json["State"], changed.json["BatchSize"]) == (202, "Disabling", 3)
    assert changed.json["StateTransitionReason"] == "USER_INITIATED" and "FilterCriteria" not in changed.json
    assert call(owner, "GET", f"/{number}").json == changed.json | {"State": "Disabled"}
    again = call(owner, "PUT", f"/{number}", {"Enabled": True})
    assert (again.json["State"], again.json["StateTransitionReason"]) == ("Enabling", NOT_POLLED)
    deleted = call(owner, "DELETE", f"/{number}")
    assert (deleted.status, deleted.json) == (202, again.json | {"State": "Deleting"})
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
        check_error(call(owner, method, f"/{number}", body), RNF, NOTHING)
        check_error(call(owner, method, "/" + "x" * 36, body), RNF, NOTHING)


def least(owner):
    """Of each source a request, and what its mapping shows of it beside."""
    region, account = owner.region, owner.id
    secret = f"arn:aws:secretsmanager:{region}:{account}:secret:s"
    password = [{"Type": "BASIC_AUTH", "URI": secret}]
    latest = {"StartingPosition": "LATEST"}
    table = f"arn:aws:dynamodb:{region}:{account}:table/t/stream/2026-01-01T00:00:00.000"
    server = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["k1.example:9092"]}}
    topic = f"arn:aws:sns:{region}:{account}:t"
    return {
        "kinesis": latest | {"EventSourceArn": stream(owner), "ParallelizationFactor": 2, "BatchSize": 10_000},
        "at-time": {
            "EventSourceArn": stream(owner),
            "StartingPosition": "AT_TIMESTAMP",
            "StartingPositionTimestamp": 1700000000.5,
        },
        "dynamodb": latest
        | {"EventSourceArn": table, "DestinationConfig": {"OnFailure": {"Destination": topic}}, "TumblingWindowInSeconds": 5},
        "msk": latest
        | {"EventSourceArn": f"arn:aws:kafka:{region}:{account}:cluster/c/1-2", "Topics": ["t1"], "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 4}},
        "kafka": latest
        | {"SelfManagedEventSource": server, "Topics": ["t1"], "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:a"}],
           "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "ours"}},
        "mq": {"EventSourceArn": f"arn:aws:mq:{region}:{account}:broker:b:b-1", "Queues": ["q"], "SourceAccessConfigurations": password},
        "documentdb": latest
        | {"EventSourceArn": f"arn:aws:rds:{region}:{account}:cluster:d", "SourceAccessConfigurations": password,
           "DocumentDBEventSourceConfig": {"DatabaseName": "d", "CollectionName": "c", "FullDocument": "UpdateLookup"}},
        "sqs": {"EventSourceArn": queue(owner), "ScalingConfig": {"MaximumConcurrency": 5}, "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "BatchSize": 100, "MaximumBatchingWindowInSeconds": 1, "MetricsConfig": {"Metrics": ["EventCount"]}},
    }  # fmt: skip


def test_each_source_is_mapped_and_shown_as_given(owner):
    name = owner.function()
    for kind, given in least(owner).items():
        created = call(owner, "POST", body=given | {"FunctionName": name})
        assert created.status == 202, (kind, created.body)
        shown = call(owner, "GET", f"/{created.json['UUID']}").json
        assert shown.items() >= given.items(), (kind, shown)
        if kind == "msk":
            assert shown["AmazonManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": created.json["UUID"]}


def test_what_the_rules_refuse_is_exact(owner):
    name, own = owner.function(), owner.root.boto()
    missing = {"FunctionName": "missing", "EventSourceArn": queue(owner)}
    qualified = missing | {"FunctionName": f"{name}:none"}
    foreign = missing | {"FunctionName": f"arn:aws:lambda:{owner.region}:999999999999:function:f"}
    for body in (missing, qualified, foreign):
        check_error(call(owner, "POST", body=body), IPV, "Function does not exist")
    check_error(call(owner, "POST", body={"FunctionName": name}), IPV, "Unrecognized event source.")
    refused = error_of(own.create_event_source_mapping, FunctionName=name, EventSourceArn=queue(owner), BatchSize=11)
    window = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    assert refused == (IPV, window)
    position = (
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
        "Member must not be null."
    )
    check_error(call(owner, "POST", body={"FunctionName": name, "EventSourceArn": stream(owner)}), IPV, position)
    number = made(owner, name)["UUID"]
    for body, text in (
        ({"BatchSize": 11}, window),
        ({"FunctionName": "missing"}, "Function does not exist"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"a":1}'}]}}, "Invalid filter pattern definition."),
        ({"ParallelizationFactor": 1}, "Unsupported ParallelizationFactor parameter for given event source mapping type."),
    ):
        check_error(call(owner, "PUT", f"/{number}", body), IPV, text)
    key = {"FunctionName": name, "EventSourceArn": queue(owner), "KMSKeyArn": "arn:aws:kms:us-east-1:1:key/k"}
    refused = call(owner, "POST", body=key)
    assert (refused.status, refused.code) == (400, "UnsupportedOperationException")


def test_shapes_are_validated(owner):
    row = failed("10001", "batchSize", "Member must have value less than or equal to 10000")
    check_validation(call(owner, "POST", body={"FunctionName": "f", "BatchSize": 10001}), row)
    row = failed("short", "UUID", "Member must have length greater than or equal to 36")
    answer = call(owner, "GET", "/short")
    assert (answer.status, answer.code) == (400, "ValidationException"), answer.body
    config = {"DatabaseName": 'a"b'}
    answer = call(owner, "POST", body={"FunctionName": "f", "DocumentDBEventSourceConfig": config})
    assert (answer.status, answer.code) == (400, "ValidationException"), answer.body
    config = {"DatabaseName": "a", "CollectionName": "system.x"}
    answer = call(owner, "POST", body={"FunctionName": "f", "DocumentDBEventSourceConfig": config})
    assert (answer.status, answer.code) == (400, "ValidationException"), answer.body
    answer = call(owner, "POST", body={"FunctionName": "f", "StartingPositionTimestamp": "soon"})
    assert (answer.status, answer.code) == (400, "SerializationException"), answer.body


def test_one_source_has_one_mapping_to_a_function_however_many_ask_at_once(owner):
    name, source = owner.function(), queue(owner)

    def attempt(_):
        try:
            return owner.root.boto().create_event_source_mapping(FunctionName=name, EventSourceArn=source)["UUID"]
        except ClientError as error:
            return error.response["Error"]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(8)))
    made_ids = [one for one in results if isinstance(one, str)]
    assert len(made_ids) == 1, results
    text = (
        f'An event source mapping with SQS arn (" {source} ") and function (" {name} ") already exists. '
        f"Please update or delete the existing mapping with UUID {made_ids[0]}"
    )
    errors = [(one["Code"], one["Message"]) for one in results if not isinstance(one, str)]
    assert errors == [("ResourceConflictException", text)] * 7
    other = made(owner, owner.function(), source)
    moved = error_of(owner.root.boto().update_event_source_mapping, UUID=other["UUID"], FunctionName=name)
    assert moved == ("ResourceConflictException", text)


def test_lists_are_paged_and_filtered(world):
    account = world.account()
    name, source = account.function(), queue(account)
    all_of_it = [made(account, name, source)] + [made(account, name) for _ in range(4)]
    there = made(account, account.function(), source)
    client = account.root.boto()

    def listed(**filters):
        pages = client.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 2}, **filters)
        return [[one["UUID"] for one in page["EventSourceMappings"]] for page in pages]

    def pages_of(mappings):
        ids = sorted(one["UUID"] for one in mappings)
        return [ids[at : at + 2] for at in range(0, len(ids), 2)]

    assert listed() == pages_of([*all_of_it, there])
    assert listed(FunctionName=name) == pages_of(all_of_it)
    assert listed(FunctionName=account.arn(name)) == pages_of(all_of_it)
    assert listed(EventSourceArn=source) == pages_of([all_of_it[0], there])
    assert listed(FunctionName=name, EventSourceArn=source) == [[all_of_it[0]["UUID"]]]
    assert listed(EventSourceArn=queue(account)) == [[]]
    refused = error_of(client.list_event_source_mappings, FunctionName="missing")
    assert refused == (RNF, f"Function not found: {account.arn('missing')}")
    first = client.list_event_source_mappings(FunctionName=name, MaxItems=1)
    client.delete_event_source_mapping(UUID=first["EventSourceMappings"][0]["UUID"])
    rest = client.list_event_source_mappings(FunctionName=name, Marker=first["NextMarker"])
    assert "NextMarker" not in rest and len(rest["EventSourceMappings"]) == 4


def test_a_mapping_outlives_its_function_and_finds_it_again(owner):
    client, name = owner.root.boto(), owner.function()
    mapping = made(owner, name)
    client.delete_function(FunctionName=name)
    assert client.get_event_source_mapping(UUID=mapping["UUID"])["FunctionArn"] == owner.arn(name)
    listed = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert [one["UUID"] for one in listed] == [mapping["UUID"]]
    client.delete_event_source_mapping(UUID=mapping["UUID"])
    assert error_of(client.list_event_source_mappings, FunctionName=name)[0] == RNF


def test_versions_and_aliases_are_mapped_apart(owner):
    client, name, source = owner.root.boto(), owner.function(), queue(owner)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    for qualified in (name, f"{name}:1", f"{name}:prod"):
        assert made(owner, qualified, source)["FunctionArn"] == owner.arn(qualified)
        listed = client.list_event_source_mappings(FunctionName=qualified)["EventSourceMappings"]
        assert [one["FunctionArn"] for one in listed] == [owner.arn(qualified)]


def test_mappings_have_tags_and_are_decided_by_them(owner):
    name = owner.function()
    mapping = made(owner, name, Tags={"team": "blue"})
    arn, client, user = mapping["EventSourceMappingArn"], owner.root.boto(), owner.user()
    client.tag_resource(Resource=arn, Tags={"more": "x"})
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "blue", "more": "x"}
    client.untag_resource(Resource=arn, TagKeys=["more", "unknown"])
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "blue"}
    get = user.boto().get_event_source_mapping
    for team in ("blue", "red"):
        user.permit(allow("lambda:GetEventSourceMapping", arn, {"StringEquals": {"aws:ResourceTag/team": team}}))
        if team == "blue":
            get(UUID=mapping["UUID"])
        else:
            assert error_of(get, UUID=mapping["UUID"])[0] == "AccessDeniedException"
    make = user.boto().create_event_source_mapping
    asked = {"FunctionName": name, "EventSourceArn": queue(owner), "Tags": {"a": "b"}}
    user.permit(allow("lambda:CreateEventSourceMapping", "*"))
    assert error_of(make, **asked)[0] == "AccessDeniedException"
    user.permit(allow(["lambda:CreateEventSourceMapping", "lambda:TagResource"], "*"))
    make(**asked)
    gone = arn[:-12] + "000000000000"
    assert error_of(client.list_tags, Resource=gone) == (RNF, f"Event source mapping not found: {gone}")


def test_the_function_decides_who_may_map_it(owner):
    own, other, user = owner.function(), owner.function(), owner.user()
    condition = {"ArnEquals": {"lambda:FunctionArn": owner.arn(own)}}
    actions = [f"lambda:{verb}EventSourceMapping" for verb in ("Create", "Get", "Update", "Delete")]
    user.permit(allow(actions, "*", condition))
    client, foreign = user.boto(), made(owner, other)["UUID"]
    source = queue(owner)
    assert error_of(client.create_event_source_mapping, FunctionName=other, EventSourceArn=source)[0] == "AccessDeniedException"
    number = client.create_event_source_mapping(FunctionName=own, EventSourceArn=source)["UUID"]
    client.get_event_source_mapping(UUID=number)
    client.update_event_source_mapping(UUID=number, BatchSize=1)
    client.update_event_source_mapping(UUID=number, FunctionName=own)
    for parameters in (
        {"UUID": number, "FunctionName": other},
        {"UUID": foreign, "FunctionName": own},
        {"UUID": foreign, "BatchSize": 1},
        {"UUID": UNKNOWN_ID, "BatchSize": 1},
    ):
        assert error_of(client.update_event_source_mapping, **parameters)[0] == "AccessDeniedException", parameters
    for operation in (client.get_event_source_mapping, client.delete_event_source_mapping):
        assert error_of(operation, UUID=foreign)[0] == "AccessDeniedException"
    client.delete_event_source_mapping(UUID=number)


def test_another_account_sees_none_of_it(world, owner):
    mapping, stranger = made(owner, owner.function()), world.account()
    client = stranger.root.boto()
    for operation in ("get", "update", "delete"):
        assert error_of(getattr(client, f"{operation}_event_source_mapping"), UUID=mapping["UUID"]) == (RNF, NOTHING)
    assert error_of(client.list_tags, Resource=mapping["EventSourceMappingArn"])[0] == "AccessDeniedException"
    assert client.list_event_source_mappings()["EventSourceMappings"] == []


def test_mappings_survive_a_restart(start_server):
    server = start_server()
    account = World(server).owner
    name = account.function(wait=False)
    kept = made(account, name, FilterCriteria=FILTER, Enabled=False, Tags={"a": "b"})
    server.end()
    again = World(start_server(server.data_dir)).owner
    assert call(again, "GET", f"/{kept['UUID']}").json["FilterCriteria"] == FILTER
    client = again.root.boto()
    assert client.get_event_source_mapping(UUID=kept["UUID"]).items() >= kept.items()
    assert client.list_tags(Resource=kept["EventSourceMappingArn"])["Tags"] == {"a": "b"}
    twice = error_of(
        client.create_event_source_mapping, FunctionName=name, EventSourceArn=kept["EventSourceArn"]
    )
    assert twice[0] == "ResourceConflictException"
