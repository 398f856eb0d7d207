//! The event source mappings of a snapshot, and what each is found by: its function and its source.

use std::{ops::Bound, sync::Arc};

use imbl::{OrdMap, OrdSet};
use portcullis_lambda::{EventSourceMapping, EventSourceMappingArn};

use crate::{Versioned, snapshot::set};

/// Mappings by ARN.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventSources {
    mappings: OrdMap<Arc<str>, Versioned<EventSourceMapping>>,
    /// The ARN of a function, version, alias or source, and that of a mapping which has it.
    uses: OrdSet<(Arc<str>, Arc<str>)>,
}

impl EventSources {
    /// Takes in what the store now has of `arn`.
    pub(crate) fn apply(
        &mut self,
        arn: &EventSourceMappingArn,
        stored: Option<Versioned<EventSourceMapping>>,
    ) {
        let arn: Arc<str> = arn.as_str().into();
        for used in self.mappings.get(&arn).into_iter().flat_map(|old| found_by(old)) {
            self.uses.remove(&(used, Arc::clone(&arn)));
        }
        for used in stored.iter().flat_map(|new| found_by(new)) {
            self.uses.insert((used, Arc::clone(&arn)));
        }
        set(&mut self.mappings, arn, stored);
    }

    /// The mapping of an ARN.
    pub(crate) fn get(&self, arn: &str) -> Option<&Versioned<EventSourceMapping>> {
        self.mappings.get(arn)
    }

    /// The mappings whose ARN begins with `prefix`, by ARN, after the id `after`.
    pub(crate) fn of<'a>(
        &'a self,
        prefix: &'a str,
        after: &str,
    ) -> impl Iterator<Item = &'a Versioned<EventSourceMapping>> {
        let after: Arc<str> = format!("{prefix}{after}").into();
        let later = self.mappings.range::<_, Arc<str>>((Bound::Excluded(after), Bound::Unbounded));
        later.take_while(move |(arn, _)| arn.starts_with(prefix)).map(|(_, mapping)| mapping)
    }

    /// Those of them that have the function or source `used`.
    pub(crate) fn using<'a>(
        &'a self,
        used: &str,
        prefix: &'a str,
        after: &str,
    ) -> impl Iterator<Item = &'a Versioned<EventSourceMapping>> {
        let used: Arc<str> = used.into();
        let from = Bound::Excluded((Arc::clone(&used), format!("{prefix}{after}").into()));
        let later = self.uses.range((from, Bound::Unbounded));
        later
            .take_while(move |(by, arn)| *by == used && arn.starts_with(prefix))
            .filter_map(|(_, arn)| self.mappings.get(arn))
    }
}

/// What a mapping is found by.
fn found_by(mapping: &EventSourceMapping) -> impl Iterator<Item = Arc<str>> {
    let function: Arc<str> = mapping.function().to_string().into();
    [Some(function), mapping.event_source_arn().map(Arc::from)].into_iter().flatten()
}
