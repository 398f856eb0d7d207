//! One connection's calls, each checked against what it must be answered.

use std::{collections::BTreeMap, net::SocketAddr, time::Instant};

use http::Method;
use portcullis_sigv4::Credentials;
use serde_json::{Value, json};

use crate::{
    Fallible, say,
    session::{Session, function_call},
    wire::Answer,
};

/// One of so many functions has a time-out of a second, and is called for that only: a call that
/// waits for a processor would meet it as well.
const SLEEPERS: u32 = 50;

/// The functions that are called more often than the rest: one of so many.
const HOT: u32 = 20;

/// The functions of the load, by number.
pub(super) struct Fleet {
    pub(super) count: u32,
    pub(super) runtime: &'static str,
    /// The code that each begins with, and the code that updates change to.
    pub(super) packages: [String; 2],
}

/// What a client was told.
#[derive(Default)]
pub(super) struct Told {
    /// What every event that was answered printed.
    pub(super) tokens: Vec<String>,
    /// How many calls of each kind were answered as they must be.
    pub(super) counts: Vec<(&'static str, u64)>,
    /// The promises that were broken.
    pub(super) broken: Vec<String>,
}

/// What a call asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Answer,
    Fail,
    Exit,
    Sleep,
    UpdateCode,
    UpdateConfiguration,
}

pub(super) struct Client<'a> {
    number: u32,
    address: SocketAddr,
    key: Credentials,
    fleet: &'a Fleet,
    dice: u64,
}

impl Fleet {
    pub(super) fn create(&self, session: &mut Session) -> Fallible<()> {
        say!("creating {} functions", self.count);
        for number in 0..self.count {
            let timeout = if number.is_multiple_of(SLEEPERS) { 1 } else { 60 };
            let (name, [package, _]) = (Self::name(number), &self.packages);
            session.create_function_with(&name, self.runtime, package, timeout)?;
        }
        (0..self.count).try_for_each(|number| session.await_active(&Self::name(number)))
    }

    pub(super) fn delete(&self, session: &mut Session) -> Fallible<()> {
        (0..self.count).try_for_each(|number| session.delete_function(&Self::name(number)))
    }

    fn name(number: u32) -> String {
        format!("soak-{number}")
    }
}

impl<'a> Client<'a> {
    pub(super) fn new(
        number: u32,
        address: SocketAddr,
        key: Credentials,
        fleet: &'a Fleet,
    ) -> Self {
        Self { number, address, key, fleet, dice: u64::from(number) }
    }

    /// Calls until then.
    pub(super) fn run(mut self, until: Instant) -> Fallible<Told> {
        let mut session = Session::new(self.address, self.key.clone())?;
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut told = Told::default();
        let mut turn = 0u64;
        while Instant::now() < until {
            turn += 1;
            let token = format!("c{}-{turn}", self.number);
            let act = self.act();
            match self.call(&mut session, act, &token) {
                Ok(()) => *counts.entry(act.name()).or_default() += 1,
                Err(error) => {
                    told.broken.push(format!("{} {token}: {error}", act.name()));
                    session = Session::new(self.address, self.key.clone())?;
                }
            }
            if act.is_call() {
                told.tokens.push(token);
            }
        }
        told.counts = counts.into_iter().collect();
        Ok(told)
    }

    /// What to do next: mostly calls that are answered.
    fn act(&mut self) -> Act {
        match self.roll(1000) {
            0..900 => Act::Answer,
            900..960 => Act::Fail,
            960..980 => Act::Exit,
            980..985 => Act::Sleep,
            985..990 => Act::UpdateCode,
            _ => Act::UpdateConfiguration,
        }
    }

    /// Whom to call: a hot function in nine of ten cases, any in the tenth.
    fn function(&mut self, act: Act) -> u32 {
        if act == Act::Sleep {
            return self.roll(self.fleet.count.div_ceil(SLEEPERS)) * SLEEPERS;
        }
        let hot = (self.fleet.count / HOT).max(2);
        let among = if self.roll(10) > 0 { hot } else { self.fleet.count };
        let number = self.roll(among);
        // The next one after a sleeper is none.
        if number.is_multiple_of(SLEEPERS) { number + 1 } else { number }
    }

    fn call(&mut self, session: &mut Session, act: Act, token: &str) -> Fallible<()> {
        let name = Fleet::name(self.function(act));
        let [first, second] = &self.fleet.packages;
        let (method, path, body) = match act {
            Act::UpdateCode => {
                let package = if self.roll(2) == 0 { first } else { second };
                (Method::PUT, "code", json!({"ZipFile": package}))
            }
            Act::UpdateConfiguration => {
                let environment = json!({"Environment": {"Variables": {"TOKEN": token}}});
                (Method::PUT, "configuration", environment)
            }
            _ => (Method::POST, "invocations", json!({"token": token, "do": act.name()})),
        };
        let call = function_call(method, &format!("/{name}/{path}"), body.to_string());
        let answer = session.send(&call)?;
        if act.is_answered_by(&answer, token) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&answer.body);
        Err(format!("{name} was answered {} {body}", answer.status).into())
    }

    /// A number below `sides`; the same numbers in every run (SplitMix64).
    fn roll(&mut self, sides: u32) -> u32 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(sides)).unwrap_or_default()
    }
}

impl Act {
    /// As the handler knows it.
    fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Fail => "fail",
            Self::Exit => "exit",
            Self::Sleep => "sleep",
            Self::UpdateCode => "update of code",
            Self::UpdateConfiguration => "update of configuration",
        }
    }

    fn is_call(self) -> bool {
        !matches!(self, Self::UpdateCode | Self::UpdateConfiguration)
    }

    /// Whether it is this call's own answer. An update meets another that is in progress at times.
    fn is_answered_by(self, answer: &Answer, token: &str) -> bool {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        match self {
            Self::Answer => answer.status == 200 && body == token,
            Self::Fail => answer.status == 200 && text("errorMessage") == token,
            Self::Exit => answer.status == 200 && text("errorType") == "Runtime.ExitError",
            Self::Sleep => answer.status == 200 && text("errorType") == "Sandbox.Timedout",
            Self::UpdateCode | Self::UpdateConfiguration => matches!(answer.status, 200 | 409),
        }
    }
}

impl Told {
    pub(super) fn merge(&mut self, other: Self) {
        self.tokens.extend(other.tokens);
        self.broken.extend(other.broken);
        for (what, count) in other.counts {
            match self.counts.iter_mut().find(|(known, _)| *known == what) {
                Some((_, sum)) => *sum += count,
                None => self.counts.push((what, count)),
            }
        }
    }
}
