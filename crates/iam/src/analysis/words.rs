//! Texts that patterns match, for supposed calls: natural ones, preferably such as no document
//! names.

use std::collections::HashSet;

use crate::analysis::call::{Held, Keys};
use crate::analysis::natural;
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
const ACTIONS: [&str; 8] = [
    "lambda:InvokeFunction",
    "lambda:GetFunction",
    "lambda:ListFunctions",
    "iam:GetRole",
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
        let natural = ACTIONS.iter().filter(fits).filter(|action| !self.says(action));
        let word = capital(&self.word);
        let filled = filled(pattern, &word).into_iter().map(|filled| {
            if filled.contains(':') { filled } else { format!("{0}:{0}", self.word) }
        });
        let named = named.iter().filter(fits).take(3);
        let all = natural.map(|one| (*one).to_owned()).chain(filled);
        all.chain(named.map(|one| (*one).to_owned())).collect()
    }

    /// Texts that a pattern matches, its variables filled with what `keys` hold, or will: the first
    /// with this word's text in the place of each `*`, others with none, and one character.
    pub(crate) fn texts(
        &self,
        pattern: &str,
        variables: bool,
        wild: bool,
        keys: &mut Keys,
    ) -> Vec<String> {
        let whole = self.whole(pattern, variables, keys);
        if wild {
            return filled(&whole, &self.word).iter().map(|text| unmarked(text)).collect();
        }
        vec![unmarked(&whole)]
    }

    /// Resources that an entry of Resource matches, or ARNs that a value of a condition matches.
    /// Where the pattern admits it, they are of the `shape`, a pattern of ARNs, and of `account`.
    pub(crate) fn arns(
        &self,
        pattern: &str,
        variables: bool,
        (shape, account): (&str, &str),
        keys: &mut Keys,
    ) -> Vec<String> {
        let fields = arn_pattern::fields(pattern, variables);
        let field = |at: usize| fields.get(at).copied().unwrap_or("*");
        let shaped = arn_pattern::fields(shape, false);
        let shaped = |at: usize| shaped.get(at).copied().unwrap_or("*");
        let mut heads = self.heads(field, shaped, account).into_iter();
        let Some(head) = heads.next() else { return Vec::new() };
        let typical = filled(shaped(5), &self.word).into_iter().next();
        let typical = typical.filter(|last| glob(field(5), last));
        let mut lasts: Vec<String> = typical.into_iter().collect();
        lasts.extend(self.texts(field(5), variables, true, keys));
        let usual = lasts.first().cloned().unwrap_or_default();
        let other = heads.map(|head| format!("{head}:{usual}"));
        lasts.iter().map(|last| format!("{head}:{last}")).chain(other).collect()
    }

    /// The five first fields of ARNs: of the most natural one, then of some that differ from it in
    /// one field each.
    fn heads<'f>(
        &self,
        field: impl Fn(usize) -> &'f str,
        shaped: impl Fn(usize) -> &'f str,
        account: &str,
    ) -> Vec<String> {
        let pick = |at: usize, first: &str, all: &[&str]| -> Vec<String> {
            let first = Some(first).filter(|first| !first.contains('*') && glob(field(at), first));
            let first = first.map(str::to_owned);
            let mut picked: Vec<String> = first.into_iter().collect();
            picked.extend(self.natural(field(at), all));
            picked.extend(filled(field(at), &self.word));
            let mut seen = HashSet::new();
            picked.retain(|one| seen.insert(one.clone()));
            picked
        };
        let global = |at: usize| shaped(at).is_empty();
        let partitions = pick(1, natural::partition(field(3)), &PARTITIONS);
        let services = pick(2, shaped(2), &SERVICES);
        let partition = partitions.first().map_or("", String::as_str);
        let home = natural::region(partition).or_else(|| {
            REGIONS.into_iter().find(|region| !self.says(region) && glob(field(3), region))
        });
        let regions = if global(3) {
            pick(3, "", &REGIONS)
        } else {
            pick(3, home.unwrap_or("us-east-1"), &[&REGIONS[..], &[""]].concat())
        };
        let mine = if global(4) { "" } else { account };
        let accounts = pick(4, mine, &[&ACCOUNTS[..], &[account, ""]].concat());
        let all = [partitions, services, regions, accounts];
        let first = |list: &Vec<String>| list.first().cloned().unwrap_or_default();
        let base = all.each_ref().map(first);
        let mut heads = vec![base.join(":")];
        for (at, list) in all.iter().enumerate() {
            for other in list.iter().skip(1).take(FIELDS_MAX) {
                let mut parts = base.clone();
                if let Some(part) = parts.get_mut(at) {
                    part.clone_from(other);
                }
                let region =
                    natural::region(other).filter(|region| at == 0 && glob(field(3), region));
                if let (Some(region), [_, _, home, _]) = (region.filter(|_| !global(3)), &mut parts)
                {
                    region.clone_into(home);
                }
                heads.push(parts.join(":"));
            }
        }
        heads.iter().map(|head| format!("arn:{head}")).collect()
    }

    /// A pattern with its variables filled. A variable without a value gets one. Characters that
    /// are no wildcards are marked.
    fn whole(&self, pattern: &str, variables: bool, keys: &mut Keys) -> String {
        if !variables {
            return pattern.to_owned();
        }
        let mut whole = String::new();
        for part in variable::parts(pattern) {
            match part.kind {
                PartKind::Text => whole.push_str(part.raw),
                PartKind::Escape(literal) => whole.extend(literal.chars().map(marked)),
                PartKind::Malformed(_) => whole.extend(part.raw.chars().map(marked)),
                PartKind::Variable { name, default } => {
                    if default.is_none() && !keys.has(name) {
                        keys.set(name, Some(Held::Single(self.word.clone())));
                    }
                    let value = keys.single(name).or(default).unwrap_or_default();
                    whole.extend(value.chars().map(marked));
                }
            }
        }
        whole
    }
}

/// What stands for a `*` or `?` that is no wildcard, while wildcards are filled: characters that no
/// name on AWS has.
const MARKS: [(char, char); 2] = [('*', '\u{f0000}'), ('?', '\u{f0001}')];

fn marked(c: char) -> char {
    MARKS.iter().find(|(wild, _)| *wild == c).map_or(c, |(_, mark)| *mark)
}

fn unmarked(text: &str) -> String {
    let plain = |c: char| MARKS.iter().find(|(_, mark)| *mark == c).map_or(c, |(wild, _)| *wild);
    text.chars().map(plain).collect()
}

/// How many texts for one field of an ARN are tried beside the first.
const FIELDS_MAX: usize = 6;

/// How many `*` of a pattern are filled each by itself; more are filled alike.
const RUNS_MAX: u32 = 3;

/// A pattern with its wildcards filled: first with `word` for each `*`, then with nothing, with one
/// character, and with these mixed.
fn filled(pattern: &str, word: &str) -> Vec<String> {
    let runs = ["", "x", word];
    let count = u32::try_from(pattern.matches('*').count()).unwrap_or(u32::MAX);
    let fill = |choices: &dyn Fn(u32) -> usize, one: char| {
        let mut text = String::with_capacity(pattern.len());
        let mut at = 0;
        for c in pattern.chars() {
            match c {
                '*' => {
                    text.push_str(runs.get(choices(at)).copied().unwrap_or_default());
                    at += 1;
                }
                '?' => text.push(one),
                c => text.push(c),
            }
        }
        text
    };
    let mut all = vec![fill(&|_| 2, 'x')];
    if count > 0 {
        all.extend([fill(&|_| 0, 'x'), fill(&|_| 1, 'x')]);
    }
    if pattern.contains('?') {
        all.push(fill(&|_| 2, 'y'));
    }
    if (2..=RUNS_MAX).contains(&count) {
        for code in 0..3_usize.pow(count) {
            all.push(fill(&|at| code / 3_usize.pow(at) % 3, 'x'));
        }
    }
    all
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
