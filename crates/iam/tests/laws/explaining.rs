//! Laws of explanations: they agree with the decision, and what they name is what it hangs on.

use portcullis_iam::{
    Decision, DocumentReference, Narrowing, Policy, PolicyType, explain,
    explain::{Miss, MissedPart, StatementReference, Verdict, Way},
    judge,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::common::decision_by_trace;
use super::{Case, generate};

const NARROWING: [Narrowing; 1] =
    [Narrowing { operator: "ArnLike", key: "AWS:SourceArn", action: None }];

fn read(case: &Value) -> Case {
    Case::read(&case.to_string(), Policy::parse_unvalidated).unwrap()
}

/// The statements that a type of policy has in a case, at a level, in a document.
fn statement<'c>(case: &'c mut Value, at: &StatementReference<'_>) -> &'c mut Value {
    let (document, level) = (at.document.document, at.document.level);
    let document = match at.document.policy_type {
        PolicyType::Identity => &mut case["identityPolicies"][document],
        PolicyType::Boundary => &mut case["permissionBoundaries"][document],
        PolicyType::Session => &mut case["sessionPolicies"][document],
        PolicyType::Resource => &mut case["resourcePolicy"],
        PolicyType::ServiceControl => {
            &mut case["serviceControlPolicies"][level.unwrap()]["policies"][document]
        }
        PolicyType::ResourceControl => {
            &mut case["resourceControlPolicies"][level.unwrap()]["policies"][document]
        }
    };
    let document =
        if document.get("policy").is_some() { &mut document["policy"] } else { document };
    &mut document["Statement"][at.statement]
}

/// Adds a statement to a case, in a document of its own where the type may have several.
fn add(case: &mut Value, kind: PolicyType, level: Option<usize>, statement: &str) {
    let statement: Value = serde_json::from_str(statement).unwrap();
    let document = json!({"Version": "2012-10-17", "Statement": [statement]});
    let list = match kind {
        PolicyType::Identity => &mut case["identityPolicies"],
        PolicyType::Boundary => &mut case["permissionBoundaries"],
        PolicyType::Session => &mut case["sessionPolicies"],
        PolicyType::ServiceControl => {
            let level = &mut case["serviceControlPolicies"][level.unwrap()];
            return level["policies"].as_array_mut().unwrap().push(json!({"policy": document}));
        }
        PolicyType::Resource => match case.get_mut("resourcePolicy") {
            Some(policy) => {
                return policy["Statement"].as_array_mut().unwrap().push(statement);
            }
            None => return case["resourcePolicy"] = document,
        },
        PolicyType::ResourceControl => panic!("these never allow"),
    };
    if list.is_null() {
        *list = json!([]);
    }
    list.as_array_mut().unwrap().push(document);
}

/// Makes a part that missed fit every call.
fn mend(statement: &mut Value, miss: &Miss) {
    let all = statement.as_object_mut().unwrap();
    let mut put = |names: [&str; 2], value: Value| {
        names.iter().for_each(|name| drop(all.remove(*name)));
        all.insert(names[0].to_owned(), value);
    };
    match &miss.part {
        MissedPart::Action => put(["Action", "NotAction"], json!("*")),
        MissedPart::Resource => put(["Resource", "NotResource"], json!("*")),
        MissedPart::Principal => put(["Principal", "NotPrincipal"], json!("*")),
        MissedPart::Condition { operator, key } => {
            statement["Condition"][operator].as_object_mut().unwrap().remove(key);
        }
    }
}

/// Whether the case's explanation says that this statement applies.
fn applies(case: &Value, at: &StatementReference<'_>) -> bool {
    read(case).ask(|request, policies| {
        let all = explain(request, policies, &NARROWING);
        let one = all.trace.iter().find(|one| one.policy_type == at.document.policy_type).unwrap();
        let same = |reference: &StatementReference<'_>| {
            (reference.document, reference.statement) == (at.document, at.statement)
        };
        one.allows.iter().chain(&one.denies).any(|applied| same(&applied.reference))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn explanation_and_decision_agree(case in generate::case()) {
        let read = read(&case);
        let decision = read.decide();
        read.ask(|request, policies| {
            let told = explain(request, policies, &NARROWING);
            prop_assert_eq!(told.decision, decision);
            prop_assert_eq!(decision_by_trace(&told), decision, "{:#}", &case);
            let verdict = |kind| {
                told.trace.iter().find(|one| one.policy_type == kind).unwrap().verdict
            };
            for one in &told.trace {
                prop_assert_eq!(one.verdict == Verdict::Denies, !one.denies.is_empty());
            }
            let denied = told.trace.iter().any(|one| one.verdict == Verdict::Denies);
            match decision {
                Decision::Allowed | Decision::ImplicitlyDenied(_) => {
                    prop_assert!(!denied, "{case:#}");
                }
                Decision::ExplicitlyDenied(kind) => {
                    prop_assert_eq!(verdict(kind), Verdict::Denies, "{:#}", &case);
                }
            }
            if let Decision::ImplicitlyDenied(kind) = decision {
                // A grant to the account alone is an Allow that is not enough by itself.
                prop_assert_eq!(verdict(kind), Verdict::Silent, "{:#}", &case);
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_denies_explicitly_is_all_that_does(case in generate::case()) {
        let denies: Vec<(PolicyType, Option<usize>, usize, usize)> = read(&case).ask(|request, policies| {
            let told = explain(request, policies, &NARROWING);
            let all = told.trace.iter().flat_map(|one| &one.denies).map(|one| one.reference);
            all.map(|at| (at.document.policy_type, at.document.level, at.document.document, at.statement)).collect()
        });
        let mut without = case.clone();
        for (policy_type, level, document, index) in denies {
            let document = DocumentReference { policy_type, level, document };
            let at = StatementReference { document, statement: index, sid: None };
            statement(&mut without, &at)["Effect"] = json!("Allow");
            let named = statement(&mut without, &at).as_object_mut().unwrap();
            named.remove("Condition");
            named.insert("Condition".into(), json!({"Bool": {"aws:never": "true"}}));
        }
        prop_assert!(!matches!(read(&without).decide(), Decision::ExplicitlyDenied(_)), "{case:#}");
    }

    #[test]
    fn every_way_allows_the_call_and_is_needed_whole(case in generate::case()) {
        let ways: Vec<Vec<(PolicyType, Option<usize>, String)>> = read(&case).ask(|request, policies| {
            let told = explain(request, policies, &NARROWING);
            let grants = |way: &Way| {
                let each = way.grants.iter();
                each.map(|one| (one.policy_type, one.level, one.statement.clone())).collect()
            };
            told.ways.iter().map(grants).collect()
        });
        for way in ways {
            let mended = |but: Option<usize>| {
                let mut mended = case.clone();
                let grants = way.iter().enumerate().filter(|(at, _)| Some(*at) != but);
                for (_, (kind, level, statement)) in grants {
                    add(&mut mended, *kind, *level, statement);
                }
                read(&mended).decide()
            };
            prop_assert_eq!(mended(None), Decision::Allowed, "{:?} {:#}", way, &case);
            for (at, grant) in way.iter().enumerate() {
                prop_assert_ne!(mended(Some(at)), Decision::Allowed, "{:?} {:#}", grant, &case);
            }
        }
    }

    #[test]
    fn what_missed_is_what_keeps_the_nearest_from_applying(case in generate::case()) {
        let read = read(&case);
        read.ask(|request, policies| {
            let told = explain(request, policies, &NARROWING);
            let Some(nearest) = &told.nearest else { return Ok(()) };
            prop_assert!(!nearest.misses.is_empty());
            let mended = |but: Option<usize>| {
                let mut mended = case.clone();
                let misses = nearest.misses.iter().enumerate().filter(|(at, _)| Some(*at) != but);
                for (_, miss) in misses {
                    mend(statement(&mut mended, &nearest.reference), miss);
                }
                applies(&mended, &nearest.reference)
            };
            prop_assert!(mended(None), "{:?} {case:#}", nearest);
            for at in 0..nearest.misses.len() {
                prop_assert!(!mended(Some(at)), "{:?} {case:#}", nearest.misses[at]);
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_deciding_statement_applies(case in generate::case()) {
        let read = read(&case);
        read.ask(|request, policies| {
            let told = explain(request, policies, &NARROWING);
            let (decision, place) = judge(request, policies);
            let Some(one) = place else {
                prop_assert!(!matches!(decision, Decision::ExplicitlyDenied(_)));
                return Ok(());
            };
            let of_type = told.trace.iter().find(|all| all.policy_type == one.document.policy_type);
            let all = match decision {
                Decision::ExplicitlyDenied(_) => &of_type.unwrap().denies,
                _ => &of_type.unwrap().allows,
            };
            prop_assert!(all.iter().any(|applied| applied.reference.place() == one), "{case:#}");
            Ok(())
        })?;
    }
}
