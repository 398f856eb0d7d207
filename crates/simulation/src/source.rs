//! Texts that hold a document: one itself, or an answer of AWS around it.

use std::borrow::Cow;

use portcullis_iam::DocumentKind;
use portcullis_json::{Json, Layer, Tree};

/// Where the answers of AWS have the document: as an object, or as text in a string.
const WRAPPINGS: [&[&str]; 5] = [
    &["Policy"],                           // lambda get-policy
    &["PolicyDocument"],                   // iam get-role-policy, get-user-policy
    &["PolicyVersion", "Document"],        // iam get-policy-version
    &["Role", "AssumeRolePolicyDocument"], // iam get-role
    &["Policy", "Content"],                // organizations describe-policy
];

/// The document that `json` holds: `json` itself, unless it is an answer of `get-policy` and the
/// like. What cannot be read is left for those who read documents.
#[must_use]
pub fn document_text(json: &str) -> Cow<'_, str> {
    let Ok(tree) = Tree::parse(json) else { return Cow::Borrowed(json) };
    let root = tree.root();
    if member(root, "Statement").is_some() {
        return Cow::Borrowed(json);
    }
    let found = WRAPPINGS.iter().find_map(|path| {
        let value = path.iter().try_fold(root, |value, name| member(value, name))?;
        match value.layer().ok()? {
            Layer::String(text) => Some(text),
            Layer::Object(_) => member(value, "Statement").map(|_| Cow::Borrowed(value.text())),
            Layer::Array(_) | Layer::Scalar(_) | Layer::Null => None,
        }
    });
    found.unwrap_or(Cow::Borrowed(json))
}

/// What kind of document a text most likely is: a resource's or a role's if its statements name
/// principals, else an identity's. The other kinds look like an identity's.
#[must_use]
pub fn likely_kind(json: &str) -> DocumentKind {
    let Ok(tree) = Tree::parse(json) else { return DocumentKind::Identity };
    let statements = member(tree.root(), "Statement");
    let mut statements = statements.into_iter().flat_map(|all| all.one_or_many());
    let has = |statement: Json<'_, '_>, names: [&str; 2]| {
        names.iter().any(|name| member(statement, name).is_some())
    };
    let named = statements.find(|one| has(*one, ["Principal", "NotPrincipal"]));
    match named {
        None => DocumentKind::Identity,
        Some(one) if has(one, ["Resource", "NotResource"]) => DocumentKind::Resource,
        Some(_) => DocumentKind::Trust,
    }
}

fn member<'t, 'a>(json: Json<'t, 'a>, name: &str) -> Option<Json<'t, 'a>> {
    json.pairs().flatten().find(|(key, _)| key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use portcullis_iam::DocumentKind::{self, Identity, Resource, Trust};

    use super::{document_text, likely_kind};

    #[test]
    #[rustfmt::skip]
    fn an_answer_of_aws_is_taken_for_its_document() {
        let document = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let text = r#""{\"Version\":\"2012-10-17\",\"Statement\":[]}""#;
        let rows = [
            (document.to_owned(),                                             true),
            (format!(r#"{{"Policy":{text},"RevisionId":"x"}}"#),              true),
            (format!(r#"{{"RoleName":"r","PolicyDocument":{document}}}"#),    true),
            (format!(r#"{{"PolicyDocument":{text}}}"#),                       true),
            (format!(r#"{{"PolicyVersion":{{"Document":{document}}}}}"#),     true),
            (format!(r#"{{"Role":{{"AssumeRolePolicyDocument":{document}}}}}"#), true),
            (format!(r#"{{"Policy":{{"Content":{text}}}}}"#),                 true),
            (format!(r#"{{"Statement":[],"Policy":{text}}}"#),                false),
            (format!(r#"{{"Policy":[{text}]}}"#),                             false),
            (r#"{"Policy":{"Arn":"x"}}"#.to_owned(),                          false),
            ("{".to_owned(),                                                  false),
            (String::new(),                                                   false),
        ];
        for (json, unwrapped) in rows {
            let want = if unwrapped { document } else { json.as_str() };
            assert_eq!(document_text(&json), want, "{json}");
        }
    }

    #[track_caller]
    fn check(json: &str, want: DocumentKind) {
        assert_eq!(likely_kind(json), want, "{json}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_documents_kind_is_known_by_its_statements() {
        check(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,                      Identity);
        check(r#"{"Statement":[{},{"NotPrincipal":"*","Resource":"*"}]}"#,                            Resource);
        check(r#"{"Statement":{"Principal":"*","NotResource":"*"}}"#,                                 Resource);
        check(r#"{"Statement":[{"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:*"}]}"#, Trust);
        check(r#"{"Statement":[]}"#,                                                                  Identity);
        check("not JSON",                                                                             Identity);
    }
}
