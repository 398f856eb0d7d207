//! The condition keys of Lambda, and the actions whose requests have them.

use portcullis_iam::analysis::{Bearers, ConditionKey, KeyType};

const INVOCATIONS: [&str; 2] = ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl"];

const URLS_AND_GRANTS: [&str; 8] = [
    "lambda:InvokeFunctionUrl",
    "lambda:AddPermission",
    "lambda:RemovePermission",
    "lambda:CreateFunctionUrlConfig",
    "lambda:UpdateFunctionUrlConfig",
    "lambda:DeleteFunctionUrlConfig",
    "lambda:GetFunctionUrlConfig",
    "lambda:ListFunctionUrlConfigs",
];

const URLS_AND_MAPPINGS: [&str; 10] = [
    "lambda:CreateEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:InvokeFunctionUrl",
    "lambda:CreateFunctionUrlConfig",
    "lambda:UpdateFunctionUrlConfig",
    "lambda:DeleteFunctionUrlConfig",
    "lambda:GetFunctionUrlConfig",
    "lambda:ListFunctionUrlConfigs",
];

const GRANTS: [&str; 4] = [
    "lambda:AddPermission",
    "lambda:RemovePermission",
    "lambda:PutResourcePolicy",
    "lambda:DeleteResourcePolicy",
];

const SIGNING: [&str; 2] = ["lambda:CreateFunction", "lambda:PutFunctionCodeSigningConfig"];

const CONFIGURATIONS: [&str; 2] = ["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"];

const ONE: bool = false;
const MANY: bool = true;
const WHO: bool = true;
const ANY: bool = false;

use Bearers::{Accounts, Anyone, Services};
use KeyType::{Arn, Bool, String};

/// Lambda's own condition keys. Source: iam.md §9.6.
#[rustfmt::skip]
pub const LAMBDA_KEYS: [ConditionKey; 11] = [
    // Only services that act for a skill bring a token.
    ConditionKey::new("lambda:EventSourceToken",      String, ONE,  Services, WHO).on(&INVOCATIONS),
    ConditionKey::new("lambda:InvokedViaFunctionUrl", Bool,   ONE,  Anyone,   ANY).on(&["lambda:InvokeFunction"]),
    ConditionKey::new("lambda:FunctionUrlAuthType",   String, ONE,  Anyone,   ANY).on(&URLS_AND_GRANTS),
    ConditionKey::new("lambda:FunctionArn",           Arn,    ONE,  Anyone,   ANY).on(&URLS_AND_MAPPINGS),
    ConditionKey::new("lambda:Principal",             String, ONE,  Anyone,   ANY).on(&GRANTS),
    ConditionKey::new("lambda:CodeSigningConfigArn",  Arn,    ONE,  Anyone,   ANY).on(&SIGNING),
    ConditionKey::new("lambda:Layer",                 String, MANY, Anyone,   ANY).on(&CONFIGURATIONS),
    ConditionKey::new("lambda:VpcIds",                String, ONE,  Anyone,   ANY).on(&CONFIGURATIONS),
    ConditionKey::new("lambda:SubnetIds",             String, MANY, Anyone,   ANY).on(&CONFIGURATIONS),
    ConditionKey::new("lambda:SecurityGroupIds",      String, MANY, Anyone,   ANY).on(&CONFIGURATIONS),
    // Of calls that a function makes, whatever they are.
    ConditionKey::new("lambda:SourceFunctionArn",     Arn,    ONE,  Accounts, WHO),
];
