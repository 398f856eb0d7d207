//! Packages that are good, damaged and hostile.

use std::collections::BTreeMap;

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// Builds a package; entries whose mode says "link" have their target as content.
fn package(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        if mode & KIND_MASK == KIND_LINK {
            zip.add_symlink(*name, std::str::from_utf8(content).unwrap(), options).unwrap();
        } else if name.ends_with('/') {
            zip.add_directory(*name, options).unwrap();
        } else {
            zip.start_file(*name, options).unwrap();
            zip.write_all(content).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

/// Replaces every occurrence of `from` by `to`, of the same length: names, in both directories.
fn patched(mut zip: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> = memchr::memmem::find_iter(&zip, from).collect();
    assert!(!places.is_empty());
    for place in places {
        zip[place..place + to.len()].copy_from_slice(to);
    }
    zip
}

/// What lies below a folder: way → mode and content (or target).
fn tree(root: &Path) -> BTreeMap<String, (u32, String)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = match () {
                () if metadata.is_dir() => "/".to_owned(),
                () if metadata.is_symlink() => path.read_link().unwrap().display().to_string(),
                () => fs::read_to_string(&path).unwrap(),
            };
            let way = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(way, (metadata.permissions().mode() & 0o7777, content));
            if metadata.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// Unpacks beside an empty folder's only child; nothing may be left of what was refused.
fn unpacked(zip: &[u8]) -> Result<BTreeMap<String, (u32, String)>, ZipError> {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("code");
    let result = unpack(zip, &dir);
    assert_eq!(dir.exists(), result.is_ok());
    assert_eq!(inspect(zip).is_ok(), result.is_ok(), "inspect and unpack agree");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), usize::from(result.is_ok()));
    let found = result.map(|()| tree(&dir));
    remove(&dir).unwrap();
    found
}

#[track_caller]
fn check_refused(zip: &[u8], want: &str) {
    let error = unpacked(zip).unwrap_err().to_string();
    assert!(error.contains(want), "{error}");
}

#[test]
fn a_package_is_unpacked_readable_and_read_only() {
    let zip = package(&[
        ("index.py", 0o600, b"code"),
        ("bin/", 0o700, b""),
        ("bin/tool", 0o4755, b"tool"),
        ("deep/er/file", 0o666, b""),
        ("./dot", 0o644, b"dot"),
        ("link", KIND_LINK | 0o777, b"deep/er/file"),
        ("deep/up", KIND_LINK | 0o777, b"../index.py"),
    ]);
    let found = unpacked(&zip).unwrap();
    let found: Vec<_> =
        found.iter().map(|(way, (mode, content))| format!("{way} {mode:o} {content}")).collect();
    let want = [
        "bin 555 /",
        "bin/tool 555 tool",
        "deep 555 /",
        "deep/er 555 /",
        "deep/er/file 444 ",
        "deep/up 777 ../index.py",
        "dot 444 dot",
        "index.py 444 code",
        "link 777 deep/er/file",
    ];
    assert_eq!(found, want);
    assert_eq!(inspect(&zip).unwrap(), Contents { files: 6, unzipped_bytes: 11 + 12 + 11 });
}

#[test]
fn the_empty_package_is_a_package() {
    assert!(unpacked(&package(&[])).unwrap().is_empty());
}

#[test]
#[rustfmt::skip]
fn ways_out_of_the_package_are_refused() {
    let long = "n".repeat(256);
    let deep = "d/".repeat(1100) + "f";
    for name in ["/etc/passwd", "../a", "a/../../b", "a/..", "..", ".", "./.", &long, &deep] {
        check_refused(&package(&[(name, 0o644, b"x")]), "does not name a place within the package");
    }
    check_refused(&patched(package(&[("a_b", 0o644, b"")]), b"a_b", b"a\0b"), "does not name a place");
}

#[test]
fn links_out_of_the_package_are_refused() {
    let link = KIND_LINK | 0o777;
    for (name, target) in [
        ("l", "/etc/passwd"),
        ("l", ".."),
        ("l", "../x"),
        ("d/l", "../../x"),
        // Leads out through another link: `z` may be the folder itself.
        ("l", "z/.."),
        ("d/l", "../z/../x"),
        ("l", ""),
    ] {
        check_refused(&package(&[(name, link, target.as_bytes())]), "leads out of the package");
    }
    let long = "x".repeat(PATH_BYTES_MAX + 1);
    check_refused(&package(&[("l", link, long.as_bytes())]), "leads out of the package");
}

#[test]
fn one_place_has_one_entry() {
    let link = KIND_LINK | 0o777;
    let there = "is there more than once";
    check_refused(&package(&[("a", 0o644, b""), ("./a", 0o644, b"")]), there);
    check_refused(&package(&[("a", 0o644, b""), ("a/", 0o755, b"")]), there);
    check_refused(&package(&[("a", 0o644, b""), ("a/b", 0o644, b"")]), there);
    check_refused(&package(&[("a/b/c", 0o644, b""), ("a/b", 0o644, b"")]), there);
    check_refused(&package(&[("a", link, b"b"), ("a/b", 0o644, b"")]), there);
    let twice = package(&[("aaaa", 0o644, b"1"), ("bbbb", 0o644, b"2")]);
    check_refused(&patched(twice, b"bbbb", b"aaaa"), there);
    unpacked(&package(&[("a/", 0o755, b""), ("./a/", 0o755, b""), ("a/b", 0o644, b"")])).unwrap();
}

#[test]
fn what_is_not_a_file_a_folder_or_a_link_is_refused() {
    let file = package(&[("fifo", 0o644, b"")]);
    // The upper half of the external attributes, in the central directory only.
    let fifo =
        patched(file, &(0o100_644_u32 << 16).to_le_bytes(), &(0o010_644_u32 << 16).to_le_bytes());
    check_refused(&fifo, "neither a file, a folder nor a symbolic link");
}

#[test]
fn encrypted_entries_are_refused() {
    let mut zip = package(&[("secret", 0o644, b"x")]);
    let central = memchr::memmem::find(&zip, b"PK\x01\x02").unwrap();
    zip[central + 8] |= 1;
    check_refused(&zip, "is encrypted");
}

#[test]
fn sizes_are_counted_and_not_believed() {
    let zeros = vec![0; 1 << 20];
    let bomb = package(&[("a", 0o644, &zeros), ("b", 0o644, &zeros), ("c", 0o644, b"c")]);
    assert!(bomb.len() < 10_000);
    // Entries that claim to be empty.
    let lying = patched(bomb.clone(), &(1_u32 << 20).to_le_bytes(), &[0; 4]);
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("code");
    for (zip, max, fits) in [
        (&bomb, (2 << 20) + 1, true),
        (&bomb, 2 << 20, false),
        (&bomb, 10, false),
        (&lying, 2 << 20, false),
        (&lying, 10, false),
    ] {
        assert_eq!(inspect_within(zip, max).is_ok(), fits);
        assert_eq!(unpack_within(zip, &dir, max).is_ok(), fits);
        remove(&dir).unwrap();
    }
    let error = inspect_within(&bomb, 2 << 20).unwrap_err();
    assert_eq!(error.to_string(), "the unzipped size must be smaller than 262144000 bytes");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn more_entries_than_the_limit_are_refused_before_they_are_read() {
    let signatures = b"PK\x01\x02".repeat(ENTRIES_MAX + 1);
    assert!(matches!(inspect(&signatures), Err(ZipError::TooManyEntries)));
}

/// A name of two kilobytes may be of a thousand folders.
#[test]
fn folders_that_only_names_tell_of_have_the_same_limit() {
    let deep = |entries: usize| {
        let name = |number| format!("{number}/{}f", "a/".repeat(999));
        let names: Vec<_> = (0..entries).map(name).collect();
        package(&names.iter().map(|name| (name.as_str(), 0o644, &b""[..])).collect::<Vec<_>>())
    };
    let parent = tempfile::tempdir().unwrap();
    unpack(&deep(2), &parent.path().join("deep")).unwrap();
    remove(&parent.path().join("deep")).unwrap();
    assert!(matches!(inspect(&deep(ENTRIES_MAX / 1000 + 1)), Err(ZipError::TooManyEntries)));
}

#[test]
fn damage_is_noticed() {
    let zip = package(&[("index.py", 0o644, b"some code that is compressed"), ("b", 0o644, b"b")]);
    for length in 0..zip.len() {
        unpacked(&zip[..length]).unwrap_err();
    }
    let content = 30 + "index.py".len();
    let mut flipped = zip.clone();
    flipped[content + 5] ^= 0x40;
    check_refused(&flipped, "not a readable zip archive");
    check_refused(b"PK", "not a readable zip archive");
}

#[test]
fn many_calls_for_one_package_all_succeed() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("code");
    let zip = package(&[("a/b", 0o644, b"content")]);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| unpack(&zip, &dir))).collect();
        for call in calls {
            call.join().unwrap().unwrap();
        }
    });
    assert_eq!(tree(&dir)["a/b"].1, "content");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    remove(&dir).unwrap();
    remove(&dir).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused_or_unpacked(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = unpacked(&bytes);
    }

    #[test]
    fn a_changed_package_is_refused_or_stays_inside(
        changes in prop::collection::vec((0..600_usize, any::<u8>()), 1..6),
    ) {
        let link = KIND_LINK | 0o777;
        let mut zip = package(&[
            ("a/b.py", 0o644, b"content content content"), ("a/l", link, b"../c"), ("c/", 0o755, b""),
        ]);
        let length = zip.len();
        for (place, byte) in changes {
            zip[place % length] = byte;
        }
        // `unpacked` looks that nothing lies beside the package.
        if let Ok(found) = unpacked(&zip) {
            for (way, (_, content)) in found.iter().filter(|(_, (mode, _))| *mode == 0o777) {
                prop_assert!(stays_inside(content, Path::new(way)));
            }
        }
    }
}
