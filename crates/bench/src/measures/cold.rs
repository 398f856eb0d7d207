//! A cold start: the first call of a new function, whose worker is made for it, on a server that has
//! run functions of this runtime before.

use super::Bench;
use crate::{
    Fallible,
    report::{Goal, Row, median},
    say,
};

/// From issue 5: Python, forked from an interpreter that has the runtime client loaded.
const COLD_MS_MAX: f64 = 20.0;

/// Calls before the first that counts: the runtime's zygote comes up meanwhile.
const WARM_UPS: usize = 10;

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    say!("Invoke, cold ({})", bench.runtime);
    let (_server, mut session) = bench.start("cold")?;
    let mut cold = |name: &str| -> Fallible<f64> {
        bench.deploy(&mut session, name)?;
        Ok(session.invoke(name)?.as_secs_f64() * 1e3)
    };
    for number in 0..WARM_UPS {
        cold(&format!("warm-up-{number}"))?;
    }
    let mut runs = Vec::new();
    for run in 0..bench.effort.runs {
        let names = (0..bench.effort.colds).map(|number| format!("cold-{run}-{number}"));
        runs.push(median(names.map(|name| cold(&name)).collect::<Fallible<Vec<_>>>()?));
    }
    let what = "Invoke, cold: median of first answers";
    Ok(vec![Row::alone(what, "ms", Goal::Most(COLD_MS_MAX), runs)])
}
