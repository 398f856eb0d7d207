//! How many calls all functions of an account have reserved, kept at hand for every call.

use imbl::OrdMap;
use portcullis_lambda::{Function, FunctionArn};

/// The sums of what is reserved, per account and region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reservations {
    /// By what the ARNs of the account's functions begin with; no sum is zero.
    sums: OrdMap<Box<str>, u64>,
}

impl Reservations {
    /// The calls that the account of `function` has reserved in its region.
    pub(crate) fn sum(&self, function: &FunctionArn) -> u64 {
        self.sums.get(family(function)).copied().unwrap_or_default()
    }

    /// Takes in that the function was `old` and is `new`.
    pub(crate) fn replace(
        &mut self,
        function: &FunctionArn,
        old: Option<&Function>,
        new: Option<&Function>,
    ) {
        let calls = |function: Option<&Function>| {
            function.and_then(Function::reserved).map_or(0, |reserved| u64::from(reserved.get()))
        };
        let (old, new) = (calls(old), calls(new));
        if old == new {
            return;
        }
        match self.sum(function).saturating_sub(old).saturating_add(new) {
            0 => self.sums.remove(family(function)),
            sum => self.sums.insert(family(function).into(), sum),
        };
    }
}

/// The ARN without the function's name.
fn family(function: &FunctionArn) -> &str {
    function.as_str().strip_suffix(function.name()).unwrap_or_default()
}
