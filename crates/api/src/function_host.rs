//! What stands behind the workers of a function: a session of its role for each, and the way to this
//! endpoint, which their jails have no network for.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use http::Request;
use http_body_util::{BodyExt as _, Either};
use hyper::body::Incoming;
use jiff::Timestamp;
use portcullis_identity::AccessKeyId;
use portcullis_lambda::FunctionArn;
use portcullis_sandbox::{Answering, Host, Own, environment::Credentials};

use crate::{answer::empty, pages, service, state::State};

/// The sessions of the workers that live. One that is not among them has ended: what a function
/// kept of its credentials is worth nothing once its worker is gone. Only this node knows them, and
/// only through it can its workers call.
#[derive(Clone, Default)]
pub(crate) struct FunctionSessions(Arc<Mutex<HashSet<AccessKeyId>>>);

impl FunctionSessions {
    /// Whether the worker of this session lives.
    pub(crate) fn are_running(&self, id: &AccessKeyId) -> bool {
        self.ids().contains(id)
    }

    fn begin(&self, id: AccessKeyId) -> RunningSession {
        self.ids().insert(id.clone());
        RunningSession { id, of: self.clone() }
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<AccessKeyId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker's session; ended when dropped.
struct RunningSession {
    id: AccessKeyId,
    of: FunctionSessions,
}

impl Drop for RunningSession {
    fn drop(&mut self) {
        self.of.ids().remove(&self.id);
    }
}

/// What stands behind the workers of one version of a function.
pub(crate) struct FunctionHost {
    /// The server, unless it has ended.
    pub(crate) state: Weak<State>,
    /// The function, without a version.
    pub(crate) function: FunctionArn,
    /// The ARN of its execution role.
    pub(crate) role: Box<str>,
}

impl Host for FunctionHost {
    /// Without a role that trusts Lambda a function runs all the same, and can prove nothing: it was
    /// made when there was one. AWS refuses the call then.
    fn provide(&self) -> Own {
        let Some(state) = self.state.upgrade() else { return Own::default() };
        let snapshot = state.catalog.load();
        match snapshot.function_session(&self.role, &self.function, Timestamp::now()) {
            Ok(Some(session)) => {
                let made = session.credentials;
                let environment = Credentials {
                    access_key_id: made.access_key_id.as_str(),
                    secret_access_key: made.secret_access_key.expose(),
                    session_token: &made.session_token,
                }
                .environment();
                let running = state.function_sessions.begin(made.access_key_id);
                Own { environment, held: Some(Box::new(running)) }
            }
            Ok(None) => {
                tracing::warn!(function = %self.function, role = %self.role, "a function runs without \
                    credentials: Lambda cannot assume its role");
                Own::default()
            }
            Err(error) => {
                tracing::error!(%error, function = %self.function, "no credentials can be made");
                Own::default()
            }
        }
    }

    /// As every client is answered, but for the operator's pages. A function comes from no address:
    /// `aws:SourceIp` is `0.0.0.0`, so that it is never taken for a client on this machine.
    fn answer(&self, request: Request<Incoming>) -> Answering {
        let state = self.state.clone();
        Box::pin(async move {
            let answer = match state.upgrade() {
                Some(state) if request.uri().path() != pages::METRICS => {
                    service::answer(&state, request).await
                }
                Some(_) => empty(404),
                None => empty(503),
            };
            answer.map(|body| match body {
                Either::Left(whole) => Either::Left(whole),
                Either::Right(streamed) => {
                    Either::Right(streamed.map_err(std::io::Error::other).boxed_unsync())
                }
            })
        })
    }
}
