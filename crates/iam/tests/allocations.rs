//! Deciding allocates nothing, whatever the documents: counted by an allocator that counts.

#[path = "../benches/shapes/mod.rs"]
mod shapes;

use std::hint::black_box;

use portcullis_iam::decide;
use shapes::{Shape, USER, document, user_context};

#[test]
fn deciding_allocates_nothing() {
    for shape in shapes::all().into_iter().chain(any()) {
        shape.ask(|request, policies| {
            let counted = allocation_counter::measure(|| {
                let _ = black_box(decide(request, policies));
            });
            assert_eq!(counted.count_total, 0, "{shape}: {counted:?}");
        });
    }
}

#[test]
fn what_is_allocated_is_counted() {
    let counted = allocation_counter::measure(|| drop(vec![1]));
    assert_eq!(counted.count_total, 1);
}

/// Every family of operators, lists, variables, more keys
/// than are remembered, and an action longer than any. Not fast, but without memory.
fn any() -> Vec<Shape> {
    let mut context = user_context();
    for (key, value) in [
        ("aws:EpochTime", "1764000000"),
        ("aws:CurrentTime", "2025-11-24T16:00:00Z"),
        ("aws:MultiFactorAuthAge", "12.5"),
        ("aws:key", "QUJD"),
        ("aws:SourceArn", "arn:aws:s3:::alice"),
    ] {
        context.insert(key, value);
    }
    context.insert_list("aws:TagKeys", ["team", "cost"].map(str::to_owned));
    let operators = r#"{
        "StringEquals":{"aws:username":["${aws:none, 'x'}","${aws:username}"]},
        "StringNotEquals":{"aws:PrincipalArn":"${aws:none}"},
        "StringEqualsIgnoreCase":{"aws:username":"${aws:none, 'AL'}ICE"},
        "StringLike":{"aws:PrincipalArn":["a?b*","arn:*:user/${aws:username}"]},
        "NumericLessThan":{"aws:MultiFactorAuthAge":"13"},"NumericNotEquals":{"aws:EpochTime":["1","2.50"]},
        "DateGreaterThan":{"aws:CurrentTime":"2024-01-01","aws:EpochTime":"2024-01-01T00:00:00+01:00"},
        "Bool":{"aws:SecureTransport":"${aws:none, 'tr'}ue"},"BinaryEquals":{"aws:key":"QUJD"},
        "IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.0/24"]},"NotIpAddressIfExists":{"aws:SourceIp":"::/0"},
        "ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:${aws:username}"},"ArnNotEquals":{"aws:SourceArn":"arn:aws:sqs:*:*:*"},
        "ForAllValues:StringLike":{"aws:TagKeys":["team","c*"]},"ForAnyValue:StringNotEquals":{"aws:TagKeys":"team"},
        "Null":{"aws:none":"true"}}"#;
    let allow = |condition: &str| {
        document(&[
            format!(
                r#"{{"Effect":"Allow","Action":"*","Resource":"arn:*:lambda:*:*:function:or${{*}}ders*","Condition":{condition}}}"#
            ),
            format!(
                r#"{{"Effect":"Allow","Action":"*","NotResource":["arn:aws:s3:::${{aws:username}}/*","arn:aws:s3"],"Condition":{condition}}}"#
            ),
        ])
    };
    let keys: Vec<String> =
        (0..40).map(|n| format!(r#""aws:k{n}":"v${{aws:k{}}}""#, 39 - n)).collect();
    let many_keys = format!(r#"{{"StringNotLike":{{{}}}}}"#, keys.join(","));
    let some = (0..40).map(|n| (format!("aws:k{n}"), "w"));
    vec![
        Shape::new("operators", 0, USER, context).identity(&allow(operators)),
        Shape::new("many_keys", 0, USER, some.collect()).identity(&allow(&many_keys)),
        Shape {
            action: format!("lambda:Invoke{}", "X".repeat(500)),
            ..Shape::new("long_action", 0, USER, user_context())
        }
        .identity(&document(&[
            r#"{"Effect":"Allow","Action":["s3:*","lambda:In*xx"],"Resource":"*"}"#.to_owned(),
        ])),
    ]
}
