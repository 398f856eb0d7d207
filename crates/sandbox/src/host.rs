//! What a worker has beside its spec, and whom it can talk to beside its Runtime API: the part of a
//! sandbox that its owner knows more about.

use std::any::Any;
use std::fmt;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use hyper::body::Incoming;

/// The answer to a worker's request, to be.
pub type Answering = Pin<Box<dyn Future<Output = Response<AnswerBody>> + Send>>;

/// Its body: one piece, or one as it comes.
pub type AnswerBody = Either<Full<Bytes>, UnsyncBoxBody<Bytes, io::Error>>;

/// What stands behind the workers of a spec.
pub trait Host: Send + Sync {
    /// What one worker gets of its own; asked for as it starts.
    fn provide(&self) -> Own;

    /// Answers a request to the worker's listener that is none of the Runtime API.
    fn answer(&self, request: Request<Incoming>) -> Answering;
}

/// One worker's own. `Debug` does not show the variables, which may be secret.
#[derive(Default)]
pub struct Own {
    /// Variables beside those of the spec, and before them.
    pub environment: Vec<(String, String)>,
    /// Dropped once every process of the worker is gone.
    pub held: Option<Box<dyn Any + Send>>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}
