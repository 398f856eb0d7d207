//! REST requests: any method, path, query, headers and body are routed, bound and validated; what is
//! valid decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_fuzz::{decoders::check_bound, request};
use portcullis_model::{LAMBDA, PORTCULLIS, Route, bind, route};

fuzz_target!(|data: &[u8]| {
    let Some((head, body)) = request(data) else { return };
    for service in [&LAMBDA, &PORTCULLIS] {
        let (path, query) = (head.uri.path(), head.uri.query());
        let routed = route(service, &head.method, path, query);
        let Ok(Some(Route { operation, labels })) = routed else { continue };
        assert_eq!(operation.method, head.method.as_str());
        match bind(operation, &labels, query, &head.headers, body) {
            Ok(bound) => check_bound(operation, bound),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
