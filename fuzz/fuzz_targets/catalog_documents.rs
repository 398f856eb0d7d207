//! What the store holds: any bytes are a document or refused; a document that was read is written
//! in one form, which reads back as itself; a key that is an address is the key of that address.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use portcullis_catalog::{address::Address, documents::Document};
use portcullis_identity::{AccessKey, Account, OperatorKey, Role, SessionKeys, User};
use portcullis_lambda::{Alias, Function, PublishedVersion, ResourcePolicy};
use portcullis_store::Key;

fuzz_target!(|data: &[u8]| {
    check::<Account>(data);
    check::<User>(data);
    check::<Role>(data);
    check::<AccessKey>(data);
    check::<OperatorKey>(data);
    check::<SessionKeys>(data);
    check::<Function>(data);
    check::<PublishedVersion>(data);
    check::<Alias>(data);
    check::<ResourcePolicy>(data);
    if let Ok(key) = Key::new(data.to_vec())
        && let Some(address) = Address::parse(&key)
    {
        assert_eq!(address.key(), key, "{address:?}");
    }
});

fn check<T: Document + PartialEq + Debug>(data: &[u8]) {
    let Ok(value) = T::decode(data) else { return };
    let written = value.encode();
    let again = T::decode(&written);
    let again = again.unwrap_or_else(|error| panic!("{error}: {}", written.escape_ascii()));
    assert_eq!(again, value);
    assert_eq!(again.encode(), written);
}
