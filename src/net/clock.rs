//! The clocks of the system: the monotonic one for whatever is waited for, the wall clock for what servers are told.
//! Times of the monotonic one are numbers of nanoseconds, so that a look costs hardly more than the system takes for it.

use std::ops::Add;
use std::time::Duration;
#[cfg(target_pointer_width = "32")]
use std::time::{SystemTime, UNIX_EPOCH};

/// A time of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// Now.
    pub fn now() -> Self {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` lives for the time of the call, which fails for clocks that there are not, and this there is.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
        Instant(now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64)
    }

    /// This much later; `None` past the end of the clock, in some five hundred years.
    pub fn checked_add(self, by: Duration) -> Option<Self> {
        self.0.checked_add(by.as_nanos().try_into().ok()?).map(Instant)
    }

    /// How long after `earlier` it is, nothing if it is not.
    pub fn saturating_duration_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The same in whole microseconds.
    pub fn micros_since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// This much later, or the end of the clock.
    fn add(self, by: Duration) -> Instant {
        self.checked_add(by).unwrap_or(Instant(u64::MAX))
    }
}

/// Seconds since 1970 by the wall clock; 0 where it stands before that.
pub fn unix_seconds() -> u64 {
    // As of the last tick, which is near enough and costs no look at the processor's counter. An emulator may not have it.
    for clock in [libc::CLOCK_REALTIME_COARSE, libc::CLOCK_REALTIME] {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` lives for the time of the call.
        if unsafe { libc::clock_gettime(clock, &mut now) } == 0 {
            return u64::try_from(now.tv_sec).unwrap_or(0);
        }
    }
    // Past 2038 they fail where a time has 32 bits.
    #[cfg(target_pointer_width = "32")]
    return SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    #[cfg(not(target_pointer_width = "32"))]
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_as_that_of_the_standard_library_does() {
        let (ours, theirs) = (Instant::now(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(20));
        let after = Instant::now().saturating_duration_since(ours);
        assert!(after >= Duration::from_millis(20) && after <= theirs.elapsed() + Duration::from_millis(1));
        let since = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        assert!(unix_seconds().abs_diff(since) <= 1);
    }

    #[test]
    fn times_are_added_and_subtracted_without_going_over_an_end() {
        let now = Instant::now();
        let later = now + Duration::from_nanos(7_999);
        assert_eq!(later.saturating_duration_since(now), Duration::from_nanos(7_999));
        assert_eq!((later.micros_since(now), now.micros_since(later)), (7, 0));
        assert_eq!(now.saturating_duration_since(later), Duration::ZERO);
        assert!(later > now && now.checked_add(Duration::MAX).is_none());
        assert!(now + Duration::MAX > now + Duration::from_secs(1 << 32));
    }
}
