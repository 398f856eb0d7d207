//! From an operation's row to its handler: one line an operation, all of them and no others.

use std::pin::Pin;

use http::Response;
use portcullis_model::{
    IAM, LAMBDA, OperationModel, PORTCULLIS, STS, decode, iam, lambda, portcullis, sts,
};
use serde_json::Value;

use crate::{
    answer::{Body, render},
    context::RequestCx,
    error::ApiError,
    ops,
};

type Handling<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, ApiError>> + Send + 'a>>;

/// Runs one operation on its bound and validated input.
pub(crate) type Handler = for<'a> fn(&'a RequestCx<'a>, Value) -> Handling<'a>;

/// The handler of an operation; `None` when it is not served.
pub(crate) fn handler(operation: &OperationModel) -> Option<Handler> {
    match operation.service {
        "lambda" => of_lambda(operation.name),
        "iam" => of_iam(operation.name),
        "sts" => of_sts(operation.name),
        "portcullis" => of_portcullis(operation.name),
        _ => None,
    }
}

/// One function from names to handlers: decode the input, call the file in `ops`, render.
macro_rules! handlers {
    ($name:ident, $service:ident, $module:ident: $($operation:ident => $file:ident,)*) => {
        fn $name(name: &str) -> Option<Handler> {
            match name {
                $(stringify!($operation) => Some(|cx, bound| Box::pin(async move {
                    use portcullis_model::Operation;
                    use $module::operation::$operation;
                    let answer = ops::$file::$file(cx, decode::<$operation>(bound)?).await?;
                    render::<<$operation as Operation>::Output>(
                        &$service, $operation::MODEL, answer, cx.request_id,
                    )
                })),)*
                _ => None,
            }
        }
    };
}

handlers! { of_lambda, LAMBDA, lambda:
    AddPermission => add_permission,
    CreateAlias => create_alias,
    CreateFunction => create_function,
    DeleteAlias => delete_alias,
    DeleteFunction => delete_function,
    GetAlias => get_alias,
    GetFunction => get_function,
    GetFunctionCodeSigningConfig => get_function_code_signing_config,
    GetFunctionConfiguration => get_function_configuration,
    GetPolicy => get_policy,
    Invoke => invoke,
    ListAliases => list_aliases,
    ListFunctions => list_functions,
    ListTags => list_tags,
    ListVersionsByFunction => list_versions_by_function,
    PublishVersion => publish_version,
    RemovePermission => remove_permission,
    TagResource => tag_resource,
    UntagResource => untag_resource,
    UpdateAlias => update_alias,
    UpdateFunctionCode => update_function_code,
    UpdateFunctionConfiguration => update_function_configuration,
}

handlers! { of_iam, IAM, iam:
    CreateAccessKey => create_access_key,
    CreateRole => create_role,
    CreateUser => create_user,
    DeleteAccessKey => delete_access_key,
    DeleteRole => delete_role,
    DeleteRolePolicy => delete_role_policy,
    DeleteUser => delete_user,
    DeleteUserPolicy => delete_user_policy,
    GetRole => get_role,
    GetRolePolicy => get_role_policy,
    GetUser => get_user,
    GetUserPolicy => get_user_policy,
    ListAccessKeys => list_access_keys,
    ListRolePolicies => list_role_policies,
    ListRoles => list_roles,
    ListUserPolicies => list_user_policies,
    ListUsers => list_users,
    PutRolePolicy => put_role_policy,
    PutUserPolicy => put_user_policy,
}

handlers! { of_sts, STS, sts:
    AssumeRole => assume_role,
    GetCallerIdentity => get_caller_identity,
}

handlers! { of_portcullis, PORTCULLIS, portcullis:
    CreateRootAccessKey => create_root_access_key,
    CreateServiceAccessKey => create_service_access_key,
}

#[cfg(test)]
mod tests {
    use portcullis_model::SERVICES;

    use super::handler;

    /// You serve an operation: give it its line above. Nothing else may have one.
    #[test]
    fn every_served_operation_has_a_handler_and_no_other() {
        for service in SERVICES {
            for operation in service.operations {
                let name = operation.name;
                assert_eq!(handler(operation).is_some(), operation.served, "{name}");
            }
        }
    }
}
