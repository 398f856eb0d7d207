//! The code-signing configurations of a snapshot, and which functions use each.

use std::{ops::Bound, sync::Arc};

use imbl::{OrdMap, OrdSet};
use portcullis_lambda::{CodeSigningConfig, CodeSigningConfigArn, Function, FunctionArn};

use crate::{Versioned, snapshot::set};

/// Configurations by ARN, and their functions.
#[derive(Clone, Debug, Default)]
pub(crate) struct CodeSigning {
    configs: OrdMap<Arc<str>, Versioned<CodeSigningConfig>>,
    /// Configuration and function, for every function that has one.
    uses: OrdSet<(CodeSigningConfigArn, Arc<str>)>,
}

impl CodeSigning {
    /// Takes in what the store now has of `arn`.
    pub(crate) fn apply(
        &mut self,
        arn: &CodeSigningConfigArn,
        stored: Option<Versioned<CodeSigningConfig>>,
    ) {
        set(&mut self.configs, arn.as_str().into(), stored);
    }

    /// Takes in that the function was `old` and is `new`.
    pub(crate) fn moved(
        &mut self,
        function: &FunctionArn,
        old: Option<&Function>,
        new: Option<&Function>,
    ) {
        let used = |function: Option<&Function>| function.and_then(|it| it.code_signing()).cloned();
        let (old, new) = (used(old), used(new));
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.uses.remove(&(old, function.as_str().into()));
        }
        if let Some(new) = new {
            self.uses.insert((new, function.as_str().into()));
        }
    }

    /// The configuration of an ARN.
    pub(crate) fn get(&self, arn: &CodeSigningConfigArn) -> Option<&Versioned<CodeSigningConfig>> {
        self.configs.get(arn.as_str())
    }

    /// The configurations whose ARN begins with `prefix`, by ARN, after the id `after`.
    pub(crate) fn of<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Versioned<CodeSigningConfig>> {
        let after: Arc<str> = format!("{prefix}{}", after.unwrap_or_default()).into();
        let later = self.configs.range::<_, Arc<str>>((Bound::Excluded(after), Bound::Unbounded));
        later.take_while(move |(arn, _)| arn.starts_with(prefix)).map(|(_, config)| config)
    }

    /// The ARNs of the functions that use a configuration, after the ARN `after`.
    pub(crate) fn functions<'a>(
        &'a self,
        config: &'a CodeSigningConfigArn,
        after: &str,
    ) -> impl Iterator<Item = &'a Arc<str>> {
        let from = Bound::Excluded((config.clone(), Arc::from(after)));
        let uses = self.uses.range((from, Bound::Unbounded));
        uses.take_while(move |(used, _)| used == config).map(|(_, function)| function)
    }
}
