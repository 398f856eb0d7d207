//! Figures: what was measured, against what, and what it should be. As a table and as JSON.

use std::{
    borrow::Cow,
    fs,
    io::{self, Write as _},
    path::Path,
    thread,
};

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use serde_json::{Value, json};

use crate::Fallible;

/// What a measure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// Times the base, in the same run.
    Ratio(f64),
    /// In the measure's own unit.
    Most(f64),
    /// As much at the least, in the measure's own unit.
    Least(f64),
    /// Nothing: it is there to be seen.
    None,
}

/// One measure, over all runs.
#[derive(Debug)]
pub(crate) struct Row {
    what: Cow<'static, str>,
    /// Of the figures and their base.
    unit: &'static str,
    /// What it is compared with; empty when with nothing.
    base: &'static str,
    goal: Goal,
    /// The base's figure and ours, of each run.
    runs: Vec<(Option<f64>, f64)>,
}

impl Row {
    /// A measure with a base: pairs of the base's figure and ours, one of each run.
    pub(crate) fn compared(
        what: impl Into<Cow<'static, str>>,
        unit: &'static str,
        base: &'static str,
        goal: Goal,
        runs: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        let runs = runs.into_iter().map(|(base, own)| (Some(base), own)).collect();
        Self { what: what.into(), unit, base, goal, runs }
    }

    /// A measure on its own.
    pub(crate) fn alone(
        what: impl Into<Cow<'static, str>>,
        unit: &'static str,
        goal: Goal,
        runs: impl IntoIterator<Item = f64>,
    ) -> Self {
        let runs = runs.into_iter().map(|own| (None, own)).collect();
        Self { what: what.into(), unit, base: "", goal, runs }
    }

    fn own(&self) -> f64 {
        median(self.runs.iter().map(|(_, own)| *own))
    }

    fn base(&self) -> Option<f64> {
        (!self.base.is_empty()).then(|| median(self.runs.iter().filter_map(|(base, _)| *base)))
    }

    fn ratio(&self) -> Option<f64> {
        let ratios = self.runs.iter().filter_map(|(base, own)| Some(own / (*base)?));
        (!self.base.is_empty()).then(|| median(ratios))
    }

    /// Whether the goal is met; nothing where there is none.
    fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::Ratio(most) => self.ratio().map(|ratio| ratio <= most),
            Goal::Most(most) => Some(self.own() <= most),
            Goal::Least(least) => Some(self.own() >= least),
            Goal::None => None,
        }
    }

    fn cells(&self) -> [String; 8] {
        let figure = |value: Option<f64>| value.map(rounded).unwrap_or_default();
        let goal = match self.goal {
            Goal::Ratio(most) => format!("≤ {most} ×"),
            Goal::Most(most) => format!("≤ {most} {}", self.unit),
            Goal::Least(least) => format!("≥ {least} {}", self.unit),
            Goal::None => String::new(),
        };
        let met = self.met().map_or("", |met| if met { "met" } else { "MISSED" });
        let [what, unit, base, met] = [&self.what, self.unit, self.base, met].map(str::to_owned);
        let [of_base, own, ratio] = [self.base(), Some(self.own()), self.ratio()].map(figure);
        [what, unit, own, base, of_base, ratio, goal, met]
    }

    fn json(&self) -> Value {
        let (goal_ratio, goal_most, goal_least) = match self.goal {
            Goal::Ratio(most) => (Some(most), None, None),
            Goal::Most(most) => (None, Some(most), None),
            Goal::Least(least) => (None, None, Some(least)),
            Goal::None => (None, None, None),
        };
        json!({
            "measure": self.what,
            "unit": self.unit,
            "median": self.own(),
            "base": (!self.base.is_empty()).then_some(self.base),
            "baseMedian": self.base(),
            "ratioMedian": self.ratio(),
            "goalRatioMax": goal_ratio,
            "goalMax": goal_most,
            "goalMin": goal_least,
            "met": self.met(),
            "runs": self.runs.iter().map(|(_, own)| own).collect::<Vec<_>>(),
            "baseRuns": self.runs.iter().filter_map(|(base, _)| *base).collect::<Vec<_>>(),
        })
    }
}

/// Prints every row on standard output.
pub(crate) fn print(rows: &[Row], runs: usize) -> Fallible<()> {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["measure", "unit", "portcullis", "base", "of base", "ratio", "goal", ""]);
    for row in rows {
        table.add_row(row.cells());
    }
    for column in table.column_iter_mut().enumerate().filter(|(n, _)| [2, 4, 5].contains(n)) {
        column.1.set_cell_alignment(CellAlignment::Right);
    }
    let cores = processors();
    Ok(writeln!(io::stdout(), "Medians of {runs} run(s) on {cores} processors\n{table}")?)
}

/// Writes every row, with the figures of each run.
pub(crate) fn write_json(path: &Path, rows: &[Row], quick: bool, busy: f64) -> Fallible<()> {
    let all = json!({
        "quick": quick,
        "processors": processors(),
        "loadAverageBefore": busy,
        "measures": rows.iter().map(Row::json).collect::<Vec<_>>(),
    });
    Ok(fs::write(path, format!("{all:#}\n"))?)
}

pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Three digits that mean something, or the whole number.
fn rounded(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The middle of `values`, the higher of the two middles of an even number.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(&mut values.into_iter().collect::<Vec<_>>(), 50)
}

/// The value that `percent` of `values` are below; not a number when there are none.
pub(crate) fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() * percent / 100).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{Goal, Row, median, percentile, rounded};

    #[test]
    fn a_ratio_is_of_one_run() {
        let runs = [(1.0, 2.0), (10.0, 15.0), (100.0, 400.0)];
        let row = Row::compared("x", "µs", "y", Goal::Ratio(2.0), runs);
        assert_eq!((row.base(), row.own(), row.ratio()), (Some(10.0), 15.0, Some(2.0)));
    }

    #[test]
    #[rustfmt::skip]
    fn a_goal_is_the_most_or_the_least() {
        let check = |goal, want| {
            assert_eq!(Row::compared("x", "µs", "y", goal, [(10.0, 20.0)]).met(), want, "{goal:?}");
        };
        check(Goal::Ratio(2.0), Some(true));
        check(Goal::Ratio(1.9), Some(false));
        check(Goal::Most(20.0), Some(true));
        check(Goal::Most(19.0), Some(false));
        check(Goal::Least(20.0), Some(true));
        check(Goal::Least(21.0), Some(false));
        check(Goal::None,       None);
    }

    #[test]
    fn a_percentile_is_a_value() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(percentile(&mut [1.0; 100], 99), 1.0);
        assert!(median([]).is_nan());
    }

    #[test]
    fn figures_are_short() {
        for (value, want) in [(0.5, "0.50"), (12.34, "12.3"), (1234.5, "1234"), (99.9, "99.9")] {
            assert_eq!(rounded(value), want);
        }
    }
}
