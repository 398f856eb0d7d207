//! Which resources an action is called on, as far as its name tells: for examples that could be
//! sent.

use std::borrow::Cow;

use crate::glob::glob;

/// Patterns of actions in lower case, and of the ARNs that they are called on; `*` for those that
/// are called on no resource in particular. The first row that fits counts.
const SHAPES: [(&str, &str); 27] = [
    ("lambda:listtags", "arn:*:lambda:?*:?*:function:*"),
    ("lambda:*layerversion*", "arn:*:lambda:?*:?*:layer:*"),
    ("lambda:listlayers", "*"),
    ("lambda:listfunctions", "*"),
    ("lambda:getaccountsettings", "*"),
    ("lambda:createeventsourcemapping", "*"),
    ("lambda:listeventsourcemappings", "*"),
    ("lambda:*eventsourcemapping", "arn:*:lambda:?*:?*:event-source-mapping:*"),
    ("lambda:createcodesigningconfig", "*"),
    ("lambda:listcodesigningconfigs", "*"),
    ("lambda:*", "arn:*:lambda:?*:?*:function:*"),
    ("s3:listallmybuckets", "*"),
    ("s3:*object*", "arn:*:s3:::*/*"),
    ("s3:*", "arn:*:s3:::*"),
    ("sqs:listqueues", "*"),
    ("sqs:*", "arn:*:sqs:?*:?*:*"),
    ("sns:*", "arn:*:sns:?*:?*:*"),
    ("sts:assumerole*", "arn:*:iam::?*:role/*"),
    ("sts:*", "*"),
    ("iam:list*", "*"),
    ("iam:*rolepolic*", "arn:*:iam::?*:role/*"),
    ("iam:*role", "arn:*:iam::?*:role/*"),
    ("iam:*group*", "arn:*:iam::?*:group/*"),
    ("iam:*userpolic*", "arn:*:iam::?*:user/*"),
    ("iam:*policy*", "arn:*:iam::?*:policy/*"),
    ("iam:*", "arn:*:iam::?*:user/*"),
    ("dynamodb:*", "arn:*:dynamodb:?*:?*:table/*"),
];

/// The pattern of the ARNs that `action` is called on, or `*`.
pub(crate) fn shape(action: &str) -> Cow<'static, str> {
    let action = action.to_ascii_lowercase();
    match SHAPES.iter().find(|(pattern, _)| glob(pattern, &action)) {
        Some((_, shape)) => Cow::Borrowed(shape),
        None => {
            let service = action.split(':').next().unwrap_or_default();
            Cow::Owned(format!("arn:*:{service}:?*:?*:*"))
        }
    }
}

/// The pattern of the ARNs of resources that a pattern of ARNs is about: those of its service.
pub(crate) fn shape_of_service(service: &str) -> Cow<'static, str> {
    let service = if service.contains(['*', '?', '$']) { "s3" } else { service };
    shape(&format!("{service}:example"))
}

/// Whether a call of `action` on `resource` could be sent.
pub(crate) fn fits(action: &str, resource: &str) -> bool {
    let shape = shape(action);
    if *shape == *"*" { resource == "*" } else { glob(&shape, resource) }
}

/// The partition that a region, or the pattern of one, is in.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// A region of the partition, where it is not the most common one.
pub(crate) fn region(partition: &str) -> Option<&'static str> {
    match partition {
        "aws-cn" => Some("cn-north-1"),
        "aws-us-gov" => Some("us-gov-west-1"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    #[rustfmt::skip]
    fn an_action_fits_the_resources_of_its_own_service_and_type() {
        for (action, resource, want) in [
            ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111111111111:function:f",      true),
            ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111111111111:function:f:prod", true),
            ("lambda:InvokeFunction", "arn:aws:s3:us-east-1:111111111111:function:f",          false),
            ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111111111111:layer:l:1",       false),
            ("lambda:ListFunctions",  "*",                                                     true),
            ("sts:AssumeRole",        "arn:aws:iam::111111111111:role/r",                      true),
            ("iam:GetRole",           "arn:aws:iam::111111111111:role/r",                      true),
            ("s3:GetObject",          "arn:aws:s3:::bucket/key",                               true),
            ("Other:Do",              "arn:aws:other:us-east-1:111111111111:thing",            true),
        ] {
            assert_eq!(fits(action, resource), want, "{action} on {resource}");
        }
    }
}
