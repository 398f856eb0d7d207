//! Documents that are given one by one, as texts with names, and what can be asked about them.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis_iam::analysis::{self, Candidate, ConditionKey, Entry, Question, WrittenPolicy};
use portcullis_iam::{Arn, DocumentKind, MapContext, Policy, PolicyError, Principal, ResourceRule};

use crate::call::check_asked;
use crate::documents::{Document, Documents, Level};
use crate::error::CaseError;
use crate::source::document_text;

/// A document as text, under the name that answers mention it by: the file that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenText {
    /// Not empty.
    pub name: String,
    /// The document, or an answer of AWS that has it.
    pub json: String,
}

/// A document attached to one level of an organization; `None` for a level to which nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenLevel {
    /// The level. Documents of one name are of one level; levels are in the order in which they
    /// are first mentioned, from the root to the account.
    pub level: String,
    /// What is attached.
    pub document: Option<GivenText>,
}

/// The documents of a call. A list without documents means that the type is off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenDocuments {
    /// Of the user and its groups, or of the role.
    pub identity: Vec<GivenText>,
    /// The caller's permissions boundary.
    pub boundary: Vec<GivenText>,
    /// What the session was made with.
    pub session: Vec<GivenText>,
    /// Service control policies.
    pub service_control: Vec<GivenLevel>,
    /// On the resource.
    pub resource: Vec<GivenText>,
    /// The trust policy of the role that is the resource: without its Allow nobody gets in.
    pub trust: Vec<GivenText>,
    /// Resource control policies.
    pub resource_control: Vec<GivenLevel>,
}

impl GivenDocuments {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads them all, by the rules for writing a document of its kind: one that is given as
    /// another kind than it is would else be understood, as saying nothing.
    ///
    /// # Errors
    /// The first that is no document, by its name.
    pub fn read(&self) -> Result<Documents<'static>, CaseError> {
        use DocumentKind::{
            Boundary, Identity, Resource, ResourceControl, ServiceControl, Session,
        };
        let session = pool(Session, &self.session)?;
        let mut resource = pool(Resource, &self.resource)?;
        resource.extend(pool(DocumentKind::Trust, &self.trust)?);
        Ok(Documents {
            identity: pool(Identity, &self.identity)?,
            boundary: pool(Boundary, &self.boundary)?,
            session: (!session.is_empty()).then_some(session),
            service_control: levels(ServiceControl, &self.service_control)?,
            resource,
            resource_control: levels(ResourceControl, &self.resource_control)?,
            resource_rule: self.resource_rule(),
        })
    }

    fn resource_rule(&self) -> ResourceRule {
        if self.trust.is_empty() { ResourceRule::Suffices } else { ResourceRule::Required }
    }
}

/// Reads one document. `parse` says what of it.
fn read<T>(
    text: &GivenText,
    parse: impl FnOnce(&str) -> Result<T, PolicyError>,
) -> Result<T, CaseError> {
    parse(&document_text(&text.json)).map_err(|error| CaseError::policy(&text.name, &error))
}

fn pool(kind: DocumentKind, texts: &[GivenText]) -> Result<Vec<Document<'static>>, CaseError> {
    let document = |text: &GivenText| {
        let policy = read(text, |json| Policy::parse(kind, json))?;
        Ok(Document { name: Some(Cow::Owned(text.name.clone())), policy: Arc::new(policy) })
    };
    texts.iter().map(document).collect()
}

fn levels(
    kind: DocumentKind,
    given: &[GivenLevel],
) -> Result<Option<Vec<Level<'static>>>, CaseError> {
    let level = |(name, texts): (&str, Vec<GivenText>)| {
        Ok(Level { name: Some(Cow::Owned(name.to_owned())), documents: pool(kind, &texts)? })
    };
    let levels: Vec<_> = by_level(given).into_iter().map(level).collect::<Result<_, _>>()?;
    Ok((!levels.is_empty()).then_some(levels))
}

/// The documents of each level, levels in the order in which they are first mentioned.
fn by_level(given: &[GivenLevel]) -> Vec<(&str, Vec<GivenText>)> {
    let mut levels: Vec<(&str, Vec<GivenText>)> = Vec::new();
    for one in given {
        match levels.iter_mut().find(|(name, _)| *name == one.level) {
            Some((_, documents)) => documents.extend(one.document.clone()),
            None => levels.push((&one.level, one.document.iter().cloned().collect())),
        }
    }
    levels
}

/// Somebody whose own policies are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenCandidate {
    /// Who: a user, a role, root or a session.
    pub principal: Principal,
    /// Its policies.
    pub identity: Vec<GivenText>,
    /// Its permissions boundary.
    pub boundary: Vec<GivenText>,
}

/// Who may perform an action, by documents that are given.
#[derive(Clone, Copy, Debug)]
pub struct WhoCan<'a> {
    /// The action: `lambda:InvokeFunction`.
    pub action: &'a str,
    /// The resource's ARN, or `*`.
    pub resource: &'a str,
    /// The account that owns it.
    pub resource_account: &'a str,
    /// Those on the resource, and those of the organization, which hold for every account. Those of
    /// a caller are not looked at.
    pub documents: &'a GivenDocuments,
    /// Whose own policies are known.
    pub candidates: &'a [GivenCandidate],
    /// What is known of the keys of the resource's service.
    pub condition_keys: &'a [ConditionKey],
}

impl WhoCan<'_> {
    /// Answers.
    ///
    /// # Errors
    /// What no call can be about, as of [`Call::new`](crate::Call::new); the first text that is no
    /// document, by its name.
    pub fn answer(&self) -> Result<Vec<Entry>, CaseError> {
        check_asked(self.action, self.resource, self.resource_account)?;
        let given = self.documents;
        let mut resource = written(DocumentKind::Resource, &given.resource)?;
        resource.extend(written(DocumentKind::Trust, &given.trust)?);
        let resource_control =
            Leveled::read(DocumentKind::ResourceControl, &given.resource_control)?;
        let service_control = Leveled::read(DocumentKind::ServiceControl, &given.service_control)?;
        let own = self.candidates.iter().map(Own::read).collect::<Result<Vec<_>, _>>()?;
        let (service_control, resource_control) =
            (service_control.pools(), resource_control.pools());
        let service_control = slices(&service_control);
        let question = Question {
            action: self.action,
            resource: self.resource,
            resource_account: self.resource_account,
            resource_rule: given.resource_rule(),
            documents: &named(&resource),
            resource_control: &slices(&resource_control),
            keys: &MapContext::new(),
            condition_keys: self.condition_keys,
        };
        let service_control = (!service_control.is_empty()).then_some(&*service_control);
        let mut inquiry = analysis::Inquiry::new(&question);
        for (candidate, own) in self.candidates.iter().zip(&own) {
            inquiry.ask(&Candidate {
                identity: &named(&own.identity),
                boundary: &named(&own.boundary),
                service_control,
                ..Candidate::new(&candidate.principal)
            });
        }
        if let Some(root) = self.root() {
            inquiry.ask(&Candidate { service_control, ..Candidate::new(&root) });
        }
        Ok(inquiry.into_entries())
    }

    /// Root of the resource's account, unless it is a candidate: it has no policies of its own, but
    /// those of the organization hold for it.
    fn root(&self) -> Option<Principal> {
        let partition = Arn::split(self.resource).map_or("aws", |arn| arn.partition());
        let root = format!("arn:{partition}:iam::{}:root", self.resource_account);
        let is_candidate = self.candidates.iter().any(|one| one.principal.as_str() == root);
        Principal::parse(&root).ok().filter(|_| !is_candidate)
    }
}

/// A document as it is written, and its name.
type Written = (String, WrittenPolicy);

fn written(kind: DocumentKind, texts: &[GivenText]) -> Result<Vec<Written>, CaseError> {
    let read = |text: &GivenText| {
        let written = read(text, |json| {
            Policy::parse(kind, json)?;
            WrittenPolicy::parse(kind, json)
        })?;
        Ok((text.name.clone(), written))
    };
    texts.iter().map(read).collect()
}

fn named(written: &[Written]) -> Vec<analysis::Document<'_>> {
    written.iter().map(|(name, policy)| analysis::Document { name, policy }).collect()
}

fn slices<'s, 'a>(pools: &'s [Vec<analysis::Document<'a>>]) -> Vec<&'s [analysis::Document<'a>]> {
    pools.iter().map(Vec::as_slice).collect()
}

/// The documents of an organization, by level.
struct Leveled(Vec<Vec<Written>>);

impl Leveled {
    fn read(kind: DocumentKind, given: &[GivenLevel]) -> Result<Self, CaseError> {
        let levels = by_level(given).into_iter().map(|(level, texts)| {
            let mut documents = written(kind, &texts)?;
            documents.iter_mut().for_each(|(name, _)| *name = format!("{level}/{name}"));
            Ok(documents)
        });
        levels.collect::<Result<_, _>>().map(Self)
    }

    fn pools(&self) -> Vec<Vec<analysis::Document<'_>>> {
        self.0.iter().map(|level| named(level)).collect()
    }
}

/// A candidate's own documents.
struct Own {
    identity: Vec<Written>,
    boundary: Vec<Written>,
}

impl Own {
    fn read(candidate: &GivenCandidate) -> Result<Self, CaseError> {
        Ok(Self {
            identity: written(DocumentKind::Identity, &candidate.identity)?,
            boundary: written(DocumentKind::Boundary, &candidate.boundary)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use portcullis_iam::analysis::{Entry, Who};
    use portcullis_iam::{Decision, Principal};

    use super::{GivenCandidate, GivenDocuments, GivenLevel, GivenText, WhoCan};
    use crate::{Call, CallContext, Case};

    const USER: &str = "arn:aws:iam::111111111111:user/alice";
    const ROLE: &str = "arn:aws:iam::111111111111:role/worker";
    const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:f";

    fn text(name: &str, statement: &str) -> GivenText {
        GivenText { name: name.to_owned(), json: format!(r#"{{"Statement":{{{statement}}}}}"#) }
    }

    const ALLOW: &str = r#""Effect":"Allow","Action":"*","Resource":"*""#;
    const GRANT: &str = r#""Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"*","Resource":"*""#;
    const TRUST: &str =
        r#""Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole""#;

    fn level(level: &str, document: Option<GivenText>) -> GivenLevel {
        GivenLevel { level: level.to_owned(), document }
    }

    #[track_caller]
    fn check(documents: &GivenDocuments, action: &str, resource: &str, allowed: bool) {
        let call = Call::new(USER, action, resource, "111111111111", CallContext::default());
        let case = Case::new(call.unwrap(), documents.read().unwrap());
        assert_eq!(case.decide() == Decision::Allowed, allowed, "{documents:?}");
    }

    #[test]
    fn given_documents_decide_as_what_they_are_given_as() {
        let allow = || vec![text("allow.json", ALLOW)];
        let own = || GivenDocuments { identity: allow(), ..GivenDocuments::default() };
        let full = || level("root", Some(text("full.json", ALLOW)));
        let invoke = "lambda:InvokeFunction";
        check(&GivenDocuments::default(), invoke, FUNCTION, false);
        check(&own(), invoke, FUNCTION, true);
        check(&GivenDocuments { boundary: allow(), ..own() }, invoke, FUNCTION, true);
        check(&GivenDocuments { session: allow(), ..own() }, invoke, FUNCTION, true);
        check(&GivenDocuments { service_control: vec![full()], ..own() }, invoke, FUNCTION, true);
        let silent = vec![full(), level("account", None)];
        check(&GivenDocuments { service_control: silent, ..own() }, invoke, FUNCTION, false);
        check(&own(), "sts:AssumeRole", ROLE, true);
        let trust = vec![text("trust.json", TRUST)];
        check(&GivenDocuments { trust: trust.clone(), ..own() }, "sts:AssumeRole", ROLE, true);
        let other = vec![text("trust.json", &TRUST.replace("111111111111", "222222222222"))];
        check(&GivenDocuments { trust: other, ..own() }, "sts:AssumeRole", ROLE, false);
        let trust = GivenDocuments { trust, ..GivenDocuments::default() };
        check(&trust, "sts:AssumeRole", ROLE, false);
    }

    #[test]
    fn an_error_names_the_text() {
        let bad = text("a.json", r#""Effect":"allow","Action":"*","Resource":"*""#);
        let want = "a.json: Statement[0].Effect: \"allow\" is not an effect";
        let documents = GivenDocuments { resource: vec![bad.clone()], ..GivenDocuments::default() };
        let error = documents.read().err().unwrap().to_string();
        assert!(error.starts_with(want), "{error}");
        let error = ask(&documents, &[]).unwrap_err();
        assert!(error.starts_with(want), "{error}");
        let misplaced = vec![text("grant.json", GRANT)];
        let misplaced = GivenDocuments { identity: misplaced, ..GivenDocuments::default() };
        let error = misplaced.read().err().unwrap().to_string();
        assert!(error.contains("not an element of this kind of document"), "{error}");
        let principal = Principal::parse(USER).unwrap();
        let candidate = GivenCandidate { principal, identity: vec![bad], boundary: Vec::new() };
        let error = ask(&GivenDocuments::default(), &[candidate]).unwrap_err();
        assert!(error.starts_with(want), "{error}");
    }

    fn ask(
        documents: &GivenDocuments,
        candidates: &[GivenCandidate],
    ) -> Result<Vec<Entry>, String> {
        let (action, resource) = ("lambda:InvokeFunction", FUNCTION);
        let account = "111111111111";
        let condition_keys = &[];
        WhoCan {
            action,
            resource,
            resource_account: account,
            documents,
            candidates,
            condition_keys,
        }
        .answer()
        .map_err(|error| error.to_string())
    }

    #[test]
    fn who_can_looks_at_the_resource_and_the_candidates() {
        let root = Who::Root("arn:aws:iam::111111111111:root".to_owned());
        let user = Who::Principal(USER.to_owned());
        let service = Who::Service("s3.amazonaws.com".to_owned());
        let who = |documents: &GivenDocuments, candidates: &[GivenCandidate]| {
            let entries = ask(documents, candidates).unwrap();
            entries.into_iter().map(|entry| entry.who).collect::<Vec<_>>()
        };
        let principal = Principal::parse(USER).unwrap();
        let identity = vec![text("alice.json", ALLOW)];
        let alice = GivenCandidate { principal, identity, boundary: Vec::new() };
        let silent = GivenCandidate { identity: Vec::new(), ..alice.clone() };
        let none = GivenDocuments::default();
        let grant = GivenDocuments { resource: vec![text("f.json", GRANT)], ..none.clone() };
        assert_eq!(who(&none, &[]), std::slice::from_ref(&root));
        assert_eq!(
            who(&grant, std::slice::from_ref(&alice)),
            [service.clone(), root.clone(), user]
        );
        assert_eq!(who(&grant, &[silent]), [service, root]);
        let closed = vec![level("account", None)];
        let closed = GivenDocuments { service_control: closed, ..none };
        assert_eq!(who(&closed, &[alice]), []);
    }
}
