//! How long documents may be, and what of them counts. Source: iam.md §2.4.

use crate::document::DocumentKind;

/// A limit on the length of documents.
///
/// This crate does not keep them: what is attached where is known to whoever stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SizeLimit {
    /// One managed policy.
    ManagedPolicy,
    /// The inline policies of one user together.
    UserPolicies,
    /// The inline policies of one group together.
    GroupPolicies,
    /// The inline policies of one role together.
    RolePolicies,
    /// The trust policy of one role.
    TrustPolicy,
    /// The inline session policy of one session.
    SessionPolicy,
    /// One service control policy.
    ServiceControlPolicy,
    /// One resource control policy.
    ResourceControlPolicy,
    /// The policy of one function, version or alias.
    FunctionPolicy,
}

impl SizeLimit {
    /// That of one document of a kind by itself: of an identity's, that of a managed policy.
    #[must_use]
    pub const fn of(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::Identity | DocumentKind::Boundary => Self::ManagedPolicy,
            DocumentKind::Resource => Self::FunctionPolicy,
            DocumentKind::Trust => Self::TrustPolicy,
            DocumentKind::Session => Self::SessionPolicy,
            DocumentKind::ServiceControl => Self::ServiceControlPolicy,
            DocumentKind::ResourceControl => Self::ResourceControlPolicy,
        }
    }

    /// The most that is allowed, in what [`counted`](Self::counted) counts.
    #[must_use]
    pub const fn max(self) -> usize {
        match self {
            Self::ManagedPolicy => 6_144,
            Self::UserPolicies | Self::TrustPolicy | Self::SessionPolicy => 2_048,
            Self::GroupPolicies | Self::ServiceControlPolicy | Self::ResourceControlPolicy => 5_120,
            Self::RolePolicies => 10_240,
            Self::FunctionPolicy => 20_480,
        }
    }

    /// What a document takes of the limit: characters without white space for what IAM keeps,
    /// characters for sessions and organizations, bytes for functions.
    ///
    /// Not verified against AWS: whether white space inside strings counts; where white space does
    /// not count, that does not either.
    #[must_use]
    pub fn counted(self, document: &str) -> usize {
        match self {
            Self::ManagedPolicy
            | Self::UserPolicies
            | Self::GroupPolicies
            | Self::RolePolicies
            | Self::TrustPolicy => document.chars().filter(|c| !c.is_ascii_whitespace()).count(),
            Self::SessionPolicy | Self::ServiceControlPolicy | Self::ResourceControlPolicy => {
                document.chars().count()
            }
            Self::FunctionPolicy => document.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SizeLimit::{
        self, FunctionPolicy, GroupPolicies, ManagedPolicy, ResourceControlPolicy, RolePolicies,
        ServiceControlPolicy, SessionPolicy, TrustPolicy, UserPolicies,
    };

    /// The table of iam.md §2.4: the limit, and whether white space counts.
    #[test]
    #[rustfmt::skip]
    fn each_kind_of_document_has_its_limit() {
        #[track_caller]
        fn check(limit: SizeLimit, max: usize, with_white_space: usize) {
            assert_eq!(limit.max(), max);
            assert_eq!(limit.counted("{ \"é\":\r\n\t1 }"), with_white_space, "{limit:?}");
        }
        check(ManagedPolicy,         6_144,   7);
        check(UserPolicies,          2_048,   7);
        check(GroupPolicies,         5_120,   7);
        check(RolePolicies,          10_240,  7);
        check(TrustPolicy,           2_048,   7);
        check(SessionPolicy,         2_048,   12);
        check(ServiceControlPolicy,  5_120,   12);
        check(ResourceControlPolicy, 5_120,   12);
        check(FunctionPolicy,        20_480,  13);
    }
}
