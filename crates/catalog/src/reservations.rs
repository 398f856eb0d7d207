//! How many calls all functions of an account have reserved, or provisioned workers for, kept at hand
//! for every call.

use imbl::OrdMap;
use portcullis_lambda::FunctionArn;

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

    /// Takes in that the function took `old` calls for itself and takes `new`.
    pub(crate) fn replace(&mut self, function: &FunctionArn, old: u64, new: u64) {
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
