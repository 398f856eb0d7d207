//! Requests of the query protocol: any form is bound and validated, what is valid decodes; and any
//! answer is well-formed XML. The input is a form, an empty line, and an answer as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{decoders::check_bound, split_once};
use portcullis_model::{Form, IAM, OperationModel, STS, Service, bind_query, xml, xml_error};
use quick_xml::events::Event;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let (form, answer) = split_once(data, b"\n\n").unwrap_or((data, b""));
    let answer = serde_json::from_slice(answer).unwrap_or(Value::Null);
    let Ok(form) = Form::parse(form) else { return };
    for service in [&IAM, &STS] {
        let action = form.get("Action").unwrap_or_default();
        check_xml(&xml_error(service, 400, action, action, action));
        if let Some(operation) = service.operation(action) {
            check(service, operation, &form, &answer);
        }
    }
});

fn check(service: &Service, operation: &OperationModel, form: &Form, answer: &Value) {
    check_xml(&xml(service, operation, answer, "request"));
    match bind_query(operation, form) {
        Ok(bound) => {
            check_xml(&xml(service, operation, &bound, "request"));
            check_bound(operation, bound);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// One element, every element closed, every character one of XML 1.0.
fn check_xml(text: &str) {
    let legal = |c: char| c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}') || "\t\n\r".contains(c);
    assert!(text.chars().all(legal), "{text:?}");
    let mut reader = quick_xml::Reader::from_str(text);
    let mut depth = 0_u32;
    let mut roots = 0;
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {text}")) {
            Event::Start(_) => {
                roots += u32::from(depth == 0);
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => assert_ne!(depth, 0, "text outside of the root: {text}"),
        }
    }
    assert_eq!((depth, roots), (0, 1), "{text}");
}
