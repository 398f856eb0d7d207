//! Carrying out a plan, a step at a time; what is done is written down at once.

use serde_json::Value;

use crate::{
    Change, DeployError, Plan, Planner, Server, Step,
    kinds::{Kind, Site},
    plan::differences,
    record::Kept,
};

/// What is going on.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step begins.
    Begins(&'a Step),
    /// It is done. False: there was nothing to do after all.
    Done(&'a Step, bool),
}

/// Carries out a plan, telling `progress`; answers the outputs. When a step fails, those before it
/// stay done, and the next deployment goes on from there.
///
/// # Errors
/// [`DeployError`] naming the resource at which it stopped.
pub async fn apply<S: Server>(
    mut planner: Planner<'_, S>,
    plan: &Plan,
    mut progress: impl FnMut(Event<'_>),
) -> Result<Vec<(String, String)>, DeployError> {
    if !plan.is_empty() {
        // Tells another deployment of the stack that this one is at work.
        planner.record.save(planner.server, planner.stack).await?;
    }
    for step in plan.steps.iter().filter(|step| step.change != Change::Keep) {
        planner.follow(step, &mut progress).await?;
    }
    for step in planner.record.replaced() {
        planner.follow(&step, &mut progress).await?;
    }
    let outputs = planner
        .template
        .outputs(&planner.scope(&|name, attribute| planner.attribute(name, attribute)))?;
    if planner.record.resources.is_empty() {
        planner.record.remove(planner.server, planner.stack).await?;
    }
    Ok(outputs)
}

impl<S: Server> Planner<'_, S> {
    /// Carries out one step, and writes down what was done.
    async fn follow(
        &mut self,
        step: &Step,
        progress: &mut impl FnMut(Event<'_>),
    ) -> Result<(), DeployError> {
        progress(Event::Begins(step));
        let done = self.carry_out(step).await.map_err(|error| error.at(&step.name))?;
        self.record.save(self.server, self.stack).await?;
        progress(Event::Done(step, done));
        Ok(())
    }

    /// What a resource that is made says of itself.
    fn attribute(&self, name: &str, attribute: Option<&str>) -> Result<Value, DeployError> {
        let kept = self.record.resources.get(name);
        let value = kept.and_then(|kept| kept.attribute(attribute));
        value.ok_or_else(|| {
            DeployError::Template(match attribute {
                Some(attribute) => format!("{name} has no attribute {attribute}"),
                None => format!("{name} is not there"),
            })
        })
    }

    /// Carries out one step; false when there was nothing to do.
    async fn carry_out(&mut self, step: &Step) -> Result<bool, DeployError> {
        match &step.change {
            Change::Keep => return Ok(false),
            Change::Release => {}
            Change::Delete => self.delete(&step.name).await?,
            Change::Create => return self.create(&step.name).await.map(|()| true),
            Change::Update(_) => return self.update(&step.name).await,
            Change::Replace(_) => return self.replace(&step.name).await.map(|()| true),
        }
        self.record.resources.shift_remove(&step.name);
        Ok(true)
    }

    /// The resource of the template, with its properties as they are now known.
    fn wanted_now(&self, name: &str) -> Result<(Kind, Value, bool), DeployError> {
        let missing = || DeployError::Template(format!("there is no resource {name}"));
        let resource = self.template.resources.get(name).ok_or_else(missing)?;
        let properties =
            self.properties(resource, &|name, attribute| self.attribute(name, attribute))?;
        Ok((resource.kind, properties, resource.retain))
    }

    async fn create(&mut self, name: &str) -> Result<(), DeployError> {
        let (kind, properties, retain) = self.wanted_now(name)?;
        let generated = self.stack.generated(name);
        let made = kind.create(&self.site(&generated), &properties).await?;
        self.keep(name, Kept::new(kind, made, properties, retain));
        Ok(())
    }

    async fn update(&mut self, name: &str) -> Result<bool, DeployError> {
        let (kind, properties, retain) = self.wanted_now(name)?;
        let kept = self.kept(name)?.clone();
        let is_same = differences(kept.properties(), &properties).is_empty();
        if is_same && kept.retain == retain {
            return Ok(false);
        }
        let mut made = kept.made();
        if !is_same {
            let generated = self.stack.generated(name);
            let site = self.site(&generated);
            made = kind.update(&site, &made, kept.properties(), &properties).await?;
        }
        self.keep(name, Kept::new(kind, made, properties, retain));
        Ok(true)
    }

    /// What can be beside its predecessor is made before that goes, which is in the end, when
    /// nothing is left that needs it; other ones have its name.
    async fn replace(&mut self, name: &str) -> Result<(), DeployError> {
        let kept = self.kept(name)?.clone();
        let (kind, properties, _) = self.wanted_now(name)?;
        let is_retained = self.template.resources.get(name).is_some_and(|one| one.retain_replaced);
        if !kind.is_beside(kept.properties(), &properties) {
            self.delete(name).await?;
            return self.create(name).await;
        }
        self.create(name).await?;
        if !is_retained {
            self.record.leave(name, kept);
        }
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), DeployError> {
        let kept = self.kept(name)?;
        kept.kind()?.delete(self.server, &kept.made(), kept.properties()).await
    }

    fn kept(&self, name: &str) -> Result<&Kept, DeployError> {
        let missing = || DeployError::Template(format!("the stack has no resource {name}"));
        self.record.resources.get(name).ok_or_else(missing)
    }

    /// Writes down what was made, behind all that it may refer to.
    fn keep(&mut self, name: &str, kept: Kept) {
        self.record.resources.shift_remove(name);
        self.record.resources.insert(name.to_owned(), kept);
    }

    fn site<'s>(&'s self, generated: &'s str) -> Site<'s, S> {
        let (server, artifacts) = (self.server, self.artifacts);
        Site { server, artifacts, stack: self.stack.as_str(), generated }
    }
}
