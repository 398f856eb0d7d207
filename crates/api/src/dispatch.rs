//! From an operation's row to its handler: a served operation without its file in `ops` does not
//! compile.

use std::pin::Pin;

use http::Response;
use portcullis_model::{
    IAM, LAMBDA, ORGANIZATIONS, OperationModel, PORTCULLIS, STS, decode, iam, lambda,
    organizations, portcullis, served_iam, served_lambda, served_organizations, served_portcullis,
    served_sts, sts,
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
        "lambda" => lambda(operation.name),
        "iam" => iam(operation.name),
        "sts" => sts(operation.name),
        "organizations" => organizations(operation.name),
        "portcullis" => portcullis(operation.name),
        _ => None,
    }
}

/// One function from names to handlers: decode the input, call the file in `ops`, render.
macro_rules! handlers {
    ($module:ident $service:ident: $($operation:ident $file:ident,)*) => {
        fn $module(name: &str) -> Option<Handler> {
            match name {
                $(stringify!($operation) => Some(|cx, bound| Box::pin(async move {
                    use portcullis_model::Operation;
                    use $module::operation::$operation;
                    let input = decode::<$operation>(bound)?;
                    let answer = ops::$module::$file::$file(cx, input).await?;
                    render::<<$operation as Operation>::Output>(
                        &$service, $operation::MODEL, answer, cx.request_id(),
                    )
                })),)*
                _ => None,
            }
        }
    };
}

served_lambda!(handlers);
served_iam!(handlers);
served_sts!(handlers);
served_organizations!(handlers);
served_portcullis!(handlers);

#[cfg(test)]
mod tests {
    use portcullis_model::SERVICES;

    use super::handler;

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
