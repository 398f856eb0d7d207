//! The typed input of every served operation, by its row.

use portcullis_model::{
    BindError, Operation, OperationModel, decode, iam, lambda, organizations, portcullis,
    served_iam, served_lambda, served_organizations, served_portcullis, served_sts, sts, validate,
};
use serde_json::Value;

type Decoder = fn(Value) -> Result<(), BindError>;

fn typed<O: Operation>(bound: Value) -> Result<(), BindError> {
    decode::<O>(bound).map(drop)
}

/// From the names of one service's operations to their decoders.
macro_rules! decoders {
    ($module:ident $service:ident: $($operation:ident $handler:ident,)*) => {
        |name: &str| -> Option<Decoder> {
            match name {
                $(stringify!($operation) => Some(typed::<$module::operation::$operation>),)*
                _ => None,
            }
        }
    };
}

fn decoder(operation: &OperationModel) -> Decoder {
    let decoder = match operation.service {
        "lambda" => served_lambda!(decoders)(operation.name),
        "iam" => served_iam!(decoders)(operation.name),
        "sts" => served_sts!(decoders)(operation.name),
        "organizations" => served_organizations!(decoders)(operation.name),
        _ => served_portcullis!(decoders)(operation.name),
    };
    decoder.expect("a served operation has a type")
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
