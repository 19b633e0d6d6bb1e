//! What the replies to one request say together: whether they agree, and whether a further one says anything new.

use crate::wire::fingerprint::fingerprint;
use crate::wire::reply::Reply;

/// The state of the replies to one request. Answers are remembered by their fingerprints.
#[derive(Debug)]
pub(super) struct Verdict {
    /// The first answer of an ok reply, and its serial, once there was one.
    serial: i64,
    answer: u64,
    /// What there is where not all ok replies had that serial. Most requests have none, and there may be a million.
    others: Option<Box<Others>>,
    any: bool,
    any_ok: bool,
    consistent: bool,
}

#[derive(Debug)]
struct Others {
    /// The first answers for other serials, of which there are few.
    known: Vec<(i64, u64)>,
    /// What the filter compares with: the highest serial that was let through, and its answer.
    told: (i64, u64),
}

impl Default for Verdict {
    fn default() -> Self {
        Verdict { serial: 0, answer: 0, others: None, any: false, any_ok: false, consistent: true }
    }
}

impl Verdict {
    /// False once two ok replies had one serial and different answers.
    pub(super) fn consistent(&self) -> bool {
        self.consistent
    }

    /// Takes a reply into account; says whether it tells something new: the first of all, the first ok one, and
    /// later ok ones with a higher serial and a different answer.
    pub(super) fn take(&mut self, reply: &Reply) -> bool {
        let first_of_all = !std::mem::replace(&mut self.any, true);
        if !reply.is_ok() {
            return first_of_all;
        }
        let (serial, answer) = (reply.serial(), fingerprint(reply.answer().bytes()));
        if !std::mem::replace(&mut self.any_ok, true) {
            (self.serial, self.answer) = (serial, answer);
            return true;
        }
        if serial == self.serial {
            self.consistent &= answer == self.answer;
        }
        if serial == self.serial && self.others.is_none() {
            return false;
        }
        let told = (self.serial, self.answer);
        let others = self.others.get_or_insert_with(|| Box::new(Others { known: Vec::new(), told }));
        if serial != self.serial {
            match others.known.iter().find(|(known, _)| *known == serial) {
                Some((_, known)) => self.consistent &= *known == answer,
                None => others.known.push((serial, answer)),
            }
        }
        if serial <= others.told.0 {
            return false;
        }
        let (_, told) = std::mem::replace(&mut others.told, (serial, answer));
        answer != told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: i32, serial: i64, answer: &str) -> Reply {
        let message =
            format!("{{\"protocol\":1,\"status\":{status},\"answer\":{answer},\"serial\":{serial}}}");
        Reply::parse(&message).unwrap()
    }

    #[test]
    fn only_news_is_told() {
        let mut verdict = Verdict::default();
        let mut take = |status, serial, answer| verdict.take(&reply(status, serial, answer));
        assert!(take(1, 0, "0"), "the first of all");
        assert!(!take(1, 0, "1"), "another error");
        assert!(take(0, 5, "\"a\""), "the first ok one");
        assert!(!take(0, 5, "\"a\""));
        assert!(!take(0, 4, "\"b\""), "older");
        assert!(!take(0, 6, "\"a\""), "newer, but the same");
        assert!(take(0, 7, "\"b\""), "newer and different");
        assert!(!take(1, 0, "0"));
    }

    #[test]
    fn an_ok_reply_with_serial_0_is_told_after_an_error() {
        let mut verdict = Verdict::default();
        assert!(verdict.take(&reply(1, 0, "0")));
        assert!(verdict.take(&reply(0, 0, "3000000")));
    }

    #[test]
    fn one_serial_with_two_answers_is_inconsistent_whichever_came_first() {
        let mut verdict = Verdict::default();
        verdict.take(&reply(0, 4, "\"stale\""));
        verdict.take(&reply(0, 5, "{\"a\":1,\"b\":2}"));
        verdict.take(&reply(0, 5, "{\"b\":2,\"a\":1}"));
        verdict.take(&reply(1, 0, "0"));
        assert!(verdict.consistent(), "other serials, equal values and errors do not count");
        verdict.take(&reply(0, 5, "{\"b\":2}"));
        assert!(!verdict.consistent());
        verdict.take(&reply(0, 6, "1"));
        assert!(!verdict.consistent(), "and it stays so");
    }
}
