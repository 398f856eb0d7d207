//! What the files of the log hold to, with real files.

use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use tempfile::TempDir;

use super::{Files, Rolling, lines_with};

fn open(folder: &TempDir, file_bytes_max: u64, files_max: u64) -> Files {
    let rolling = Rolling { extension: "jsonl", file_bytes_max, files_max };
    Files::open(folder.path(), rolling).unwrap()
}

fn append(files: &mut Files, lines: &str) {
    let mut rest = lines.as_bytes();
    files.append(&mut rest).unwrap();
    assert!(rest.is_empty());
}

/// Names and texts of the files, in order.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut texts: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    texts.sort();
    texts
}

#[track_caller]
fn check(folder: &Path, want: &[(u64, &str)]) {
    let want: Vec<_> =
        want.iter().map(|(number, text)| (format!("{number:010}.jsonl"), (*text).into())).collect();
    assert_eq!(texts(folder), want);
}

#[test]
fn lines_go_to_the_newest_file_until_it_is_full_and_the_oldest_go() {
    let folder = TempDir::new().unwrap();
    let mut files = open(&folder, 8, 3);
    append(&mut files, "a1\nb2\n");
    check(folder.path(), &[(1, "a1\nb2\n")]);
    append(&mut files, "c3\nd4\ne5\n");
    check(folder.path(), &[(1, "a1\nb2\n"), (2, "c3\nd4\n"), (3, "e5\n")]);
    append(&mut files, "a line longer than a file\nf6\n");
    let long = "a line longer than a file\n";
    check(folder.path(), &[(3, "e5\n"), (4, long), (5, "f6\n")]);
    drop(files);
    let mut files = open(&folder, 8, 2);
    append(&mut files, "g7\n");
    check(folder.path(), &[(4, long), (5, "f6\ng7\n")]);
}

#[test]
fn a_torn_line_stays_and_the_next_one_is_whole() {
    let folder = TempDir::new().unwrap();
    append(&mut open(&folder, 100, 2), "whole\n");
    let path = folder.path().join("0000000001.jsonl");
    File::options().append(true).open(path).unwrap().write_all(b"to").unwrap();
    append(&mut open(&folder, 100, 2), "next\n");
    check(folder.path(), &[(1, "whole\nto\nnext\n")]);
}

#[test]
fn only_the_owner_reads_them_whoever_made_them() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("0000000001.jsonl");
    fs::write(&path, "").unwrap();
    for (path, mode) in [(folder.path(), 0o755), (&*path, 0o644)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let mut files = open(&folder, 4, 9);
    append(&mut files, "one\ntwo\n");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.path()), 0o700);
    for entry in fs::read_dir(folder.path()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn a_file_that_is_removed_while_in_use_is_followed_by_another() {
    let folder = TempDir::new().unwrap();
    let mut files = open(&folder, 100, 2);
    append(&mut files, "one\n");
    fs::remove_file(folder.path().join("0000000001.jsonl")).unwrap();
    files.sync().unwrap();
    append(&mut files, "two\n");
    check(folder.path(), &[(2, "two\n")]);
}

#[test]
fn files_that_are_not_ours_stay() {
    let folder = TempDir::new().unwrap();
    for name in ["notes.jsonl", "7.jsonl", "0000000009.txt"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    append(&mut open(&folder, 2, 1), "1\n2\n");
    let names: Vec<_> = texts(folder.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["0000000002.jsonl", "0000000009.txt", "7.jsonl", "notes.jsonl"]);
}

#[test]
fn lines_are_found_over_neighbouring_files_in_order() {
    let folder = TempDir::new().unwrap();
    append(&mut open(&folder, 8, 9), "x 1\nx 2\nx 3\ny 4\ny 5\n");
    let find = |needle| lines_with(folder.path(), "jsonl", needle).unwrap();
    assert_eq!(find("x"), ["x 1", "x 2", "x 3"]);
    assert_eq!(find("5"), ["y 5"]);
    assert_eq!(find("z"), [""; 0]);
}
