//! The laws of aliases: which versions, which shares, which refusals.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::StaleRevision;

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

fn revision(number: u128) -> RevisionId {
    RevisionId::new(Uuid::from_u128(number))
}

fn number(number: u64) -> VersionNumber {
    VersionNumber::new(number).unwrap()
}

/// The function has versions 1 and 2.
fn exists(version: VersionNumber) -> bool {
    version.get() <= 2
}

type Weights<'a> = &'a [(&'a str, f64)];

fn owned(weights: Weights<'_>) -> Vec<(String, f64)> {
    weights.iter().map(|(key, weight)| ((*key).to_owned(), *weight)).collect()
}

fn create(version: &str, weights: Weights<'_>, taken: bool) -> Result<Alias, LambdaError> {
    let input = AliasInput {
        name: "prod".parse().unwrap(),
        function_version: Qualifier::parse(version),
        description: None,
        weights: Some(owned(weights)),
    };
    Alias::create(&ARN.parse().unwrap(), input, &exists, taken, revision(1))
}

#[track_caller]
fn check_refusal(got: Result<Alias, LambdaError>, want: &str) {
    assert_eq!(got.unwrap_err().to_string(), want.replace("ARN", ARN));
}

#[test]
fn an_alias_stands_for_a_version_or_for_latest() {
    assert_eq!(create("1", &[], false).unwrap().version(), AliasVersion::Number(number(1)));
    let latest = create("$LATEST", &[], false).unwrap();
    assert_eq!(latest.version(), AliasVersion::Latest);
    assert_eq!(latest.description(), "");
    assert_eq!(latest.routing(), None, "empty weights are no routing");
    assert_eq!(latest.target().to_string(), format!("{ARN}:prod"));
}

#[test]
#[rustfmt::skip]
fn refusals_have_the_texts_of_aws() {
    check_refusal(create("1", &[], true), "Alias already exists: ARN:prod");
    check_refusal(create("9", &[], true), "Function not found: ARN:9");
    check_refusal(create("0", &[], false), "Function not found: ARN:0");
    check_refusal(create("1", &[("2", 0.1), ("3", 0.1)], false), "Number of items in AdditionalVersionWeights cannot be greater than 1");
    check_refusal(create("1", &[("1", 0.5)], false), "Invalid function version 1. Function version 1 is already included in routing configuration.");
    check_refusal(create("1", &[("10", 0.5)], false), "Function not found: ARN:10");
    check_refusal(create("1", &[("007", 0.5)], false), "Function not found: ARN:007");
    check_refusal(create("$LATEST", &[("1", 0.5)], false), "$LATEST is not supported for an alias pointing to more than 1 version");
    check_refusal(create("1", &[("$LATEST", 0.5)], false), "$LATEST is not supported for an alias pointing to more than 1 version");
}

#[test]
fn a_weight_is_a_share() {
    for weight in [0.0, 0.5, 1.0] {
        assert!(create("1", &[("2", weight)], false).is_ok(), "{weight}");
    }
    for weight in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(create("1", &[("2", weight)], false).is_err(), "{weight}");
    }
}

fn update(alias: &Alias, change: AliasChange) -> Result<Alias, LambdaError> {
    alias.update(change, &exists, revision(2))
}

#[test]
fn an_update_changes_what_it_names_and_always_the_revision() {
    let alias = create("1", &[("2", 0.25)], false).unwrap();
    let same = update(&alias, AliasChange::default()).unwrap();
    assert_eq!(same.revision(), revision(2));
    assert_eq!((same.version(), same.routing()), (alias.version(), alias.routing()));
    let described = AliasChange { description: Some("d".into()), ..AliasChange::default() };
    assert_eq!(update(&alias, described).unwrap().description(), "d");
    let cleared = AliasChange { weights: Some(vec![]), ..AliasChange::default() };
    assert_eq!(update(&alias, cleared).unwrap().routing(), None);
}

#[test]
fn a_routing_that_stays_must_still_fit() {
    let alias = create("1", &[("2", 0.25)], false).unwrap();
    let to = |version: &str| AliasChange {
        function_version: Some(Qualifier::parse(version)),
        ..AliasChange::default()
    };
    let own = "Invalid function version 2. Function version 2 is already included in routing configuration.";
    check_refusal(update(&alias, to("2")), own);
    let latest = "$LATEST is not supported for an alias pointing to more than 1 version";
    check_refusal(update(&alias, to("$LATEST")), latest);
    check_refusal(update(&alias, to("9")), "Function not found: ARN:9");
}

#[test]
fn a_stale_revision_comes_before_everything_else() {
    let alias = create("1", &[], false).unwrap();
    let change = AliasChange {
        function_version: Some(Qualifier::parse("9")),
        expected: Some("wrong".into()),
        ..AliasChange::default()
    };
    assert_eq!(update(&alias, change), Err(StaleRevision::Function.into()));
    let expected = Some(revision(1).to_string());
    assert!(update(&alias, AliasChange { expected, ..AliasChange::default() }).is_ok());
}

#[test]
fn an_alias_without_routing_picks_its_version() {
    let alias = create("1", &[], false).unwrap();
    assert_eq!(alias.pick(0.0), AliasVersion::Number(number(1)));
    assert!(alias.refers_to(number(1)));
    assert!(!alias.refers_to(number(2)));
}

proptest! {
    #[test]
    fn the_second_version_gets_the_calls_below_its_weight(weight in 0.0..=1.0f64, chance in 0.0..1.0f64) {
        let alias = create("1", &[("2", weight)], false).unwrap();
        let want = if chance < weight { 2 } else { 1 };
        prop_assert_eq!(alias.pick(chance), AliasVersion::Number(number(want)));
    }

    #[test]
    fn nothing_goes_to_a_weight_of_0_and_all_to_one_of_1(chance in 0.0..1.0f64) {
        let none = create("1", &[("2", 0.0)], false).unwrap();
        prop_assert_eq!(none.pick(chance), AliasVersion::Number(number(1)));
        let all = create("1", &[("2", 1.0)], false).unwrap();
        prop_assert_eq!(all.pick(chance), AliasVersion::Number(number(2)));
    }
}
