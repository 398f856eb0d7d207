//! A warm call of a Python function over the wire, against the bare Runtime API loop.

use super::{Bench, micros};
use crate::{
    Fallible,
    bare_loop::BareLoop,
    report::{Goal, Row, median},
    say,
};

const FUNCTION: &str = "my-function";

/// Each side's calls before the other's turn.
const TURN: usize = 50;

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    say!("Invoke, warm, and the bare Runtime API loop in turns ({})", bench.runtime);
    let (_server, mut session) = bench.start("invoke")?;
    bench.deploy(&mut session, FUNCTION)?;
    let mut bare = BareLoop::start(&bench.python, bench.runtime, &bench.folder.join("bare-code"))?;
    let mut runs = Vec::new();
    for run in 0..=bench.effort.runs {
        let (mut base, mut own) = (Vec::new(), Vec::new());
        for _ in 0..bench.effort.calls.div_ceil(TURN) {
            for _ in 0..TURN {
                base.push(micros(bare.call()?));
            }
            for _ in 0..TURN {
                own.push(micros(session.invoke(FUNCTION)?));
            }
        }
        if run > 0 {
            runs.push((median(base), median(own))); // The first only warms up.
        }
    }
    let what = "Invoke, warm: median";
    Ok(vec![Row::compared(what, "µs", "bare loop", Goal::Ratio(2.0), runs)])
}
