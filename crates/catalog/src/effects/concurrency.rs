//! Concurrency: what functions reserve, and what the account has.

use portcullis_lambda::{
    AccountConcurrency, FunctionArn, LambdaError, LayerArn, Lookup, Region, ReservedConcurrency,
};
use portcullis_model::lambda::operation::{
    DeleteFunctionConcurrency, GetAccountSettings, GetFunctionConcurrency, PutFunctionConcurrency,
};

use super::functions::{function_prefix, put_head};
use crate::{
    Catalog, Failure, FunctionResource, FunctionView, LayerView, Permit, Plan, Snapshot,
    WholeAccount, address::Address,
};

/// What an account has and uses in a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountUsage {
    /// Its functions.
    pub functions: u64,
    /// The bytes of all code packages, of every version of every function and layer.
    pub code_bytes: u64,
    /// The calls that are reserved, and the workers that are provisioned without a reservation.
    pub reserved: u64,
}

impl Catalog {
    /// Reserves calls for a function; more are throttled from now on.
    ///
    /// # Errors
    /// The missing function; [`LambdaError::ReservationTooLarge`],
    /// [`LambdaError::ReservedUnderProvisioned`].
    pub async fn put_function_concurrency(
        &self,
        permit: Permit<PutFunctionConcurrency, FunctionResource>,
        asked: ReservedConcurrency,
        limit: AccountConcurrency,
    ) -> Result<(), Failure<LambdaError>> {
        let target = permit.consume().into_target();
        self.transact(target.function.as_str(), |snapshot| {
            let view = snapshot.find(&target, Lookup::PutConcurrency)?;
            let others = snapshot.reserved(&target.function).saturating_sub(view.claimed_calls());
            limit.check_reservation(asked, others)?;
            let provisioned = view.provisioned_calls();
            if u64::from(asked.get()) < provisioned {
                let asked = asked.get();
                return Err(LambdaError::ReservedUnderProvisioned { asked, provisioned }.into());
            }
            let plan = put_head(Plan::answer(()), view, &view.head.reserving(Some(asked)));
            Ok(in_turn(plan, snapshot, view))
        })
        .await
    }

    /// Gives up what a function has reserved; it shares the account's rest again.
    ///
    /// # Errors
    /// The missing function.
    pub async fn delete_function_concurrency(
        &self,
        permit: Permit<DeleteFunctionConcurrency, FunctionResource>,
    ) -> Result<(), Failure<LambdaError>> {
        let arn = permit.consume().into_target().function;
        self.transact(arn.as_str(), |snapshot| {
            let view = snapshot.find_function(&arn, Lookup::Function)?;
            Ok(match view.head.reserved() {
                Some(_) => put_head(Plan::answer(()), view, &view.head.reserving(None)),
                None => Plan::answer(()),
            })
        })
        .await
    }
}

/// Two functions of an account that reserve at once are two that could each take the last calls.
/// The account is written again as it is, so that one of them looks again.
pub(super) fn in_turn<T>(plan: Plan<T>, snapshot: &Snapshot, view: &FunctionView) -> Plan<T> {
    let account = view.arn().account().parse().ok().and_then(|id| snapshot.account(id));
    let Some(account) = account else { return plan };
    let address = Address::Account(account.id);
    plan.unchanged(&address, account.modified).put(&address, &**account)
}

impl Snapshot {
    /// The calls that a function has reserved.
    ///
    /// # Errors
    /// The missing function.
    pub fn get_function_concurrency(
        &self,
        permit: Permit<GetFunctionConcurrency, FunctionResource>,
    ) -> Result<Option<ReservedConcurrency>, LambdaError> {
        let arn = permit.consume().into_target().function;
        Ok(self.find_function(&arn, Lookup::Function)?.head.reserved())
    }

    /// What the permitted account has in `region`.
    #[must_use]
    pub fn account_usage(
        &self,
        permit: Permit<GetAccountSettings, WholeAccount>,
        region: &Region,
    ) -> AccountUsage {
        let account = permit.consume().0;
        let layers = LayerArn::prefix(region, account.as_str());
        let layers = self.layers.after(&layers, None).map(|view| layer_bytes(view)).sum();
        let of_layers = AccountUsage { code_bytes: layers, ..AccountUsage::default() };
        let prefix = function_prefix(region, account);
        self.functions(&prefix, None).fold(of_layers, |sum, view| AccountUsage {
            functions: sum.functions + 1,
            code_bytes: sum.code_bytes + code_bytes(view),
            reserved: sum.reserved + view.claimed_calls(),
        })
    }

    /// The calls that the account of `function` has reserved in its region, and the workers that are
    /// provisioned for functions without a reservation.
    #[must_use]
    pub fn reserved(&self, function: &FunctionArn) -> u64 {
        self.reservations.sum(function)
    }
}

fn code_bytes(view: &FunctionView) -> u64 {
    let versions = view.versions.values().map(|version| version.deployment.code.size);
    versions.chain([view.head.latest().code.size]).sum()
}

fn layer_bytes(view: &LayerView) -> u64 {
    view.versions.values().map(|version| version.content.size).sum()
}
