//! The rules of lint, each with its stable code.

use crate::analysis::finding::{LintRule, Severity};

const fn error(code: &'static str, about: &'static str) -> LintRule {
    LintRule { code, severity: Severity::Error, about }
}

const fn warning(code: &'static str, about: &'static str) -> LintRule {
    LintRule { code, severity: Severity::Warning, about }
}

const fn note(code: &'static str, about: &'static str) -> LintRule {
    LintRule { code, severity: Severity::Note, about }
}

/// Everyone is let in.
pub static PUBLIC_GRANT: LintRule =
    warning("public-grant", "Everyone is allowed, strangers included.");

macro_rules! rules {
    ($($name:ident = $severity:ident($code:literal, $about:literal);)*) => {
        $(pub(crate) static $name: LintRule = $severity($code, $about);)*

        /// All rules that know no service.
        pub static RULES: &[&LintRule] = &[&PUBLIC_GRANT, $(&$name),*];
    };
}

rules! {
    INVALID_JSON = error("invalid-json", "The text is no JSON, or too long.");
    INVALID_DOCUMENT = error("invalid-document", "The document breaks a rule of the language.");
    TOO_LONG = error("too-long", "The document is longer than one of its kind may be.");
    SET_OPERATOR_MISSING =
        error("set-operator-missing", "A plain operator on a multivalued key never holds.");

    WILDCARD_IN_SOURCE =
        warning("wildcard-in-source", "A wildcard where an account or organization should be named.");
    NOT_PRINCIPAL = warning("not-principal", "NotPrincipal exempts fewer than it seems to.");
    PRINCIPAL_GONE = warning("principal-gone", "A principal that does not exist any more.");
    PRINCIPAL_NAMES_NOBODY =
        warning("principal-names-nobody", "A principal of a type that never calls here.");
    IMPOSSIBLE_CONDITION =
        warning("impossible-condition", "A condition on a key that the call never has.");
    OWN_VARIABLE = warning("own-variable", "A key that is compared with itself.");
    FOR_ALL_VALUES_ALLOW =
        warning("for-all-values-allow", "ForAllValues in an Allow holds without any value.");
    SET_OPERATOR_SINGLE_VALUED =
        warning("set-operator-single-valued", "A set operator on a key with one value.");
    WILDCARD_IN_EQUALS =
        warning("wildcard-in-equals", "A wildcard where the operator compares literally.");
    VALUE_TYPE = warning("value-type", "A value that the operator cannot read never matches.");
    OPERATOR_TYPE = warning("operator-type", "An operator of another type than the key's values.");
    VARIABLES_2008 =
        warning("variables-2008", "Variables are plain text under the version 2008-10-17.");
    VARIABLE_IN_FIRST_FIELDS =
        warning("variable-in-first-fields", "Variables work only after an ARN's fifth colon.");
    EMPTY_LIST = warning("empty-list", "An empty list matches nothing.");
    UNKNOWN_KEY = warning("unknown-key", "A condition key that no request has.");
    UNKNOWN_ACTION = warning("unknown-action", "An action that its service does not have.");
    ARN_ACCOUNT = warning("arn-account", "An ARN whose account field is no account.");

    DUPLICATE = note("duplicate", "A statement that says the same as another one.");
    COVERED = note("covered", "A statement that another one makes superfluous.");
    MERGEABLE = note("mergeable", "Statements that one statement with a list could say.");
    WILDCARD_MERGE =
        note("wildcard-merge", "Statements that one statement with a wildcard would cover.");
    EMPTY_SID = note("empty-sid", "An empty statement id.");
    NO_VERSION = note("no-version", "A document without a version.");
    NO_STATEMENTS = note("no-statements", "A document without statements.");
    ARN_WILDCARD =
        note("arn-wildcard", "A wildcard in an ARN's prefix, partition, service or resource type.");
    SHORT_ARN = note("short-arn", "An ARN that is completed with wildcards.");
}
