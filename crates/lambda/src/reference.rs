//! How a request names a function, and what it resolves to.

use crate::names::is_word;
use crate::{
    AccountId, FunctionArn, InvalidParameter, InvalidValue, LambdaError, NotFound, Qualifier,
    Region, Target,
};

/// Where a request arrived and who sent it: what completes a name without account or region.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// The caller's account.
    pub account: &'a AccountId,
    /// The region that this endpoint serves.
    pub region: &'a Region,
}

/// A function as a request names it, in any accepted form: `name`, `name:qualifier`, partial ARN,
/// full ARN, full qualified ARN.
///
/// Source: `[doc][snap] aws-lambda.md §4.1, §4.2` (pattern `PAT_GET`, the wider of the two). The
/// partition that a caller writes is not kept: the region decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionReference {
    region: Option<Region>,
    account: Option<AccountId>,
    name: Box<str>,
    qualifier: Option<Qualifier>,
}

impl FunctionReference {
    /// Reads a `FunctionName` parameter.
    ///
    /// # Errors
    /// [`InvalidValue`] when the text does not match `PAT_GET` as a whole.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let segments: Vec<&str> = text.splitn(10, ':').collect();
        let refusal = || InvalidValue::new("function name", text, "a function name or ARN");
        after_prefix(&segments).ok_or_else(refusal)
    }

    /// The qualifier inside the name, if it has one.
    #[must_use]
    pub fn qualifier(&self) -> Option<&Qualifier> {
        self.qualifier.as_ref()
    }

    /// Completes the name with the caller's account and the endpoint's region, and joins the
    /// `Qualifier` parameter. Looks nothing up.
    ///
    /// # Errors
    /// [`InvalidValue`] when the name is longer than 256 characters.
    pub fn resolve(
        &self,
        qualifier: Option<&str>,
        endpoint: Endpoint<'_>,
    ) -> Result<Resolution, InvalidValue> {
        let region = self.region.as_ref().unwrap_or(endpoint.region);
        let account = self.account.as_ref().unwrap_or(endpoint.account);
        let parameter = qualifier.map(Qualifier::parse);
        let mismatch = matches!((&self.qualifier, &parameter), (Some(a), Some(b)) if a != b);
        Ok(Resolution {
            target: Target {
                function: FunctionArn::with_wide_name(region, account, &self.name)?,
                qualifier: self.qualifier.clone().or(parameter),
            },
            endpoint_region: endpoint.region.clone(),
            caller: endpoint.account.clone(),
            mismatch,
        })
    }
}

// The pattern is a chain of optional parts. Each step tries to take its part and, when the rest
// does not match then, tries without, as a regular expression does: so
// `arn:…:ACCOUNT:function` is the function named `function`.

/// `(arn:(aws[a-zA-Z-]*)?:lambda:)?…`
fn after_prefix(segments: &[&str]) -> Option<FunctionReference> {
    match segments {
        ["arn", partition, "lambda", rest @ ..] if is_partition(partition) => after_arn(rest),
        _ => after_arn(segments),
    }
}

/// `(aws[a-zA-Z-]*)?`
fn is_partition(text: &str) -> bool {
    let rest = text.strip_prefix("aws");
    let legal = |rest: &str| rest.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    text.is_empty() || rest.is_some_and(legal)
}

/// `(region:)?…`
fn after_arn(segments: &[&str]) -> Option<FunctionReference> {
    let with = || {
        let (first, rest) = segments.split_first()?;
        let region = first.parse().ok()?;
        Some(FunctionReference { region: Some(region), ..after_region(rest)? })
    };
    with().or_else(|| after_region(segments))
}

/// `(\d{12}:)?…`
fn after_region(segments: &[&str]) -> Option<FunctionReference> {
    let with = || {
        let (first, rest) = segments.split_first()?;
        let account = first.parse().ok()?;
        Some(FunctionReference { account: Some(account), ..after_account(rest)? })
    };
    with().or_else(|| after_account(segments))
}

/// `(function:)?…`
fn after_account(segments: &[&str]) -> Option<FunctionReference> {
    match segments {
        ["function", rest @ ..] => after_function(rest).or_else(|| after_function(segments)),
        _ => after_function(segments),
    }
}

/// `([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`
fn after_function(segments: &[&str]) -> Option<FunctionReference> {
    let (name, qualifier) = match segments {
        [name] => (name, None),
        [name, qualifier] if is_name_qualifier(qualifier) => (name, Some(*qualifier)),
        _ => return None,
    };
    let legal = !name.is_empty() && name.split('.').all(is_word);
    legal.then(|| FunctionReference {
        region: None,
        account: None,
        name: (*name).into(),
        qualifier: qualifier.map(Qualifier::parse),
    })
}

/// `\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+`
fn is_name_qualifier(text: &str) -> bool {
    matches!(text, "$LATEST" | "$LATEST.PUBLISHED") || (!text.is_empty() && is_word(text))
}

/// What a reference means. The pieces come apart because the order matters: authorize
/// [`Resolution::target`] first, then [`Resolution::check`] (`aws-lambda.md §1.4`).
#[derive(Clone, Debug)]
pub struct Resolution {
    target: Target,
    endpoint_region: Region,
    caller: AccountId,
    mismatch: bool,
}

impl Resolution {
    /// What to authorize. When the two qualifiers differ, it is the one in the name; the call is
    /// refused by [`Resolution::check`] then.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The checks that come after authorization and before any look-up: the region, then the two
    /// qualifiers.
    ///
    /// # Errors
    /// [`NotFound::WrongRegion`] (`[snap] §4.5`), then [`InvalidParameter::QualifierMismatch`]
    /// (`[snap] §4.4`).
    pub fn check(self) -> Result<Target, LambdaError> {
        let region = self.target.function.region();
        if region != self.endpoint_region.as_str() {
            let (region, endpoint) = (region.into(), self.endpoint_region.as_str().into());
            return Err(NotFound::WrongRegion { region, endpoint }.into());
        }
        if self.mismatch {
            return Err(InvalidParameter::QualifierMismatch.into());
        }
        Ok(self.target)
    }

    /// The checks of `CreateFunction`: also the account must be the caller's own and the name one
    /// that a function can have. A qualifier in the name is ignored.
    ///
    /// # Errors
    /// As [`Resolution::check`], then [`LambdaError::ForeignAccount`] (`[snap] §4.5`), then
    /// [`InvalidParameter::FunctionNameTooLong`] (`[snap] §4.3`).
    pub fn check_creation(self) -> Result<FunctionArn, LambdaError> {
        let caller = self.caller.clone();
        let target = self.check()?;
        if target.function.account() != caller.as_str() {
            return Err(LambdaError::ForeignAccount);
        }
        target.function.creatable_name()?;
        Ok(target.function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:111111111111:function";

    fn resolve(text: &str, qualifier: Option<&str>) -> Resolution {
        let account = "111111111111".parse().unwrap();
        let region = "us-east-1".parse().unwrap();
        let endpoint = Endpoint { account: &account, region: &region };
        FunctionReference::parse(text).unwrap().resolve(qualifier, endpoint).unwrap()
    }

    #[track_caller]
    fn check(text: &str, target: &str) {
        assert_eq!(resolve(text, None).target().to_string(), target, "{text}");
    }

    #[test]
    #[rustfmt::skip]
    fn every_accepted_form_names_the_same_function() {
        for form in ["f", "function:f", "111111111111:function:f", "111111111111:f", "us-east-1:f",
                     "us-east-1:111111111111:function:f", "arn:aws:lambda:f", "arn::lambda:f",
                     "arn:aws:lambda:us-east-1:111111111111:function:f",
                     "arn:aws:lambda:us-east-1:111111111111:f"] {
            check(form, &format!("{ARN}:f"));
            check(&format!("{form}:1"), &format!("{ARN}:f:1"));
            check(&format!("{form}:prod"), &format!("{ARN}:f:prod"));
            check(&format!("{form}:$LATEST"), &format!("{ARN}:f:$LATEST"));
            check(&format!("{form}:$LATEST.PUBLISHED"), &format!("{ARN}:f:$LATEST.PUBLISHED"));
        }
    }

    #[test]
    fn a_missing_name_segment_names_the_function_called_function() {
        check(ARN, &format!("{ARN}:function"));
        check(&format!("{ARN}:$LATEST"), &format!("{ARN}:function:$LATEST"));
        check("function", &format!("{ARN}:function"));
        check("111111111111", &format!("{ARN}:111111111111"));
        check("us-east-1", &format!("{ARN}:us-east-1"));
        check("arn:aws", &format!("{ARN}:arn:aws"));
        check("arn:aws:lambda:us-east-1:111111111111:layer:f", &format!("{ARN}:layer:f"));
    }

    #[test]
    fn an_arn_keeps_its_account_and_region_and_gets_the_partition_of_the_region() {
        check("222222222222:function:f", "arn:aws:lambda:us-east-1:222222222222:function:f");
        check(
            "arn:aws:lambda:cn-north-1:222222222222:function:f",
            "arn:aws-cn:lambda:cn-north-1:222222222222:function:f",
        );
    }

    #[test]
    fn names_that_nothing_can_have_are_still_references() {
        let long = "a".repeat(65);
        check(&long, &format!("{ARN}:{long}"));
        check("a.b", &format!("{ARN}:a.b"));
        assert!(resolve("a.b", None).check_creation().is_err());
    }

    #[test]
    fn texts_outside_the_pattern_are_refused() {
        for text in [
            "",
            ":",
            "f:",
            ":f",
            "my-function!",
            "f:a:b",
            "f:$latest",
            "f:a.b",
            "ä",
            "f\n",
            "arn:aws:s3:us-east-1:111111111111:function:f",
            "arn:aws:lambda:mars:111111111111:function:f",
            "arn:aws:lambda:us-east-1:11111111111x:function:f",
            "arn:aws:lambda:us-east-1:111111111111:layer:f:1",
            "arn:aws:lambda:us-east-1:111111111111:function:f:1:2",
            "arn:bws:lambda:us-east-1:111111111111:function:f",
            "arn:aws:lambda:us-east-1:111111111111:function:",
            "arn:aws:lambda:",
        ] {
            assert!(FunctionReference::parse(text).is_err(), "{text}");
        }
        assert!(FunctionReference::parse(&":".repeat(1000)).is_err());
    }

    #[track_caller]
    fn check_refusal(text: &str, qualifier: Option<&str>, message: Option<&str>) {
        let got = resolve(text, qualifier).check().err().map(|error| error.to_string());
        assert_eq!(got.as_deref(), message, "{text} {qualifier:?}");
    }

    #[test]
    fn the_region_is_checked_before_the_qualifiers() {
        let foreign = "arn:aws:lambda:ap-southeast-1:111111111111:function:f:1";
        let region =
            "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')";
        let mismatch =
            "The derived qualifier from the function name does not match the specified qualifier.";
        check_refusal(foreign, Some("2"), Some(region));
        check_refusal("f:alias", Some("42"), Some(mismatch));
        check_refusal("f:01", Some("1"), Some(mismatch));
        check_refusal("f:$LATEST", Some("$LATEST"), None);
        check_refusal("f:prod", None, None);
        check_refusal("f", Some("prod"), None);
    }

    #[test]
    fn only_in_the_name_is_the_same_as_only_in_the_parameter() {
        assert_eq!(resolve("f:7", None).target(), resolve("f", Some("7")).target());
        assert_eq!(resolve("f:7", Some("7")).target(), resolve("f", Some("7")).target());
    }

    #[track_caller]
    fn check_creation(text: &str, message: &str) {
        assert_eq!(resolve(text, None).check_creation().unwrap_err().to_string(), message);
    }

    #[test]
    fn a_function_is_created_in_the_own_account_by_a_name_of_at_most_64() {
        let long = "a".repeat(65);
        check_creation("222222222222:function:f", "");
        check_creation(
            &long,
            &format!(
                "1 validation error detected: Value '{long}' at 'functionName' failed to satisfy \
                 constraint: Member must have length less than or equal to 64"
            ),
        );
        assert_eq!(resolve(ARN, None).check_creation().unwrap().name(), "function");
    }
}
