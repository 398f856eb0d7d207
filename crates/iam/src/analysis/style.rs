//! Whether a report for a person has colours.

/// How a report for a person is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// Text alone: files, pipes, logs.
    #[default]
    Plain,
    /// With the colours of an ANSI terminal.
    Ansi,
}

/// What a piece of a report is, which gives its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// What is wrong, lost or denied.
    Bad,
    /// What is doubtful.
    Doubtful,
    /// What is gained or allowed.
    Good,
    /// Names and headings.
    Strong,
    /// What matters less.
    Faint,
}

impl Style {
    /// `text` as a piece of that sort.
    pub(crate) fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Bad => "31",
            Paint::Doubtful => "33",

            Paint::Good => "32",
            Paint::Strong => "1",
            Paint::Faint => "2",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}
