//! Rules about statements that need not be there. Source: iam.md §10.5, rule 7.

use super::rules;
use crate::analysis::finding::{Finding, Report, Spot};
use crate::analysis::redundancy::{Redundancy, RedundancyKind, redundancies};
use crate::analysis::written::WrittenPolicy;

pub(super) fn examine(written: &WrittenPolicy, report: &mut Report) {
    for redundancy in redundancies(written) {
        report.add(finding(written, redundancy));
    }
}

fn finding(written: &WrittenPolicy, redundancy: Redundancy) -> Finding {
    let spot = |index: usize| {
        let statement = written.statements().iter().find(|one| one.index() == index);
        statement.map(|statement| statement.spot()).unwrap_or_default()
    };
    let saves = redundancy.saves;
    let at = redundancy.statements.first().copied().map(spot).unwrap_or_default();
    let by = redundancy.by.map(spot).unwrap_or_default().text();
    let finding = match redundancy.kind {
        RedundancyKind::Duplicate => Finding::new(
            &rules::DUPLICATE,
            at,
            format!("This says the same as {by}."),
            format!("Remove the statement; that saves {saves} bytes."),
        ),
        RedundancyKind::Covered => Finding::new(
            &rules::COVERED,
            at,
            format!("{by} applies whenever this does, with the same effect."),
            format!("Remove the statement; that saves {saves} bytes."),
        ),
        RedundancyKind::List => Finding::new(
            &rules::MERGEABLE,
            several(at, &redundancy),
            format!("{} differ only here.", names(&redundancy, spot)),
            format!("Write one statement with a list of the values; that saves {saves} bytes."),
        ),
        RedundancyKind::Wildcard => Finding::new(
            &rules::WILDCARD_MERGE,
            several(at, &redundancy),
            format!("{} would be covered by one with a wildcard.", names(&redundancy, spot)),
            format!("If all else that fits may be covered too, one statement saves {saves} bytes."),
        ),
    };
    Finding { saves: Some(saves), replacement: redundancy.replacement, ..finding }
}

fn several(at: Spot, redundancy: &Redundancy) -> Spot {
    Spot { element: redundancy.element.clone(), ..at }
}

/// How many statements a message lists by name.
const NAMED_MAX: usize = 5;

/// The statements, for messages.
fn names(redundancy: &Redundancy, spot: impl Fn(usize) -> Spot) -> String {
    let all = &redundancy.statements;
    let named: Vec<String> = all.iter().take(NAMED_MAX).map(|index| spot(*index).text()).collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}
