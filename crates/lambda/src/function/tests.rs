//! The laws of functions and their versions: states, revisions, numbers.

use uuid::Uuid;

use super::*;
use crate::{AliasInput, AliasVersion, CodeSha256, ConfigurationInput, FailureCode, StaleRevision};

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

fn revision(number: u128) -> RevisionId {
    RevisionId::new(Uuid::from_u128(number))
}

fn fresh(number: u128) -> Fresh {
    let second = i64::try_from(number).unwrap();
    Fresh { now: Timestamp::from_second(second).unwrap(), revision: revision(number) }
}

fn code(byte: u8) -> CodePackage {
    CodePackage { sha256: CodeSha256::new([byte; 32]), size: 1, unzipped_bytes: 0 }
}

fn change() -> ConfigurationChange {
    let input = ConfigurationInput {
        role: Some("arn:aws:iam::123456789012:role/r".into()),
        handler: Some("app.handler".into()),
        runtime: Some("python3.13".into()),
        description: Some("head".into()),
        ..ConfigurationInput::default()
    };
    input.try_into().unwrap()
}

fn pending() -> Function {
    Function::create(ARN.parse().unwrap(), change(), code(1), Tags::default(), fresh(1)).unwrap()
}

fn active() -> Function {
    pending().settle(Ok(()), revision(2)).unwrap()
}

fn failure() -> Failure {
    Failure { code: FailureCode::InvalidRuntime, reason: "no python".into() }
}

/// Publishes with fresh revision 20 for the function and 21 for the version.
fn publish(function: &Function, existing: Option<&PublishedVersion>) -> Publication {
    let request = PublishRequest::default();
    function.publish(request, existing, fresh(20), revision(21)).unwrap()
}

fn published(function: &Function) -> (Function, PublishedVersion) {
    match publish(function, None) {
        Publication::New(both) => *both,
        Publication::Unchanged => panic!("nothing was published before"),
    }
}

#[test]
fn a_new_function_is_pending_and_then_active_with_another_revision() {
    let function = pending();
    assert_eq!(function.latest().lifecycle, Lifecycle::Pending);
    assert_eq!(function.latest().revision, revision(1));
    let settled = function.settle(Ok(()), revision(2)).unwrap();
    assert_eq!(settled.latest().lifecycle, Lifecycle::Active);
    assert_eq!(settled.latest().revision, revision(2));
    assert_eq!(settled.latest().generation, revision(1), "the same workers");
    assert_eq!(settled.latest().last_modified, fresh(1).now);
    assert_eq!(settled.settle(Ok(()), revision(3)), None, "nothing is being prepared");
}

#[test]
fn a_failed_creation_is_failed_and_can_be_mended_by_an_update() {
    let failed = pending().settle(Err(failure()), revision(2)).unwrap();
    assert_eq!(failed.latest().lifecycle, Lifecycle::Failed(failure()));
    let conflict = Err(Conflict::State("Failed").into());
    assert_eq!(failed.latest().check_invocable(), conflict);
    let mended = failed.update_code(code(2), None, None, fresh(3)).unwrap();
    assert_eq!(mended.latest().lifecycle, Lifecycle::Updating);
}

#[test]
fn a_function_has_a_name_that_can_exist() {
    for name in ["a.b", &"a".repeat(65)] {
        let arn = ARN.replace(":function:f", &format!(":function:{name}")).parse().unwrap();
        assert!(Function::create(arn, change(), code(1), Tags::default(), fresh(1)).is_err());
    }
}

#[test]
fn an_update_changes_the_revision_when_accepted_and_when_done() {
    let updated = active().update_code(code(1), None, None, fresh(5)).unwrap();
    assert_eq!(updated.latest().lifecycle, Lifecycle::Updating);
    assert_eq!(updated.latest().revision, revision(5));
    assert_eq!(updated.latest().generation, revision(5), "also for the same bytes");
    assert_eq!(updated.latest().last_modified, fresh(5).now);
    assert_eq!(updated.latest().check_invocable(), Ok(()));
    let settled = updated.settle(Ok(()), revision(6)).unwrap();
    assert_eq!(settled.latest().revision, revision(6));
}

#[test]
fn new_code_may_say_what_it_is_for() {
    let architecture = |function: &Function| function.latest().configuration.architecture();
    let arm = Some(Architecture::Arm64);
    let updated = active().update_code(code(2), arm, None, fresh(5)).unwrap();
    assert_eq!(architecture(&updated), Architecture::Arm64);
    let settled = updated.settle(Ok(()), revision(6)).unwrap();
    let silent = settled.update_code(code(3), None, None, fresh(7)).unwrap();
    assert_eq!(architecture(&silent), Architecture::Arm64);
}

#[test]
fn a_failed_update_leaves_the_function_active() {
    let updated = active().update_code(code(2), None, None, fresh(5)).unwrap();
    let failed = updated.settle(Err(failure()), revision(6)).unwrap();
    assert_eq!(failed.latest().lifecycle, Lifecycle::UpdateFailed(failure()));
    assert_eq!(failed.latest().check_invocable(), Ok(()));
}

#[test]
fn a_rehearsal_shows_the_code_and_changes_nothing_else() {
    let function = active();
    let arm = Some(Architecture::Arm64);
    let rehearsed = function.rehearse_code(code(2), arm, None).unwrap();
    let configuration = function.latest().configuration.built_for(arm);
    let latest = Deployment { configuration, code: code(2), ..function.latest().clone() };
    assert_eq!(rehearsed.latest(), &latest);
    assert_eq!(rehearsed.published_as(), function.published_as());
}

#[test]
fn a_configuration_update_keeps_the_code() {
    let input = ConfigurationInput { timeout: Some(7), ..ConfigurationInput::default() };
    let change = input.try_into().unwrap();
    let updated = active().update_configuration(change, None, fresh(5)).unwrap();
    assert_eq!(updated.latest().configuration.timeout().get(), 7);
    assert_eq!(updated.latest().code, code(1));
}

#[track_caller]
fn check_refused(function: &Function, expected: Option<&str>, want: impl Into<LambdaError>) {
    let want: LambdaError = want.into();
    let request =
        PublishRequest { expected: expected.map(Into::into), ..PublishRequest::default() };
    let published = function.publish(request, None, fresh(8), revision(9)).map(|_| ());
    assert_eq!(published, Err(want.clone()));
    let updated = function.update_code(code(2), None, expected, fresh(8)).map(|_| ());
    assert_eq!(updated, Err(want.clone()));
    let rehearsed = function.rehearse_code(code(2), None, expected).map(|_| ());
    assert_eq!(rehearsed, Err(want.clone()));
    let changed = function.update_configuration(ConfigurationChange::default(), expected, fresh(8));
    assert_eq!(changed.map(|_| ()), Err(want));
}

#[test]
fn nothing_changes_while_something_is_being_prepared() {
    check_refused(&pending(), None, Conflict::State("Pending"));
    let updating = active().update_code(code(2), None, None, fresh(5)).unwrap();
    let target = Target::unqualified(ARN.parse().unwrap());
    check_refused(&updating, None, Conflict::UpdateInProgress(target));
}

#[test]
fn a_stale_revision_changes_nothing() {
    check_refused(&active(), Some("wrong"), StaleRevision::Function);
    let current = revision(2).to_string();
    assert!(active().update_code(code(2), None, Some(&current), fresh(5)).is_ok());
}

#[test]
fn publishing_numbers_from_1_and_changes_both_revisions() {
    let (function, version) = published(&active());
    assert_eq!(version.number, VersionNumber::FIRST);
    assert_eq!(version.target().to_string(), format!("{ARN}:1"));
    assert_eq!(version.deployment.lifecycle, Lifecycle::Active);
    assert_eq!(version.deployment.revision, revision(21));
    assert_eq!(function.latest().revision, revision(20));
    assert_eq!(function.latest().generation, active().latest().generation);
    assert_eq!(function.published_as(), Some(version.number));
}

#[test]
fn publishing_again_without_a_change_is_the_same_version() {
    let (function, version) = published(&active());
    assert_eq!(publish(&function, Some(&version)), Publication::Unchanged);
    let tagged =
        function.tagged(Tags::new([("k".into(), "v".into())].into()).unwrap(), revision(30));
    assert_eq!(publish(&tagged, Some(&version)), Publication::Unchanged, "tags are not a change");
    let (_, second) = published(&function);
    assert_eq!(second.number.get(), 2, "the first was deleted; numbers are never reused");
}

#[test]
fn any_update_makes_the_next_version_a_new_one() {
    let (function, first) = published(&active());
    let updated = function.update_code(code(1), None, None, fresh(30)).unwrap();
    let updated = updated.settle(Ok(()), revision(31)).unwrap();
    assert!(matches!(publish(&updated, Some(&first)), Publication::New(_)));
}

#[test]
fn a_version_may_have_its_own_description() {
    let request = PublishRequest { description: Some("v1".into()), ..PublishRequest::default() };
    let Ok(Publication::New(both)) = active().publish(request, None, fresh(3), revision(4)) else {
        panic!("a new version")
    };
    assert_eq!(both.1.deployment.configuration.description(), "v1");
    assert_eq!(both.0.latest().configuration.description(), "head");
    assert_eq!(published(&active()).1.deployment.configuration.description(), "head");
}

#[test]
fn the_code_must_be_the_expected_one() {
    let actual = code(1).sha256.to_string();
    let request =
        |sha: &str| PublishRequest { code_sha256: Some(sha.into()), ..Default::default() };
    assert!(active().publish(request(&actual), None, fresh(3), revision(4)).is_ok());
    let error = active().publish(request("other"), None, fresh(3), revision(4));
    let want = InvalidParameter::CodeSha256 { given: "other".into(), actual: actual.into() };
    assert_eq!(error, Err(want.into()));
}

#[test]
fn publishing_with_an_update_makes_a_pending_version() {
    for function in [pending(), active().update_code(code(2), None, None, fresh(5)).unwrap()] {
        let (after, version) = function.publish_with_update(fresh(6));
        assert_eq!(version.deployment.lifecycle, Lifecycle::Pending);
        assert_eq!(version.deployment.code, function.latest().code);
        assert_eq!(after.latest(), function.latest());
        let ready = version.settle(Ok(())).unwrap();
        assert_eq!(ready.deployment.lifecycle, Lifecycle::Active);
        assert_eq!(ready.deployment.revision, revision(6), "a version's revision is stable");
        assert_eq!(ready.settle(Ok(())), None);
    }
}

#[test]
fn tagging_changes_the_revision_and_nothing_else_of_latest() {
    let tagged = active()
        .tagged(Tags::default().adding([("k".into(), "v".into())].into()).unwrap(), revision(5));
    assert_eq!(tagged.tags().iter().collect::<Vec<_>>(), [("k", "v")]);
    let untagged =
        tagged.tagged(tagged.tags().without(&["k".into(), "unknown".into()]), revision(6));
    assert!(untagged.tags().is_empty());
    let latest = Deployment { revision: revision(6), ..active().latest().clone() };
    assert_eq!(untagged.latest(), &latest);
    assert_eq!(Tags::default().adding(Default::default()), Err(InvalidParameter::EmptyTags.into()));
}

#[track_caller]
fn check_scope(qualifier: Option<&str>, want: Result<DeleteScope, InvalidParameter>) {
    let qualifier = qualifier.map(Qualifier::parse);
    let target = Target { function: ARN.parse().unwrap(), qualifier };
    assert_eq!(DeleteScope::of(&target), want.map_err(Into::into), "{target}");
}

#[test]
#[rustfmt::skip]
fn a_function_or_one_version_is_deleted() {
    check_scope(None,            Ok(DeleteScope::Function));
    check_scope(Some("1"),       Ok(DeleteScope::Version(VersionNumber::FIRST)));
    check_scope(Some("0"),       Ok(DeleteScope::Nothing));
    check_scope(Some("$LATEST"), Err(InvalidParameter::LatestDeletion));
    check_scope(Some("prod"),    Err(InvalidParameter::AliasDeletion));
    check_scope(Some("$latest"), Err(InvalidParameter::AliasDeletion));
}

#[test]
fn a_version_that_an_alias_uses_is_not_deleted() {
    let (function, version) = published(&active());
    let alias = |name: &str, own: &str, weights: &[(String, f64)]| {
        let input = AliasInput {
            name: name.parse().unwrap(),
            function_version: Qualifier::parse(own),
            description: None,
            weights: Some(weights.to_vec()),
        };
        Alias::create(function.arn(), input, &|_| true, false, revision(9)).unwrap()
    };
    let main = alias("live", "1", &[]);
    let share = alias("beta", "2", &[("1".into(), 0.1)]);
    let other = alias("old", "2", &[]);
    assert_eq!(other.version(), AliasVersion::Number(VersionNumber::new(2).unwrap()));
    assert_eq!(version.check_deletion([&other]), Ok(()));
    let refused = version.check_deletion([&main, &other, &share]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Unable to delete version because the following aliases reference it: [live, beta]"
    );
}

#[test]
fn a_stored_function_has_its_numbers_in_order() {
    let parts = active().parts().clone();
    assert!(Function::restore(parts.clone()).is_ok());
    let published_as = Some(parts.next_version);
    assert!(Function::restore(FunctionParts { published_as, ..parts }).is_err());
}
