//! The typed input of every served operation, by its row.

use portcullis_model::{
    BindError, Operation, OperationModel, decode, iam, lambda, portcullis, sts, validate,
};
use serde_json::Value;

fn typed<O: Operation>(bound: Value) -> Result<(), BindError> {
    decode::<O>(bound).map(drop)
}

macro_rules! decoder {
    ($operation:ident; $($service:ident: $($name:ident)+;)+) => {
        match ($operation.service, $operation.name) {
            $($((stringify!($service), stringify!($name)) => {
                typed::<$service::operation::$name>
            })+)+
            (service, name) => panic!("{service} {name} is served and has no row here"),
        }
    };
}

#[rustfmt::skip]
fn decoder(operation: &OperationModel) -> fn(Value) -> Result<(), BindError> {
    decoder! { operation;
        lambda: AddPermission CreateAlias CreateFunction DeleteAlias DeleteFunction GetAlias GetFunction
            GetFunctionCodeSigningConfig GetFunctionConfiguration GetPolicy Invoke ListAliases
            ListFunctions ListTags ListVersionsByFunction PublishVersion RemovePermission TagResource
            UntagResource UpdateAlias UpdateFunctionCode UpdateFunctionConfiguration;
        iam: CreateAccessKey CreateRole CreateUser DeleteAccessKey DeleteRole DeleteRolePolicy
            DeleteUser DeleteUserPolicy GetRole GetRolePolicy GetUser GetUserPolicy ListAccessKeys
            ListRolePolicies ListRoles ListUserPolicies ListUsers PutRolePolicy PutUserPolicy;
        sts: AssumeRole GetCallerIdentity;
        portcullis: CreateRootAccessKey CreateServiceAccessKey;
    }
}

/// Validates what was bound. What is valid decodes, but for a blob that is not base64.
pub fn check_bound(operation: &OperationModel, bound: Value) {
    assert!(bound.is_object(), "{bound}");
    if let Err(error) = validate(operation, &bound) {
        assert!(error.to_string().contains(" detected: "), "{error}");
        return;
    }
    if !operation.served {
        return;
    }
    if let Err(error) = decoder(operation)(bound.clone()) {
        let text = error.to_string();
        let is_base64 = text.starts_with("The request could not be read: Invalid ");
        assert!(is_base64, "{} is valid and does not decode: {text}: {bound}", operation.name);
    }
}
