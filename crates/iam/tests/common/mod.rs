//! Reading a line of the case files: one request, the documents, the expected answer.

pub(crate) mod read;

use portcullis_iam::explain::{Naming, Verdict};
use portcullis_iam::{
    Decision, Explanation, Policies, PolicyError, PolicyType, Principal, Request, decide,
};
use serde_json::Value;

use read::{Call, Documents, Parse};

/// One line of a case file, parsed.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) expected: String,
    documents: Documents,
    call: Call,
}

impl Case {
    /// Reads a line; `Err` if `parse` refuses one of its documents.
    pub(crate) fn read(line: &str, parse: Parse) -> Result<Self, PolicyError> {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Ok(Self {
            id: text(&case["id"]),
            expected: text(&case["expected"]),
            documents: Documents::read(&case, parse)?,
            call: Call::read(&case),
        })
    }

    /// What the engine decides.
    pub(crate) fn decide(&self) -> Decision {
        self.ask(decide)
    }

    /// What `ask` makes of the case.
    pub(crate) fn ask<R>(&self, ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> R) -> R {
        self.documents.ask(&self.call, ask)
    }
}

/// The word that case files use for a decision.
pub(crate) fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "Allowed",
        Decision::ImplicitlyDenied(_) => "ImplicitlyDenied",
        Decision::ExplicitlyDenied(_) => "ExplicitlyDenied",
    }
}

/// The decision, made from nothing but the trace of an explanation: iam.md §7.2 once more.
pub(crate) fn decision_by_trace(told: &Explanation<'_>) -> Decision {
    use Decision::{Allowed, ExplicitlyDenied, ImplicitlyDenied};
    use PolicyType::{Boundary, Identity, Resource, ResourceControl, ServiceControl, Session};
    let of = |kind| told.trace.iter().find(|one| one.policy_type == kind).unwrap();
    let order = [ServiceControl, ResourceControl, Resource, Boundary, Session, Identity];
    if let Some(kind) = order.into_iter().find(|kind| !of(*kind).denies.is_empty()) {
        return ExplicitlyDenied(kind);
    }
    let silent = |kind| of(kind).verdict == Verdict::Silent;
    if silent(ServiceControl) {
        return ImplicitlyDenied(ServiceControl);
    }
    let names = |naming| of(Resource).allows.iter().any(|one| one.names_caller == naming);
    let granted = !of(Resource).allows.is_empty();
    let caller = Principal::parse(&told.caller).unwrap();
    let cap = [Boundary, Session].into_iter().find(|kind| silent(*kind));
    let own = || if silent(Identity) { Some(Identity) } else { cap };
    let missing = match caller.account() {
        None if granted => None,
        None => Some(Resource),
        Some(account) if account == told.resource_account => {
            let direct = names(Naming::Everyone) || names(Naming::Itself);
            let by_role = names(Naming::Parent) && cap.is_none();
            if direct || by_role { None } else { own() }
        }
        Some(_) if granted => own(),
        Some(_) if silent(Identity) => Some(Identity),
        Some(_) => Some(Resource),
    };
    missing.map_or(Allowed, ImplicitlyDenied)
}
