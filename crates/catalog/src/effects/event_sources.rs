//! Event source mappings: make, show, change, delete, list. Nothing is polled.
//!
//! A mapping outlives its function ([doc] `DeleteFunction`): one of the same name finds it again.

use std::sync::Arc;

use jiff::Timestamp;
use portcullis_identity::AccountId;
use portcullis_lambda::{
    EventSourceMapping, EventSourceMappingArn, EventSourceRefusal, LambdaError, Lookup,
    MappingInput, MappingState, NotFound, Region, Tags, Target,
};
use portcullis_model::lambda::operation::{
    CreateEventSourceMapping, DeleteEventSourceMapping, GetEventSourceMapping,
    ListEventSourceMappings, UpdateEventSourceMapping,
};

use super::{Page, functions::put_head};
use crate::{
    Catalog, EventSourceMappingResource, Failure, FunctionView, Permit, Plan, Resource as _,
    Snapshot, Versioned, WholeAccount, address::Address,
};

/// Which mappings a list shows.
#[derive(Clone, Debug, Default)]
pub struct MappingFilter {
    /// Those to exactly this function, version or alias.
    pub function: Option<Target>,
    /// Those of this source.
    pub event_source_arn: Option<String>,
}

impl Catalog {
    /// Makes the mapping `random` of a source to `function`.
    ///
    /// # Errors
    /// [`EventSourceRefusal::FunctionMissing`]; those of [`EventSourceMapping::create`]; the mapping
    /// that is there already.
    pub async fn create_event_source_mapping(
        &self,
        permit: Permit<CreateEventSourceMapping, WholeAccount>,
        (region, random): (&Region, uuid::Uuid),
        function: &Target,
        (input, tags): (MappingInput, Tags),
        now: Timestamp,
    ) -> Result<EventSourceMapping, Failure<LambdaError>> {
        let account = permit.consume().0.as_str().parse().map_err(LambdaError::from)?;
        let arn = EventSourceMappingArn::new(region, &account, random);
        let address = Address::EventSourceMapping(arn.clone());
        self.transact(arn.as_str(), |snapshot| {
            let view = snapshot.find_to_map(function, account.as_str())?;
            let (function, tags) = (function.clone(), tags.clone());
            let mapping = EventSourceMapping::create(arn.clone(), function, &input, tags, now)?;
            snapshot.check_alone(&mapping)?;
            let plan = Plan::answer(mapping.clone()).absent(&address).put(&address, &mapping);
            Ok(mapped_again(plan, view))
        })
        .await
    }

    /// Changes a mapping; says what has become of the wish to be polled.
    ///
    /// # Errors
    /// The missing mapping; as [`create_event_source_mapping`](Self::create_event_source_mapping).
    pub async fn update_event_source_mapping(
        &self,
        permit: Permit<UpdateEventSourceMapping, EventSourceMappingResource>,
        function: Option<&Target>,
        input: &MappingInput,
        now: Timestamp,
    ) -> Result<(EventSourceMapping, MappingState), Failure<LambdaError>> {
        let resource = permit.consume();
        self.transact(resource.arn(), |snapshot| {
            let old = snapshot.find_mapping(resource.arn())?;
            let find = |target| snapshot.find_to_map(target, resource.account());
            let view = function.map(find).transpose()?;
            let (new, state) = old.updated(function.cloned(), input, now)?;
            snapshot.check_alone(&new)?;
            let plan = put_mapping(Plan::answer((new.clone(), state)), old, &new);
            Ok(match view {
                Some(view) => mapped_again(plan, view),
                None => plan,
            })
        })
        .await
    }

    /// Deletes a mapping; gives what it was.
    ///
    /// # Errors
    /// The missing mapping.
    pub async fn delete_event_source_mapping(
        &self,
        permit: Permit<DeleteEventSourceMapping, EventSourceMappingResource>,
    ) -> Result<Arc<EventSourceMapping>, Failure<LambdaError>> {
        let resource = permit.consume();
        self.transact(resource.arn(), |snapshot| {
            let old = snapshot.find_mapping(resource.arn())?;
            let address = Address::EventSourceMapping(old.arn().clone());
            Ok(Plan::answer(old.shared()).unchanged(&address, old.modified).delete(&address))
        })
        .await
    }
}

impl Snapshot {
    /// A mapping.
    ///
    /// # Errors
    /// [`NotFound::Resource`].
    pub fn get_event_source_mapping(
        &self,
        permit: Permit<GetEventSourceMapping, EventSourceMappingResource>,
    ) -> Result<Arc<EventSourceMapping>, LambdaError> {
        Ok(self.find_mapping(permit.consume().arn())?.shared())
    }

    /// The mappings of the permitted account in `region`, by id, after the id `after`.
    ///
    /// # Errors
    /// A function that is not there, and that no mapping names.
    pub fn list_event_source_mappings(
        &self,
        permit: Permit<ListEventSourceMappings, WholeAccount>,
        region: &Region,
        filter: &MappingFilter,
        (after, limit): (Option<&str>, usize),
    ) -> Result<Page<Arc<EventSourceMapping>>, LambdaError> {
        let account = permit.consume().0;
        let (prefix, after) = (mapping_prefix(region, account), after.unwrap_or_default());
        let source = filter.event_source_arn.as_deref();
        let page = match (&filter.function, source) {
            (Some(function), source) => {
                let name = function.to_string();
                if self.event_sources.using(&name, &prefix, "").next().is_none() {
                    let own = function.function.account() == account.as_str();
                    let unknown = NotFound::function(function.function.clone());
                    let found = own.then(|| self.find(function, Lookup::GetFunction));
                    found.ok_or(unknown)??;
                }
                let all = self.event_sources.using(&name, &prefix, after);
                let of_source = all.filter(|one| source.is_none_or(|arn| one.is_of(arn)));
                Page::take(of_source.map(Versioned::shared), limit)
            }
            (None, Some(source)) => {
                let all = self.event_sources.using(source, &prefix, after);
                Page::take(all.map(Versioned::shared), limit)
            }
            (None, None) => {
                let all = self.event_sources.of(&prefix, after);
                Page::take(all.map(Versioned::shared), limit)
            }
        };
        Ok(page)
    }

    /// The function of `account` that a mapping is to name, and the qualifier with it.
    fn find_to_map(&self, target: &Target, account: &str) -> Result<&FunctionView, LambdaError> {
        let own = target.function.account() == account;
        let view = self.function(&target.function).filter(|_| own);
        let whole = view.filter(|view| view.has(target.qualifier.as_ref()));
        Ok(whole.ok_or(EventSourceRefusal::FunctionMissing)?)
    }

    /// That no other mapping has the same source and function.
    fn check_alone(&self, mapping: &EventSourceMapping) -> Result<(), LambdaError> {
        let name = mapping.function().to_string();
        let mut others = self.event_sources.using(&name, "arn:", "");
        match others.find(|other| mapping.overlaps(other)) {
            Some(other) => Err(mapping.conflict(other).into()),
            None => Ok(()),
        }
    }

    fn find_mapping(&self, arn: &str) -> Result<&Versioned<EventSourceMapping>, LambdaError> {
        Ok(self.event_sources.get(arn).ok_or(NotFound::Resource)?)
    }
}

/// Replaces the mapping that the rule saw.
pub(super) fn put_mapping<T>(
    plan: Plan<T>,
    old: &Versioned<EventSourceMapping>,
    new: &EventSourceMapping,
) -> Plan<T> {
    let address = Address::EventSourceMapping(old.arn().clone());
    plan.unchanged(&address, old.modified).put(&address, new)
}

/// Writes a function again as it is, so that of two mappings of one source to it, made at once, the
/// second sees the first; and so does the function's deletion.
fn mapped_again<T>(plan: Plan<T>, view: &FunctionView) -> Plan<T> {
    put_head(plan, view, &view.head)
}

/// What the ARNs of an account's mappings begin with.
fn mapping_prefix(region: &Region, account: AccountId) -> String {
    let partition = region.partition().as_str();
    format!("arn:{partition}:lambda:{region}:{account}:event-source-mapping:")
}
