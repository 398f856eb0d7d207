//! What functions' logs hold to, with real files.

use std::{fs, os::unix::fs::symlink, sync::mpsc};

use tempfile::TempDir;

use super::*;
use crate::Reader;

const WAIT: Duration = Duration::from_secs(30);

struct Place {
    folder: TempDir,
    logs: FunctionLogs,
}

impl Place {
    fn new(file_bytes_max: u64, files_max: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let logs = FunctionLogs::open(folder.path().to_owned(), file_bytes_max, files_max).unwrap();
        Self { folder, logs }
    }

    fn reader(&self, function: &str) -> Reader {
        let folder = FunctionLogs::folder(self.folder.path(), "1", function);
        Reader::new(&folder, FunctionLogs::EXTENSION)
    }

    /// All of a log, once everything is written.
    fn text(&self, function: &str) -> String {
        self.logs.close(WAIT);
        rest(&mut self.reader(function))
    }
}

fn rest(reader: &mut Reader) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 7]);
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => return String::from_utf8(text).unwrap(),
            bytes => text.extend_from_slice(&buffer[..bytes]),
        }
    }
}

fn lines(text: &str) -> Part {
    Part::Lines(text.as_bytes().to_vec())
}

/// A part that is made when the test lets it, so that the writer stands still until then.
struct Gate(Mutex<mpsc::Receiver<()>>);

impl Later for Gate {
    fn write(&self, text: &mut Vec<u8>) {
        let _ = lock(&self.0).recv_timeout(WAIT);
        text.extend_from_slice(b"gate\n");
    }

    fn bytes(&self) -> usize {
        5
    }
}

#[test]
fn each_function_has_its_own_log_in_order() {
    let place = Place::new(1000, 2);
    for n in 0..100 {
        for function in ["a", "b"] {
            place.logs.of("1", function).append(lines(&format!("{function}{n}\n")));
        }
    }
    let want = |function| (0..100).map(|n| format!("{function}{n}\n")).collect::<String>();
    assert_eq!(place.text("a"), want("a"));
    assert_eq!(place.text("b"), want("b"));
}

#[test]
fn more_logs_than_open_files_are_all_written() {
    let place = Place::new(1000, 2);
    for round in 0..2 {
        for n in 0..200 {
            place.logs.of("1", &format!("f{n}")).append(lines(&format!("{round}\n")));
        }
    }
    for n in 0..200 {
        assert_eq!(place.text(&format!("f{n}")), "0\n1\n");
    }
}

#[test]
fn old_files_go_and_a_reader_that_follows_misses_nothing_that_is_there() {
    let place = Place::new(10, 3);
    let log = place.logs.of("1", "a");
    let mut reader = place.reader("a");
    assert_eq!(rest(&mut reader), "");
    (0..9).for_each(|n| log.append(lines(&format!("line{n}\n"))));
    assert_eq!(place.text("a"), "line6\nline7\nline8\n");
    assert_eq!(rest(&mut reader), "line6\nline7\nline8\n");
}

#[test]
fn a_reader_goes_on_where_it_was_also_after_the_log_was_removed() {
    let place = Place::new(10, 9);
    let log = place.logs.of("1", "a");
    let mut reader = place.reader("a");
    let mut expect = |want: &str| {
        let until = std::time::Instant::now() + WAIT;
        let mut text = String::new();
        while text.len() < want.len() && std::time::Instant::now() < until {
            text.push_str(&rest(&mut reader));
            thread::yield_now();
        }
        assert_eq!(text, want);
    };
    log.append(lines("one\n"));
    expect("one\n");
    log.append(lines("two\nthree\nfour\n"));
    expect("two\nthree\nfour\n");
    fs::remove_dir_all(&log.folder).unwrap();
    log.append(lines("five\n"));
    expect("five\n");
}

#[test]
fn what_there_is_no_room_for_is_counted_and_the_log_says_so() {
    let place = Place::new(1 << 30, 2);
    let (open, gate) = mpsc::channel();
    place.logs.of("1", "slow").append(Part::Later(Box::new(Gate(Mutex::new(gate)))));
    let log = place.logs.of("1", "a");
    let megabyte = format!("{}\n", "x".repeat((1 << 20) - 1));
    (0..12).for_each(|_| log.append(lines(&megabyte)));
    let fair = place.logs.of("1", "b");
    fair.append(lines("of another\n"));
    open.send(()).unwrap();
    let text = place.text("a");
    let last = text.lines().last().unwrap();
    assert!(last.contains("\"type\":\"platform.logsDropped\""), "{last}");
    let dropped: usize = last
        .split_once("droppedRecords\":")
        .and_then(|(_, rest)| rest.trim_end_matches('}').parse().ok())
        .unwrap();
    assert!((1..=12).contains(&dropped), "{last}");
    assert_eq!(text.lines().count() - 1 + dropped, 12);
    assert_eq!(place.text("b"), "of another\n");
}

#[test]
fn what_cannot_be_written_is_counted_and_the_log_goes_on_later() {
    let place = Place::new(1000, 2);
    let account = place.folder.path().join("1");
    symlink("/proc/nowhere", &account).unwrap();
    let log = place.logs.of("1", "a");
    log.append(lines("lost\nlost too\n"));
    let until = std::time::Instant::now() + WAIT;
    while lock(&log.buffer).lost < 2 && std::time::Instant::now() < until {
        thread::yield_now();
    }
    fs::remove_file(&account).unwrap();
    log.append(lines("kept\n"));
    let text = place.text("a");
    assert!(text.contains("\"droppedRecords\":2}}\nkept\n"), "{text}");
}

#[test]
fn only_old_logs_that_nobody_claims_are_removed() {
    let place = Place::new(1000, 2);
    for function in ["here", "gone"] {
        place.logs.of("1", function).append(lines("x\n"));
    }
    place.logs.close(WAIT);
    let remove = |age| {
        let claimed = |account: &str, function: &str| (account, function) == ("1", "here");
        place.logs.remove_unclaimed(age, claimed).unwrap();
        rest(&mut place.reader("gone"))
    };
    assert_eq!(remove(Duration::from_secs(3600)), "x\n");
    assert_eq!(remove(Duration::ZERO), "");
    assert_eq!(rest(&mut place.reader("here")), "x\n");
}
