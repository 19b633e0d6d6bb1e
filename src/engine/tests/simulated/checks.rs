//! What must hold after every step.

use std::collections::HashSet;

use rand::RngExt;

use super::world::World;
use crate::engine::tests::scene::dropped;
use crate::engine::{LogLevel, Progress, Stats};

impl World {
    pub(super) fn check(&mut self) {
        let whole = self.scenario.servers <= 50 || self.random.random_bool(0.1);
        self.check_counters();
        self.check_requests();
        if whole {
            self.check_queue();
            self.check_memory();
        }
        self.check_log();
    }

    fn check_counters(&self) {
        let stats = self.engine.stats();
        let (outstanding, queued) = (self.model.asked.len() as u64, self.model.queue.len() as u64);
        assert_eq!(stats, Stats { outstanding, queued, ..self.model.stats });
        assert_eq!(stats.datagrams_in, stats.replies + dropped(&stats));
        assert_eq!(stats.requests, stats.expired + stats.cancelled + stats.outstanding);
    }

    fn check_requests(&self) {
        let asked = &self.model.asked;
        let unanswered = asked.values().filter(|asked| asked.received() == 0).count();
        assert_eq!(self.engine.outstanding(), (asked.len(), unanswered));
        // An old key is to be wiped in time, too.
        let deadlines = self.model.next_deadline().into_iter().chain(self.engine.keys.deadline());
        assert_eq!(self.engine.next_deadline(), deadlines.min());
        assert_eq!(self.engine.events.len(), self.model.events.len());
        for (salt, asked) in asked {
            assert_eq!(self.engine.find(salt), Some(asked.id));
            let sent = asked.answered.len() as u32;
            let progress = Progress { sent, received: asked.received(), settled: asked.settled };
            assert_eq!(self.engine.progress(asked.id), Some(progress));
            assert!(progress.received <= sent && progress.settled <= progress.received);
        }
        if let Some(id) = self.last_ended {
            assert_eq!(self.engine.progress(id), None);
        }
    }

    fn check_queue(&self) {
        assert_eq!(self.engine.queued(), self.model.queue.len());
        let wanted = self.model.queue.iter().map(|waiting| (&*waiting.bytes, waiting.to));
        assert!(self.engine.peek_transmits().eq(wanted), "the queue is another");
    }

    /// Memory is bounded by what is outstanding, or was at most.
    fn check_memory(&self) {
        let outstanding = self.model.asked.len();
        assert_eq!(self.engine.table.sizes(), [outstanding; 3]);
        assert!(self.engine.table.places() <= self.model.most_asked);
        assert!(self.engine.queue.held() <= 2 * self.model.queue.len() + 65);
        let mut addresses: HashSet<_> = self.model.peers.iter().collect();
        addresses.extend(self.model.asked.values().flat_map(|asked| asked.answered.keys()));
        assert_eq!(self.engine.book.len(), addresses.len(), "addresses held");
        assert!(self.engine.lines.len() <= 1_024);
    }

    fn check_log(&mut self) {
        if self.random.random_bool(0.8) {
            return;
        }
        while let Some(line) = self.engine.next_log_line() {
            assert!(!line.text.contains(char::is_control));
            self.warnings += usize::from(line.level == LogLevel::Warning && line.text.contains("any_source"));
        }
        assert!(self.warnings <= usize::from(self.model.signed_by_a_stranger && !self.model.any_source));
    }
}
