//! Values that the tests of several modules start from.

use jiff::Timestamp;
use portcullis_iam::NoEntities;
use proptest::prelude::*;

use crate::marks::SessionMarks;
use crate::session_policies::SessionPolicies;
use crate::trust::TrustPolicy;
use crate::{
    AccountId, Group, GroupId, InlinePolicies, MaxSessionDuration, Path, Role, RoleId,
    SessionClaims, SessionHolder, SessionName, SmallSet, Tag, Tags, User, UserId,
};

pub(crate) const NOW: &str = "2026-01-02T03:04:05.678Z";
pub(crate) const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#;

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

fn tags() -> Tags {
    Tags::new(vec![Tag::new("Team", "Red").unwrap()]).unwrap()
}

pub(crate) fn user() -> User {
    User {
        account: account(),
        path: "/team/".parse().unwrap(),
        name: "alice".parse().unwrap(),
        id: UserId::from_random([1; 17]),
        created: now(),
        tags: tags(),
        policies: InlinePolicies::default(),
        attached: SmallSet::default(),
        boundary: None,
        groups: SmallSet::default(),
    }
}

pub(crate) fn group() -> Group {
    Group {
        account: account(),
        path: Path::default(),
        name: "staff".parse().unwrap(),
        id: GroupId::from_random([4; 17]),
        created: now(),
        policies: InlinePolicies::default(),
        attached: SmallSet::default(),
    }
}

pub(crate) fn role() -> Role {
    Role {
        account: account(),
        path: "/service/".parse().unwrap(),
        name: "deploy".parse().unwrap(),
        id: RoleId::from_random([2; 17]),
        created: now(),
        description: None,
        max_session_duration: MaxSessionDuration::new(7_200).unwrap(),
        trust_policy: TrustPolicy::new(TRUST, &NoEntities).unwrap(),
        tags: tags(),
        policies: InlinePolicies::default(),
        attached: SmallSet::default(),
        boundary: None,
    }
}

pub(crate) fn session_name() -> SessionName {
    "night-run".parse().unwrap()
}

pub(crate) fn claims() -> SessionClaims {
    SessionClaims {
        account: account(),
        holder: holder(&role(), session_name()),
        session_id: [3; 16],
        issued: "2026-01-02T03:04:05Z".parse().unwrap(),
        expires: "2026-01-02T04:04:05Z".parse().unwrap(),
        policies: SessionPolicies::new(Some(ALLOW), []).unwrap(),
        web_identity: None,
        marks: SessionMarks::default(),
        source: "arn:aws:iam::123456789012:user/team/alice".into(),
        key: None,
    }
}

/// A session of a role.
pub(crate) fn holder(role: &Role, session: SessionName) -> SessionHolder {
    SessionHolder::Role { name: role.name.clone(), id: role.id, session, function: None }
}

/// Names and paths of every legal character.
pub(crate) fn any_identity() -> impl Strategy<Value = (User, Role, SessionClaims)> {
    let name = "[A-Za-z0-9_+=,.@-]{2,64}";
    let path = "(/[!-)+-.0->@-~]{1,20}){0,3}/";
    let path = path.prop_filter("a variable is no path", |path| !path.contains("${"));
    (name, name, path, "[0-9]{12}").prop_map(|(name, session, path, account)| {
        let user = User {
            account: account.parse().unwrap(),
            name: name.parse().unwrap(),
            path: path.parse().unwrap(),
            ..user()
        };
        let role = Role {
            account: user.account,
            name: name.parse().unwrap(),
            path: user.path.clone(),
            ..role()
        };
        let claims = SessionClaims {
            account: user.account,
            holder: holder(&role, session.parse().unwrap()),
            ..claims()
        };
        (user, role, claims)
    })
}
