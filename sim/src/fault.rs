//! What can be wrong with a candidate. Every fault is off by default.

use crate::document::{ConfigError, Place};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;

/// The faults of one candidate. The numbers are probabilities from 0 to 1, drawn for each datagram.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Faults {
    /// A request is lost on its way.
    pub loss: f64,
    /// A reply is lost on its way.
    pub reply_loss: f64,
    /// A reply arrives twice.
    pub duplicate: f64,
    /// A reply is held until the next has gone out, 50 ms at most.
    pub reorder: f64,
    /// Each reply waits for a time between these two.
    pub delay: Option<(Duration, Duration)>,
    /// One hex digit of the signature is another.
    pub wrong_signature: f64,
    /// The reply carries another salt, and is signed for that.
    pub wrong_salt: f64,
    /// The reply comes from another port of this address, or from `wrong_source_address`.
    pub wrong_source: f64,
    /// Send wrong-source replies from here, with the candidate's own port if it is free.
    pub wrong_source_address: Option<IpAddr>,
    /// A request is read and never answered.
    pub silent: f64,
    /// The configuration is not loaded: status 1, a text, serial 0.
    pub unloaded: f64,
    /// The hex digits of the signature are upper case.
    pub upper_hmac: f64,
    /// Random bytes come instead of the reply.
    pub garbage: f64,
    /// Only the beginning of the reply comes.
    pub truncate: f64,
    /// Characters beyond ASCII go out as UTF-8. The real server sends the low byte of each.
    pub utf8: bool,
}

/// The members of `faults` in a configuration file.
pub(crate) const NAMES: &[&str] = &[
    "loss",
    "reply_loss",
    "duplicate",
    "reorder",
    "delay_ms",
    "wrong_signature",
    "wrong_salt",
    "wrong_source",
    "wrong_source_address",
    "silent",
    "unloaded",
    "upper_hmac",
    "garbage",
    "truncate",
    "utf8",
];

impl Faults {
    /// These faults, and each reply waits between `from` and `to` milliseconds.
    pub fn delay_ms(mut self, from: u64, to: u64) -> Faults {
        self.delay = Some((Duration::from_millis(from), Duration::from_millis(to.max(from))));
        self
    }

    /// From the member `faults` of a configuration file.
    pub fn from_json(value: &Value) -> Result<Faults, ConfigError> {
        Faults::read(&Place::new(value, "faults"))
    }

    pub(crate) fn read(place: &Place) -> Result<Faults, ConfigError> {
        let members = place.object(NAMES)?;
        let probability = |name: &str| members.get(name).map_or(Ok(0.0), |place| probability(&place));
        Ok(Faults {
            loss: probability("loss")?,
            reply_loss: probability("reply_loss")?,
            duplicate: probability("duplicate")?,
            reorder: probability("reorder")?,
            delay: members.get("delay_ms").map(|place| delay(&place)).transpose()?.flatten(),
            wrong_signature: probability("wrong_signature")?,
            wrong_salt: probability("wrong_salt")?,
            wrong_source: probability("wrong_source")?,
            wrong_source_address: members
                .get("wrong_source_address")
                .map(|place| place.parse("an IP address"))
                .transpose()?,
            silent: probability("silent")?,
            unloaded: probability("unloaded")?,
            upper_hmac: probability("upper_hmac")?,
            garbage: probability("garbage")?,
            truncate: probability("truncate")?,
            utf8: members.get("utf8").map_or(Ok(false), |place| place.yes())?,
        })
    }

    /// Nothing to draw and nothing to delay: the way of a reply is the short one.
    pub(crate) fn none(&self) -> bool {
        let idle =
            Faults { utf8: self.utf8, wrong_source_address: self.wrong_source_address, ..Faults::default() };
        *self == idle
    }
}

fn probability(place: &Place) -> Result<f64, ConfigError> {
    match place.value {
        Value::Bool(certain) => Ok(f64::from(u8::from(*certain))),
        value => value
            .as_f64()
            .filter(|chance| (0.0..=1.0).contains(chance))
            .ok_or_else(|| place.fail("a probability from 0 to 1, or true or false")),
    }
}

fn delay(place: &Place) -> Result<Option<(Duration, Duration)>, ConfigError> {
    let expected = "milliseconds, or [least, most], up to 3600000";
    let bound = |value: &Value| {
        let ms = value.as_f64().filter(|ms| (0.0..=3_600_000.0).contains(ms));
        ms.map(|ms| Duration::from_secs_f64(ms / 1000.0)).ok_or_else(|| place.fail(expected))
    };
    let (least, most) = match place.value {
        Value::Array(list) => match list.as_slice() {
            [least, most] => (bound(least)?, bound(most)?),
            _ => return Err(place.fail(expected)),
        },
        value => (bound(value)?, bound(value)?),
    };
    if least > most {
        return Err(place.fail(expected));
    }
    Ok((most > Duration::ZERO).then_some((least, most)))
}

/// The one source of chance of a thread: the same seed, the same draws.
pub(crate) struct Dice(SmallRng);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(SmallRng::seed_from_u64(seed))
    }

    pub fn hit(&mut self, probability: f64) -> bool {
        probability > 0.0 && (probability >= 1.0 || self.0.random_bool(probability))
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound)
    }

    pub fn between(&mut self, (least, most): (Duration, Duration)) -> Duration {
        let span = (most - least).as_micros() as u64;
        least + Duration::from_micros(self.0.random_range(0..=span))
    }

    pub fn bytes(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }
}
