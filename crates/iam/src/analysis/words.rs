//! Texts that patterns match, for supposed calls: natural ones, preferably such as no document
//! names.

use std::collections::HashSet;

use crate::analysis::call::{Held, Keys};
use crate::arn_pattern;
use crate::glob::glob;
use crate::variable::{self, PartKind};

const PARTITIONS: [&str; 3] = ["aws", "aws-cn", "aws-us-gov"];
const SERVICES: [&str; 4] = ["lambda", "s3", "sqs", "example"];
const REGIONS: [&str; 6] =
    ["us-east-1", "eu-central-1", "us-west-2", "ap-southeast-2", "eu-west-1", "sa-east-1"];
const ACCOUNTS: [&str; 6] = [
    "111122223333",
    "444455556666",
    "777788889999",
    "123456789012",
    "999999999999",
    "210987654321",
];
const ACTIONS: [&str; 6] = [
    "lambda:InvokeFunction",
    "lambda:GetFunction",
    "s3:GetObject",
    "sqs:SendMessage",
    "sts:AssumeRole",
    "example:Example",
];

/// Words that the documents at hand do not use, and those that they do.
pub(crate) struct Words {
    /// Those of the natural words that the documents say.
    said: HashSet<&'static str>,
    /// Stands for any run of characters; no document says it.
    word: String,
}

impl Words {
    /// For these documents.
    pub(crate) fn new<'a>(documents: impl IntoIterator<Item = &'a str>) -> Self {
        let all: String = documents.into_iter().flat_map(|text| [text, "\n"]).collect();
        let all = all.to_lowercase();
        let natural = [&PARTITIONS[..], &SERVICES, &REGIONS, &ACCOUNTS, &ACTIONS].concat();
        let says = |word: &&str| all.contains(&word.to_lowercase());
        let said = natural.into_iter().filter(says).collect();
        let numbered = (1..).map(|number| format!("example{number}"));
        let mut words = std::iter::once("example".to_owned()).chain(numbered);
        let word = words.find(|word| !all.contains(word.as_str())).unwrap_or_default();
        Self { said, word }
    }

    /// A word that no document says.
    pub(crate) fn word(&self) -> &str {
        &self.word
    }

    /// An account that no document names, if there is one.
    pub(crate) fn account(&self) -> &'static str {
        let unsaid = ACCOUNTS.iter().find(|account| !self.says(account));
        unsaid.copied().unwrap_or("000000000000")
    }

    fn says(&self, text: &str) -> bool {
        self.said.contains(text)
    }

    /// Natural texts that `pattern` matches: one that no document says, then one that some does.
    fn natural(&self, pattern: &str, all: &[&str]) -> Vec<String> {
        let fits = || all.iter().filter(|text| glob(pattern, text));
        let unsaid = fits().find(|text| !self.says(text));
        let said = fits().find(|text| self.says(text));
        unsaid.into_iter().chain(said).map(|text| (*text).to_owned()).collect()
    }

    /// Actions that a pattern of actions matches, most telling first.
    pub(crate) fn actions(&self, pattern: &str, named: &[&str]) -> Vec<String> {
        let lower = pattern.to_ascii_lowercase();
        if !lower.contains(['*', '?']) {
            return vec![pattern.to_owned()];
        }
        let fits = |action: &&&str| glob(&lower, &action.to_ascii_lowercase());
        let natural = ACTIONS.iter().filter(fits).filter(|action| !self.says(action)).take(1);
        let filled = filled(pattern, &capital(&self.word));
        let filled = if filled.contains(':') { filled } else { format!("{0}:{0}", self.word) };
        let named = named.iter().filter(fits).take(3);
        let all = natural.map(|one| (*one).to_owned()).chain([filled]);
        all.chain(named.map(|one| (*one).to_owned())).collect()
    }

    /// Texts that a pattern matches, its variables filled with what `keys` hold, or will.
    pub(crate) fn texts(
        &self,
        pattern: &str,
        variables: bool,
        wild: bool,
        keys: &mut Keys,
    ) -> Vec<String> {
        let with = |run: &str, keys: &mut Keys| self.fill(pattern, variables, wild, run, keys);
        let mut texts = vec![with(&self.word, keys)];
        if wild && pattern.contains('*') {
            texts.push(with("", keys));
        }
        texts
    }

    /// Resources that an entry of Resource matches, or ARNs that a value of a condition matches.
    /// `account` is taken where the pattern admits it.
    pub(crate) fn arns(
        &self,
        pattern: &str,
        variables: bool,
        account: &str,
        keys: &mut Keys,
    ) -> Vec<String> {
        let fields = arn_pattern::fields(pattern, variables);
        let field = |at: usize| fields.get(at).copied().unwrap_or("*");
        let pick = |at: usize, all: &[&str]| {
            let natural = self.natural(field(at), all).into_iter().next();
            natural.unwrap_or_else(|| filled(field(at), &self.word))
        };
        let regions: Vec<&str> = REGIONS.into_iter().chain([""]).collect();
        let account = if glob(field(4), account) {
            account.to_owned()
        } else {
            pick(4, &[&ACCOUNTS[..], &[""]].concat())
        };
        let head = [
            "arn".to_owned(),
            pick(1, &PARTITIONS),
            pick(2, &SERVICES),
            pick(3, &regions),
            account,
        ]
        .join(":");
        let resource = if field(5) == "*" && field(2) == "*" { "function:*" } else { field(5) };
        let last = self.texts(resource, variables, true, keys);
        last.into_iter().map(|last| format!("{head}:{last}")).collect()
    }

    /// A pattern with its wildcards and variables filled. A variable without a value gets one.
    fn fill(
        &self,
        pattern: &str,
        variables: bool,
        wild: bool,
        run: &str,
        keys: &mut Keys,
    ) -> String {
        let text = |raw: &str| if wild { filled(raw, run) } else { raw.to_owned() };
        if !variables {
            return text(pattern);
        }
        let mut whole = String::new();
        for part in variable::parts(pattern) {
            match part.kind {
                PartKind::Text => whole.push_str(&text(part.raw)),
                PartKind::Escape(literal) => whole.push_str(literal),
                PartKind::Malformed(_) => whole.push_str(part.raw),
                PartKind::Variable { name, default } => {
                    if default.is_none() && !keys.has(name) {
                        keys.set(name, Some(Held::Single(self.word.clone())));
                    }
                    whole.push_str(keys.single(name).or(default).unwrap_or_default());
                }
            }
        }
        whole
    }
}

/// A pattern with its wildcards filled.
fn filled(pattern: &str, run: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '*' => text.push_str(run),
            '?' => text.push('x'),
            c => text.push(c),
        }
    }
    text
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
