//! House rules that rustc and clippy do not know: sizes, openings, words that must not appear.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::XtaskError;

/// Longest file, in lines before its tests.
const FILE_LINES_MAX: usize = 900;

/// Longest function, in lines from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 100;

/// Longest handler of an operation.
const HANDLER_LINES_MAX: usize = 25;

/// Longest README.
const README_LINES_MAX: usize = 200;

/// First line of every file that a program wrote.
const GENERATED: &str = "// @generated";

/// Checks every Rust file and the README.
///
/// # Errors
/// [`XtaskError::Untidy`] with one line a finding.
pub(crate) fn run(root: &Path) -> Result<(), XtaskError> {
    let mut findings = Vec::new();
    for folder in ["crates", "xtask", "benches", "fuzz/fuzz_targets", "fuzz/src"] {
        for path in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&path)?;
            if !text.starts_with(GENERATED) {
                check_file(&path, &text, &mut findings);
            }
        }
    }
    let readme = fs::read_to_string(root.join("README.md"))?.lines().count();
    if readme > README_LINES_MAX {
        findings.push(format!("README.md: {readme} lines, {README_LINES_MAX} at most"));
    }
    check_promises(root, &mut findings)?;
    check_gaps(root, &mut findings)?;
    if findings.is_empty() { Ok(()) } else { Err(XtaskError::Untidy(findings.join("\n"))) }
}

/// Every promise of the specification names a test that is there.
fn check_promises(root: &Path, findings: &mut Vec<String>) -> Result<(), XtaskError> {
    let specification = fs::read_to_string(root.join("SPECIFICATION.md"))?;
    let holders = specification.lines().filter_map(|line| line.trim().strip_prefix("Held by: "));
    for holder in holders {
        let Some((file, test)) = holder.split_once(", ") else {
            findings.push(format!("SPECIFICATION.md: `{holder}` is not `FILE, TEST`"));
            continue;
        };
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        if !text.contains(&format!("fn {test}(")) && !text.contains(&format!("def {test}(")) {
            findings.push(format!("SPECIFICATION.md: no {test} in {file}"));
        }
    }
    Ok(())
}

/// Every row of docs/gaps.md names a place and a test that are there: `FILE` or ``FILE, `NAME` ``.
fn check_gaps(root: &Path, findings: &mut Vec<String>) -> Result<(), XtaskError> {
    let gaps = fs::read_to_string(root.join("docs/gaps.md"))?;
    for row in gaps.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, _, place, holder] = cells.as_slice() else {
            findings.push(format!("docs/gaps.md: not five cells: {row}"));
            continue;
        };
        for named in [place, holder].into_iter().filter(|named| !is_there(root, named)) {
            findings.push(format!("docs/gaps.md: no {named}"));
        }
    }
    Ok(())
}

/// Whether the file is there, and defines the name if there is one.
fn is_there(root: &Path, named: &str) -> bool {
    let (file, name) = named.split_once(", ").unwrap_or((named, ""));
    let name = name.trim_matches('`');
    let defines = |text: String| {
        let kinds = ["fn", "def", "enum", "struct", "const"];
        let mut forms = kinds
            .iter()
            .flat_map(|kind| ["(", "<", ":", " "].map(|end| format!("{kind} {name}{end}")));
        name.is_empty() || forms.any(|form| text.contains(&form))
    };
    fs::read_to_string(root.join(file)).is_ok_and(defines)
}

/// Every `.rs` file below `folder`, in order.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, XtaskError> {
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// All findings of one file.
fn check_file(path: &Path, text: &str, findings: &mut Vec<String>) {
    let name = path.display();
    let lines: Vec<&str> = text.lines().collect();
    if !text.starts_with("//! ") {
        findings.push(format!("{name}:1: does not open with `//! ` and what the file is for"));
    }
    if let Some(line) = lines.iter().position(|line| line.trim_start().starts_with("#[allow(")) {
        findings.push(format!("{name}:{}: `#[allow]`; use `#[expect(…, reason)]`", line + 1));
    }
    let is_test = path.components().any(|part| part.as_os_str() == "tests");
    let code = if is_test { &lines[..] } else { before_tests(&lines) };
    if code.len() > FILE_LINES_MAX && !is_test {
        findings.push(format!("{name}: {} lines, {FILE_LINES_MAX} at most", code.len()));
    }
    let services = path.parent().and_then(Path::parent);
    let is_handler = services.is_some_and(|folder| folder.ends_with("api/src/ops"));
    let most = if is_handler { HANDLER_LINES_MAX } else { FUNCTION_LINES_MAX };
    for (line, length) in functions(code) {
        if length > most {
            findings.push(format!("{name}:{line}: a function of {length} lines, {most} at most"));
        }
    }
}

/// The lines before the file's unit tests.
fn before_tests<'a>(lines: &'a [&'a str]) -> &'a [&'a str] {
    let end = lines.iter().position(|line| line.trim() == "#[cfg(test)]");
    lines.get(..end.unwrap_or(lines.len())).unwrap_or(lines)
}

/// First line (from 1) and length of every function, found by rustfmt's indentation.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        if !opens_function(line) || line.trim_end().ends_with('}') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let rest = lines.iter().skip(start + 1);
        if let Some(length) = rest.take_while(|line| **line != closing).count().checked_add(2) {
            found.push((start + 1, length));
        }
    }
    found
}

/// Whether `line` begins a function that has a body.
fn opens_function(line: &str) -> bool {
    let mut words = line.trim_start().split(' ');
    let qualifier = |word: &str| {
        matches!(word, "pub" | "const" | "async" | "unsafe" | "extern") || word.starts_with("pub(")
    };
    words.find(|word| !qualifier(word)) == Some("fn") && !line.trim_end().ends_with(';')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{check_file, functions};

    #[track_caller]
    fn check(path: &str, text: &str, want: &[&str]) {
        let mut findings = Vec::new();
        check_file(Path::new(path), text, &mut findings);
        assert_eq!(findings.len(), want.len(), "{findings:#?}");
        for (finding, want) in findings.iter().zip(want) {
            assert!(finding.contains(want), "{finding}");
        }
    }

    #[test]
    fn a_finding_names_its_rule() {
        check("crates/a/src/lib.rs", "//! For this.\nfn f() {}\n", &[]);
        check("crates/a/src/lib.rs", "fn f() {}\n", &["does not open"]);
        check("crates/a/src/lib.rs", "//! For this.\n#[allow(dead_code)]\n", &["#[allow]"]);
        let long = format!("//! For this.\nfn f() {{\n{}}}\n", "    a();\n".repeat(100));
        check("crates/a/src/lib.rs", &long, &["102 lines"]);
        let handler = format!("//! For this.\nfn f() {{\n{}}}\n", "    a();\n".repeat(24));
        check("crates/api/src/ops/iam/x.rs", &handler, &["26 lines"]);
        check("crates/api/src/x.rs", &handler, &[]);
    }

    #[test]
    fn a_function_ends_at_its_own_brace() {
        let lines: Vec<&str> =
            "pub async fn f() {\n    if x {\n    }\n}\nfn g() {}".lines().collect();
        assert_eq!(functions(&lines), [(1, 4)]);
    }
}
