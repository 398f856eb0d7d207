//! Deployment packages: any bytes are unpacked whole, within their folder and the limit, exactly as
//! they were inspected, or leave nothing behind.
#![no_main]

use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use portcullis_sandbox::unpack::{Contents, UNZIPPED_BYTES_MAX, inspect, remove, unpack};

fuzz_target!(|zip: &[u8]| {
    let base = tempfile::tempdir().expect("a temporary folder");
    let dir = base.path().join("package");
    let inspected = inspect(zip);
    let unpacked = unpack(zip, &dir);
    // Of two faults each may name another: unpacking makes links last.
    assert_eq!(inspected.is_ok(), unpacked.is_ok(), "{inspected:?}, then {unpacked:?}");
    let beside = fs::read_dir(base.path()).expect("it is there").count();
    let Ok(inspected) = inspected else {
        return assert_eq!(beside, 0, "a refused package leaves nothing");
    };
    assert_eq!(beside, 1, "only the package");
    let mut found = Contents { files: 0, unzipped_bytes: 0 };
    let real = dir.canonicalize().expect("it is there");
    count(&real, &real, &mut found);
    assert_eq!(found, inspected);
    assert!(found.unzipped_bytes <= UNZIPPED_BYTES_MAX);
    remove(&dir).expect("a package can be removed");
});

/// Adds what lies in `folder`; every link in it ends within `package`, if anywhere.
fn count(package: &Path, folder: &Path, found: &mut Contents) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("an entry").path();
        let metadata = path.symlink_metadata().expect("it is there");
        if metadata.is_dir() {
            count(package, &path, found);
            continue;
        }
        found.files += 1;
        found.unzipped_bytes += metadata.len();
        if metadata.is_symlink() {
            let end = path.canonicalize();
            assert!(end.is_err() || end.is_ok_and(|end| end.starts_with(package)), "{path:?}");
        } else {
            assert!(metadata.is_file(), "{path:?}");
        }
    }
}
