//! Why a template is not deployed, in words for whoever wrote it.

/// Why a deployment stopped.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The template, or what SAM makes of it, breaks a rule.
    #[error("the template: {0}")]
    Template(String),
    /// A rule broken at one resource.
    #[error("the resource {resource}: {why}")]
    Resource {
        /// Its name in the template.
        resource: String,
        /// The rule.
        why: String,
    },
    /// The server refused a call.
    #[error("{call} was refused with {status}: {answer}")]
    Refused {
        /// Which call.
        call: String,
        /// HTTP status.
        status: u16,
        /// What the server said.
        answer: String,
    },
    /// The server gave no answer.
    #[error("{0}")]
    NoAnswer(String),
    /// An answer of another form than the API's.
    #[error("the answer to {0} has another form than expected")]
    Answer(String),
    /// Two deployments of one stack at a time.
    #[error("another deployment of the stack {0} is at work, or was a moment ago; run this again")]
    Concurrent(String),
    /// A file or folder of the template.
    #[error("cannot read {path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A zip that cannot be made or read.
    #[error("cannot make or read a zip: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The translator of SAM templates cannot be run.
    #[error("cannot run the translator: {0}")]
    Translator(String),
}

impl DeployError {
    /// The same, said of one resource.
    pub(crate) fn at(self, resource: &str) -> Self {
        let why = match self {
            Self::Resource { .. } => return self,
            Self::Template(why) => why,
            other => other.to_string(),
        };
        Self::Resource { resource: resource.to_owned(), why }
    }

    /// Whether the server said that what was asked for is not there.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether the server said that something else is being done to it.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Refused { status: 409, answer, .. }
            if answer.contains("cannot be performed at this time"))
    }

    /// Whether the server said that what is to be made is there.
    pub(crate) fn is_presence(&self) -> bool {
        matches!(self, Self::Refused { status: 409, answer, .. }
            if answer.contains("xist"))
    }
}
