//! The rules of lint that know Lambda, each with its stable code.

use portcullis_iam::analysis::{LintRule, Severity};

const fn rule(code: &'static str, severity: Severity, about: &'static str) -> LintRule {
    LintRule { code, severity, about }
}

/// A service may call for anybody's resource.
pub static CONFUSED_DEPUTY: LintRule = rule(
    "confused-deputy",
    Severity::Warning,
    "A service is allowed to call, no matter for whose resource.",
);

macro_rules! rules {
    ($($name:ident = $severity:ident($code:literal, $about:literal);)*) => {
        $(pub(super) static $name: LintRule = rule($code, Severity::$severity, $about);)*

        /// The rules of lint that know Lambda.
        pub static LAMBDA_RULES: &[&LintRule] = &[&CONFUSED_DEPUTY, $(&$name),*];
    };
}

rules! {
    NOT_TAKEN = Error("not-taken", "A document that no function takes as its policy.");
    SOURCE_ARN_WITHOUT_ACCOUNT = Warning(
        "source-arn-without-account",
        "The source's ARN has no account, and nothing else says whose it is."
    );
    EXECUTE_API_SOURCE_ARN =
        Warning("execute-api-source-arn", "A source ARN that API Gateway never sends.");
    URL_WITHOUT_INVOKE = Warning(
        "url-without-invoke",
        "InvokeFunctionUrl without the InvokeFunction that a function URL also needs."
    );
    INVOKE_WITHOUT_URL = Warning(
        "invoke-without-url",
        "InvokeFunction for calls by URL, without the InvokeFunctionUrl that they also need."
    );
    URL_OPENS_INVOKE = Warning(
        "url-opens-invoke",
        "InvokeFunction for a function URL's callers that is open to direct calls too."
    );
    ADDRESS_NOT_CALLED =
        Warning("address-not-called", "A statement on an ARN that callers do not address.");
    PUBLIC_URL = Note("public-url", "A function URL that is open to everyone.");
    NAME_PREFIX = Note("name-prefix", "A resource that covers every longer function name.");
}
