//! Completeness: every served operation, tried by every kind of caller.
//!
//! You added an operation: add its row to `CASES`; do not edit the test.
#![expect(clippy::unwrap_used, reason = "a set-up that fails, fails the test")]

mod support;

use std::collections::BTreeSet;

use http::Method;
use portcullis_model::{OperationModel, SERVICES};
use support::{Answer, Call, TestServer, credentials};

/// A well-formed request of one operation. What it names need not exist: authorization comes first.
struct Case {
    operation: &'static str,
    service: &'static str,
    method: Method,
    path: &'static str,
    body: &'static str,
}

fn rest(operation: &'static str, method: Method, path: &'static str) -> Case {
    Case { operation, service: "lambda", method, path, body: "" }
}

fn with(case: Case, body: &'static str) -> Case {
    Case { body, ..case }
}

fn query(service: &'static str, operation: &'static str, body: &'static str) -> Case {
    Case { operation, service, method: Method::POST, path: "/", body }
}

const F: &str = "/2015-03-31/functions/missing";
const CREATE: &str = r#"{"FunctionName":"missing","Runtime":"python3.11","Handler":"i.h",
    "Role":"arn:aws:iam::123456789012:role/missing","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}"#;
const SIGNING: &str =
    "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdefg";
const PUBLISHERS: &str = r#"{"AllowedPublishers":{"SigningProfileVersionArns":["arn:aws:signer:us-east-1:123456789012:/signing-profiles/p/v"]}}"#;
const WHOLE: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"lambda:*","Resource":"*"}}"#;
const SUPPOSED: &str =
    r#"{"Principal":"anonymous","Action":"lambda:ListFunctions","Resource":"*"}"#;
const GRANT: &str = r#"{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"}"#;
const DOCUMENT: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
const TRUST: &str = concat!(
    "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C",
    "%22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%2C",
    "%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D"
);
const OIDC: &str =
    "OpenIDConnectProviderArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Aoidc-provider%2Fidp.example.com";
const THUMBPRINT: &str = "0123456789012345678901234567890123456789";
const POLICY: &str = "PolicyArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Apolicy%2Fmissing";
const BOUNDARY: &str = "PermissionsBoundary=arn%3Aaws%3Aiam%3A%3A123456789012%3Apolicy%2Fmissing";
const TAG: &str = "Tags.member.1.Key=k&Tags.member.1.Value=v";

fn cases() -> Vec<Case> {
    let aws = [of_lambda(), of_iam_entities(), of_iam_policies(), of_iam_account(), of_sts()];
    aws.into_iter().chain([of_organizations(), ours()]).flatten().collect()
}

#[rustfmt::skip]
fn of_lambda() -> Vec<Case> {
    let function = |operation, method, rest_of_path: &str| {
        rest(operation, method, String::leak(format!("{F}{rest_of_path}")))
    };
    let tags = "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Amissing";
    let events = "/2019-09-25/functions/missing/event-invoke-config";
    let url = "/2021-10-31/functions/missing/url";
    let signing = "/2020-06-30/functions/missing/code-signing-config";
    let config: &str = String::leak(format!("/2020-04-22/code-signing-configs/{}", SIGNING.replace(':', "%3A")));
    let mapping = "/2015-03-31/event-source-mappings/00000000-0000-4000-8000-000000000007";
    let policy = "/2026-07-09/resource-policy/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Amissing";
    let provisioned = "/2019-09-30/functions/missing/provisioned-concurrency?Qualifier=7";
    let recursion = "/2024-08-31/functions/missing/recursion-config";
    let runtime = "/2021-07-20/functions/missing/runtime-management-config";
    vec![
        with(function("AddPermission",        Method::POST,   "/policy"), GRANT),
        with(rest("PutResourcePolicy", Method::PUT, policy), String::leak(format!(r#"{{"Policy":"{}"}}"#, WHOLE.replace('"', "\\\"")))),
        rest("GetResourcePolicy", Method::GET, policy),
        rest("DeleteResourcePolicy", Method::DELETE, policy),
        function("GetPolicy",                 Method::GET,    "/policy"),
        function("RemovePermission",          Method::DELETE, "/policy/s"),
        with(rest("CreateFunction", Method::POST, "/2015-03-31/functions"), CREATE),
        function("GetFunction",               Method::GET,    ""),
        function("GetFunctionConfiguration",  Method::GET,    "/configuration"),
        rest("ListFunctions", Method::GET, "/2015-03-31/functions"),
        with(function("UpdateFunctionCode",   Method::PUT,    "/code"), r#"{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}"#),
        with(function("UpdateFunctionConfiguration", Method::PUT, "/configuration"), r#"{"Timeout":5}"#),
        function("DeleteFunction",            Method::DELETE, ""),
        with(function("PublishVersion",       Method::POST,   "/versions"), "{}"),
        function("ListVersionsByFunction",    Method::GET,    "/versions"),
        with(function("CreateAlias",          Method::POST,   "/aliases"), r#"{"Name":"a","FunctionVersion":"1"}"#),
        function("GetAlias",                  Method::GET,    "/aliases/a"),
        with(function("UpdateAlias",          Method::PUT,    "/aliases/a"), "{}"),
        function("DeleteAlias",               Method::DELETE, "/aliases/a"),
        function("ListAliases",               Method::GET,    "/aliases"),
        with(function("Invoke",               Method::POST,   "/invocations"), "{}"),
        with(rest("InvokeWithResponseStream", Method::POST, "/2021-11-15/functions/missing/response-streaming-invocations"), "{}"),
        with(rest("InvokeAsync", Method::POST, "/2014-11-13/functions/missing/invoke-async"), "{}"),
        with(rest("TagResource",   Method::POST,   tags), r#"{"Tags":{"k":"v"}}"#),
        rest("UntagResource", Method::DELETE, String::leak(format!("{tags}?tagKeys=k"))),
        rest("ListTags",      Method::GET,    tags),
        with(rest("PutFunctionCodeSigningConfig", Method::PUT, signing), String::leak(format!(r#"{{"CodeSigningConfigArn":"{SIGNING}"}}"#))),
        rest("GetFunctionCodeSigningConfig", Method::GET, signing),
        rest("DeleteFunctionCodeSigningConfig", Method::DELETE, signing),
        with(rest("CreateCodeSigningConfig", Method::POST, "/2020-04-22/code-signing-configs"), PUBLISHERS),
        rest("GetCodeSigningConfig", Method::GET, config),
        with(rest("UpdateCodeSigningConfig", Method::PUT, config), "{}"),
        rest("DeleteCodeSigningConfig", Method::DELETE, config),
        rest("ListCodeSigningConfigs", Method::GET, "/2020-04-22/code-signing-configs"),
        rest("ListFunctionsByCodeSigningConfig", Method::GET, String::leak(format!("{config}/functions"))),
        with(rest("CreateEventSourceMapping", Method::POST, "/2015-03-31/event-source-mappings"), r#"{"FunctionName":"missing"}"#),
        rest("GetEventSourceMapping", Method::GET, mapping),
        with(rest("UpdateEventSourceMapping", Method::PUT, mapping), "{}"),
        rest("DeleteEventSourceMapping", Method::DELETE, mapping),
        rest("ListEventSourceMappings", Method::GET, "/2015-03-31/event-source-mappings"),
        with(rest("PutFunctionConcurrency", Method::PUT, "/2017-10-31/functions/missing/concurrency"), r#"{"ReservedConcurrentExecutions":1}"#),
        rest("GetFunctionConcurrency", Method::GET, "/2019-09-30/functions/missing/concurrency"),
        rest("DeleteFunctionConcurrency", Method::DELETE, "/2017-10-31/functions/missing/concurrency"),
        with(rest("PutProvisionedConcurrencyConfig", Method::PUT, provisioned), r#"{"ProvisionedConcurrentExecutions":1}"#),
        rest("GetProvisionedConcurrencyConfig", Method::GET, provisioned),
        rest("DeleteProvisionedConcurrencyConfig", Method::DELETE, provisioned),
        rest("ListProvisionedConcurrencyConfigs", Method::GET, "/2019-09-30/functions/missing/provisioned-concurrency?List=ALL"),
        with(rest("PublishLayerVersion", Method::POST, "/2018-10-31/layers/missing/versions"), r#"{"Content":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}"#),
        rest("GetLayerVersion", Method::GET, "/2018-10-31/layers/missing/versions/7"),
        rest("GetLayerVersionByArn", Method::GET, "/2018-10-31/layers?find=LayerVersion&Arn=arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Alayer%3Amissing%3A7"),
        rest("ListLayers", Method::GET, "/2018-10-31/layers"),
        rest("ListLayerVersions", Method::GET, "/2018-10-31/layers/missing/versions"),
        rest("DeleteLayerVersion", Method::DELETE, "/2018-10-31/layers/missing/versions/7"),
        with(rest("AddLayerVersionPermission", Method::POST, "/2018-10-31/layers/missing/versions/7/policy"), r#"{"StatementId":"s","Action":"lambda:GetLayerVersion","Principal":"*"}"#),
        rest("GetLayerVersionPolicy", Method::GET, "/2018-10-31/layers/missing/versions/7/policy"),
        rest("RemoveLayerVersionPermission", Method::DELETE, "/2018-10-31/layers/missing/versions/7/policy/s"),
        rest("GetAccountSettings", Method::GET, "/2016-08-19/account-settings"),
        with(rest("PutFunctionRecursionConfig", Method::PUT, recursion), r#"{"RecursiveLoop":"Allow"}"#),
        rest("GetFunctionRecursionConfig", Method::GET, recursion),
        with(rest("PutRuntimeManagementConfig", Method::PUT, runtime), r#"{"UpdateRuntimeOn":"Auto"}"#),
        rest("GetRuntimeManagementConfig", Method::GET, runtime),
        with(rest("PutFunctionEventInvokeConfig", Method::PUT, events), r#"{"MaximumRetryAttempts":1}"#),
        with(rest("UpdateFunctionEventInvokeConfig", Method::POST, events), r#"{"MaximumRetryAttempts":1}"#),
        rest("GetFunctionEventInvokeConfig", Method::GET, events),
        rest("DeleteFunctionEventInvokeConfig", Method::DELETE, events),
        rest("ListFunctionEventInvokeConfigs", Method::GET, String::leak(format!("{events}/list"))),
        with(rest("CreateFunctionUrlConfig", Method::POST, url), r#"{"AuthType":"NONE"}"#),
        rest("GetFunctionUrlConfig", Method::GET, url),
        with(rest("UpdateFunctionUrlConfig", Method::PUT, url), "{}"),
        rest("DeleteFunctionUrlConfig", Method::DELETE, url),
        rest("ListFunctionUrlConfigs", Method::GET, "/2021-10-31/functions/missing/urls"),
    ]
}

fn iam(operation: &'static str, parameters: &str) -> Case {
    let body = format!("Action={operation}&Version=2010-05-08&{parameters}");
    query("iam", operation, String::leak(body))
}

/// Users, groups, roles, and what hangs on them alone.
#[rustfmt::skip]
fn of_iam_entities() -> Vec<Case> {
    let user_policy = "UserName=missing&PolicyName=p";
    let role_policy = "RoleName=missing&PolicyName=p";
    let group_policy = "GroupName=missing&PolicyName=p";
    let member = "GroupName=missing&UserName=missing";
    vec![
        iam("CreateUser",       "UserName=new"),
        iam("GetUser",          "UserName=missing"),
        iam("ListUsers",        ""),
        iam("DeleteUser",       "UserName=missing"),
        iam("CreateAccessKey",  "UserName=missing"),
        iam("ListAccessKeys",   "UserName=missing"),
        iam("DeleteAccessKey",  "UserName=missing&AccessKeyId=AKIAIOSFODNN7EXAMPLE"),
        iam("PutUserPolicy",    &format!("{user_policy}&PolicyDocument={DOCUMENT}")),
        iam("GetUserPolicy",    user_policy),
        iam("ListUserPolicies", "UserName=missing"),
        iam("DeleteUserPolicy", user_policy),
        iam("CreateRole",       &format!("RoleName=new&AssumeRolePolicyDocument={TRUST}")),
        iam("GetRole",          "RoleName=missing"),
        iam("ListRoles",        ""),
        iam("DeleteRole",       "RoleName=missing"),
        iam("PutRolePolicy",    &format!("{role_policy}&PolicyDocument={DOCUMENT}")),
        iam("GetRolePolicy",    role_policy),
        iam("ListRolePolicies", "RoleName=missing"),
        iam("DeleteRolePolicy", role_policy),
        iam("CreateGroup",      "GroupName=new"),
        iam("GetGroup",         "GroupName=missing"),
        iam("ListGroups",       ""),
        iam("UpdateGroup",      "GroupName=missing&NewGroupName=other"),
        iam("DeleteGroup",      "GroupName=missing"),
        iam("AddUserToGroup",   member),
        iam("RemoveUserFromGroup", member),
        iam("ListGroupsForUser", "UserName=missing"),
        iam("PutGroupPolicy",   &format!("{group_policy}&PolicyDocument={DOCUMENT}")),
        iam("GetGroupPolicy",   group_policy),
        iam("ListGroupPolicies", "GroupName=missing"),
        iam("DeleteGroupPolicy", group_policy),
    ]
}

/// Managed policies, what they are attached to, and tags.
#[rustfmt::skip]
fn of_iam_policies() -> Vec<Case> {
    vec![
        iam("CreatePolicy",     &format!("PolicyName=new&PolicyDocument={DOCUMENT}")),
        iam("GetPolicy",        POLICY),
        iam("ListPolicies",     ""),
        iam("DeletePolicy",     POLICY),
        iam("CreatePolicyVersion", &format!("{POLICY}&PolicyDocument={DOCUMENT}")),
        iam("GetPolicyVersion", &format!("{POLICY}&VersionId=v1")),
        iam("ListPolicyVersions", POLICY),
        iam("DeletePolicyVersion", &format!("{POLICY}&VersionId=v1")),
        iam("SetDefaultPolicyVersion", &format!("{POLICY}&VersionId=v1")),
        iam("ListEntitiesForPolicy", POLICY),
        iam("AttachUserPolicy", &format!("UserName=missing&{POLICY}")),
        iam("DetachUserPolicy", &format!("UserName=missing&{POLICY}")),
        iam("ListAttachedUserPolicies", "UserName=missing"),
        iam("AttachGroupPolicy", &format!("GroupName=missing&{POLICY}")),
        iam("DetachGroupPolicy", &format!("GroupName=missing&{POLICY}")),
        iam("ListAttachedGroupPolicies", "GroupName=missing"),
        iam("AttachRolePolicy", &format!("RoleName=missing&{POLICY}")),
        iam("DetachRolePolicy", &format!("RoleName=missing&{POLICY}")),
        iam("ListAttachedRolePolicies", "RoleName=missing"),
        iam("PutUserPermissionsBoundary", &format!("UserName=missing&{BOUNDARY}")),
        iam("DeleteUserPermissionsBoundary", "UserName=missing"),
        iam("PutRolePermissionsBoundary", &format!("RoleName=missing&{BOUNDARY}")),
        iam("DeleteRolePermissionsBoundary", "RoleName=missing"),
        iam("TagUser",          &format!("UserName=missing&{TAG}")),
        iam("UntagUser",        "UserName=missing&TagKeys.member.1=k"),
        iam("ListUserTags",     "UserName=missing"),
        iam("TagRole",          &format!("RoleName=missing&{TAG}")),
        iam("UntagRole",        "RoleName=missing&TagKeys.member.1=k"),
        iam("ListRoleTags",     "RoleName=missing"),
        iam("TagPolicy",        &format!("{POLICY}&{TAG}")),
        iam("UntagPolicy",      &format!("{POLICY}&TagKeys.member.1=k")),
        iam("ListPolicyTags",   POLICY),
    ]
}

/// The account as a whole, service-linked roles, keys' uses, and what nobody has here.
#[rustfmt::skip]
fn of_iam_account() -> Vec<Case> {
    let source = "PolicySourceArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Auser%2Fmissing";
    let task = "task%2Faws-service-role%2Fecs.amazonaws.com%2FAWSServiceRoleForECS%2F00000000-0000-0000-0000-000000000000";
    vec![
        iam("UpdateUser",       "UserName=missing&NewUserName=other"),
        iam("UpdateAccessKey",  "UserName=missing&AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=Inactive"),
        iam("GetAccessKeyLastUsed", "AccessKeyId=AKIAIOSFODNN7EXAMPLE"),
        iam("GetLoginProfile",  "UserName=missing"),
        iam("DeleteLoginProfile", "UserName=missing"),
        iam("ListMFADevices",   "UserName=missing"),
        iam("ListVirtualMFADevices", ""),
        iam("ListSSHPublicKeys", "UserName=missing"),
        iam("ListSigningCertificates", "UserName=missing"),
        iam("ListServiceSpecificCredentials", "UserName=missing"),
        iam("UpdateRole",       "RoleName=missing&Description=d"),
        iam("UpdateRoleDescription", "RoleName=missing&Description=d"),
        iam("UpdateAssumeRolePolicy", &format!("RoleName=missing&PolicyDocument={TRUST}")),
        iam("CreateServiceLinkedRole", "AWSServiceName=ecs.amazonaws.com"),
        iam("DeleteServiceLinkedRole", "RoleName=missing"),
        iam("GetServiceLinkedRoleDeletionStatus", &format!("DeletionTaskId={task}")),
        iam("ListInstanceProfiles", ""),
        iam("ListInstanceProfilesForRole", "RoleName=missing"),
        iam("CreateOpenIDConnectProvider", "Url=https%3A%2F%2Fidp.example.com"),
        iam("GetOpenIDConnectProvider", OIDC),
        iam("ListOpenIDConnectProviders", ""),
        iam("DeleteOpenIDConnectProvider", OIDC),
        iam("UpdateOpenIDConnectProviderThumbprint", &format!("{OIDC}&ThumbprintList.member.1={THUMBPRINT}")),
        iam("AddClientIDToOpenIDConnectProvider", &format!("{OIDC}&ClientID=a")),
        iam("RemoveClientIDFromOpenIDConnectProvider", &format!("{OIDC}&ClientID=a")),
        iam("TagOpenIDConnectProvider", &format!("{OIDC}&{TAG}")),
        iam("UntagOpenIDConnectProvider", &format!("{OIDC}&TagKeys.member.1=k")),
        iam("ListOpenIDConnectProviderTags", OIDC),
        iam("CreateAccountAlias", "AccountAlias=our-company"),
        iam("ListAccountAliases", ""),
        iam("DeleteAccountAlias", "AccountAlias=our-company"),
        iam("GetAccountSummary", ""),
        iam("GetAccountAuthorizationDetails", ""),
        iam("SimulateCustomPolicy", &format!("PolicyInputList.member.1={DOCUMENT}&ActionNames.member.1=s3:*")),
        iam("SimulatePrincipalPolicy", &format!("{source}&ActionNames.member.1=s3:*")),
        iam("GetContextKeysForCustomPolicy", &format!("PolicyInputList.member.1={DOCUMENT}")),
        iam("GetContextKeysForPrincipalPolicy", source),
    ]
}

fn of_sts() -> Vec<Case> {
    let sts = |operation, parameters: &str| {
        let body = format!("Action={operation}&Version=2011-06-15&{parameters}");
        query("sts", operation, String::leak(body))
    };
    vec![
        sts("GetCallerIdentity", ""),
        sts("DecodeAuthorizationMessage", "EncodedMessage=00000000-0000-4000-8000-000000000000"),
        sts("GetSessionToken", ""),
        sts("GetFederationToken", "Name=Susan"),
        sts("GetAccessKeyInfo", "AccessKeyId=ASIAIOSFODNN7EXAMPLE"),
        sts(
            "AssumeRole",
            "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fmissing&RoleSessionName=session",
        ),
        sts(
            "AssumeRoleWithWebIdentity",
            "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fmissing&RoleSessionName=session&\
             WebIdentityToken=nobody",
        ),
    ]
}

#[rustfmt::skip]
fn of_organizations() -> Vec<Case> {
    let organizations = |operation, body| Case {
        operation,
        service: "organizations",
        method: Method::POST,
        path: "/",
        body,
    };
    let unit = r#"{"OrganizationalUnitId":"ou-ab12-11111111"}"#;
    let parent = r#"{"ParentId":"r-ab12"}"#;
    let policy = r#"{"PolicyId":"p-12345678"}"#;
    let attachment = r#"{"PolicyId":"p-12345678","TargetId":"r-ab12"}"#;
    let policy_type = r#"{"RootId":"r-ab12","PolicyType":"SERVICE_CONTROL_POLICY"}"#;
    vec![
        organizations("CreateOrganization", "{}"),
        organizations("DescribeOrganization", ""),
        organizations("DeleteOrganization", ""),
        organizations("CreateAccount", r#"{"AccountName":"new","Email":"new@x.example"}"#),
        organizations("DescribeCreateAccountStatus", r#"{"CreateAccountRequestId":"car-12345678"}"#),
        organizations("ListCreateAccountStatus", "{}"),
        organizations("ListAccounts", "{}"),
        organizations("DescribeAccount", r#"{"AccountId":"223456789012"}"#),
        organizations("ListAccountsForParent", parent),
        organizations("MoveAccount", r#"{"AccountId":"223456789012","SourceParentId":"r-ab12","DestinationParentId":"r-cd34"}"#),
        organizations("RemoveAccountFromOrganization", r#"{"AccountId":"223456789012"}"#),
        organizations("LeaveOrganization", ""),
        organizations("CloseAccount", r#"{"AccountId":"223456789012"}"#),
        organizations("TagResource", r#"{"ResourceId":"r-ab12","Tags":[{"Key":"k","Value":"v"}]}"#),
        organizations("UntagResource", r#"{"ResourceId":"r-ab12","TagKeys":["k"]}"#),
        organizations("ListTagsForResource", r#"{"ResourceId":"r-ab12"}"#),
        organizations("ListRoots", "{}"),
        organizations("ListParents", r#"{"ChildId":"223456789012"}"#),
        organizations("ListChildren", r#"{"ParentId":"r-ab12","ChildType":"ACCOUNT"}"#),
        organizations("CreateOrganizationalUnit", r#"{"ParentId":"r-ab12","Name":"new"}"#),
        organizations("DescribeOrganizationalUnit", unit),
        organizations("UpdateOrganizationalUnit", unit),
        organizations("DeleteOrganizationalUnit", unit),
        organizations("ListOrganizationalUnitsForParent", parent),
        organizations("CreatePolicy", r#"{"Name":"new","Description":"","Type":"SERVICE_CONTROL_POLICY","Content":"{}"}"#),
        organizations("DescribePolicy", policy),
        organizations("UpdatePolicy", policy),
        organizations("DeletePolicy", policy),
        organizations("ListPolicies", r#"{"Filter":"SERVICE_CONTROL_POLICY"}"#),
        organizations("AttachPolicy", attachment),
        organizations("DetachPolicy", attachment),
        organizations("ListPoliciesForTarget", r#"{"TargetId":"r-ab12","Filter":"SERVICE_CONTROL_POLICY"}"#),
        organizations("ListTargetsForPolicy", policy),
        organizations("EnablePolicyType", policy_type),
        organizations("DisablePolicyType", policy_type),
    ]
}

fn ours() -> Vec<Case> {
    let ours = |operation, path, body| Case {
        operation,
        service: "portcullis",
        method: Method::POST,
        path,
        body,
    };
    vec![
        ours(
            "CreateServiceAccessKey",
            "/_portcullis/access-keys",
            r#"{"ServiceName":"s3.amazonaws.com"}"#,
        ),
        ours("CreateRootAccessKey", "/_portcullis/accounts/223456789012/root-access-keys", "{}"),
        ours("Explain", "/_portcullis/explain", SUPPOSED),
        ours(
            "WhoCan",
            "/_portcullis/who-can",
            r#"{"Action":"lambda:ListFunctions","Resource":"*"}"#,
        ),
        Case {
            service: "portcullis",
            ..rest(
                "GetDecision",
                Method::GET,
                "/_portcullis/decisions/00000000-0000-4000-8000-000000000000",
            )
        },
    ]
}

/// Needs no permission, by AWS's rule; everyone who is someone may.
const UNGUARDED: &[&str] = &["GetCallerIdentity", "GetSessionToken"];

/// Only a trust policy admits, so that an identity-based policy alone must not.
const TRUST_ONLY: &[&str] = &["AssumeRole"];

/// A token is the proof, so that no signature admits and none is asked for.
const TOKEN_ONLY: &[&str] = &["AssumeRoleWithWebIdentity"];

fn served() -> impl Iterator<Item = &'static OperationModel> {
    SERVICES.iter().flat_map(|service| service.operations).copied().filter(|row| row.served)
}

fn code(answer: &Answer) -> String {
    let json = answer.headers.get("x-amzn-errortype").map(|code| code.to_str().unwrap().to_owned());
    let xml = || {
        let (_, rest) = answer.text().split_once("<Code>")?;
        Some(rest.split_once('<')?.0.to_owned())
    };
    json.or_else(xml).unwrap_or_default()
}

#[test]
fn every_operation_is_tried() {
    let tried: BTreeSet<_> = cases().iter().map(|case| (case.service, case.operation)).collect();
    let served: BTreeSet<_> = served().map(|row| (row.service, row.name)).collect();
    assert_eq!(tried, served);
}

#[test]
fn every_operation_has_a_row_in_the_authorization_table() {
    for row in served() {
        let unguarded = UNGUARDED.contains(&row.name);
        assert_eq!(row.authorization.is_none(), unguarded, "{}", row.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_do_anything_without_a_permission_of_exactly_that_name() {
    let server = TestServer::start().await;
    let stranger = server.user("stranger", None).await;
    let forger = credentials(&stranger.access_key_id, "not-the-secret");
    for case in cases() {
        let Case { operation, service, method, path, body } = case;
        let call = Call { service, operation, method, path, body };
        if TOKEN_ONLY.contains(&operation) {
            for credentials in [None, Some(&stranger)] {
                let refused = server.call(&call, credentials).await;
                assert_eq!(
                    (refused.status.as_u16(), &*code(&refused)),
                    (400, "InvalidIdentityToken")
                );
            }
            continue;
        }
        let refused = if service == "organizations" { 400 } else { 403 }; // As JSON 1.1 has it.
        let unsigned = server.call(&call, None).await;
        assert_eq!(unsigned.status, refused, "{operation} unsigned: {unsigned:?}");
        assert!(code(&unsigned).starts_with("MissingAuthenticationToken"), "{operation}");
        let forged = server.call(&call, Some(&forger)).await;
        assert_eq!(forged.status, refused, "{operation} forged: {forged:?}");
        assert!(
            ["InvalidSignatureException", "SignatureDoesNotMatch"].contains(&&*code(&forged)),
            "{operation}: {forged:?}"
        );
        let denied = server.call(&call, Some(&stranger)).await;
        if UNGUARDED.contains(&operation) {
            assert_eq!(denied.status, 200, "{operation}");
            continue;
        }
        assert_eq!(denied.status, refused, "{operation} denied: {denied:?}");
        let row = served().find(|row| row.service == service && row.name == operation).unwrap();
        let action = row.authorization.unwrap().action;
        let text = format!("is not authorized to perform: {action} on resource: ");
        assert!(denied.text().contains(&text), "{operation}: {}", denied.text());
        admit(&server, operation, action, &call).await;
    }
}

/// What the operations on whole policies ask for beside their own action: leave for each grant.
fn beside(operation: &str) -> &'static str {
    match operation {
        "PutResourcePolicy" => r#","lambda:AddPermission","lambda:RemovePermission""#,
        "GetResourcePolicy" => r#","lambda:GetPolicy""#,
        "DeleteResourcePolicy" => r#","lambda:RemovePermission""#,
        _ => "",
    }
}

/// A user who may do exactly this action, and whatever hangs on it, is not refused.
async fn admit(server: &TestServer, operation: &str, action: &str, call: &Call<'_>) {
    let beside = beside(operation);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["{action}","iam:PassRole"{beside}],"Resource":"*"}}]}}"#
    );
    let name = format!("may-{}-{operation}", call.service);
    let user = server.user(&name, Some(&policy)).await;
    let allowed = server.call(call, Some(&user)).await;
    let want = TRUST_ONLY.contains(&operation);
    let is_denied = code(&allowed).starts_with("AccessDenied");
    assert_eq!(is_denied || allowed.status == 403, want, "{operation} allowed: {allowed:?}");
    assert!(allowed.status.as_u16() < 500, "{operation}: {allowed:?}");
}
