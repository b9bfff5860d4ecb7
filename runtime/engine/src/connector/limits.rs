//! How gently a system is called: pace and circuit breaker. Time is an argument.
use std::time::Duration;

/// Spreads calls evenly over each second.
#[derive(Debug)]
pub(super) struct Pace {
    apart: Duration,
    /// When the next call may go.
    next: Duration,
}

impl Pace {
    pub(super) fn per_second(calls: u32) -> Self {
        Self { apart: Duration::from_secs(1) / calls.max(1), next: Duration::ZERO }
    }

    /// Takes the next place: when the call may go. None, and no place taken, where that is past the deadline.
    pub(super) fn place(&mut self, now: Duration, deadline: Duration) -> Option<Duration> {
        let at = self.next.max(now);
        if at > deadline {
            return None;
        }
        self.next = at + self.apart;
        Some(at)
    }
}

/// Leaves a system alone after too many technical failures in a row, then lets one call through to see.
#[derive(Debug)]
pub(super) struct Breaker {
    open_after: u32,
    pause: Duration,
    failures: u32,
    open_until: Option<Duration>,
    /// The one call that looks whether the system is back.
    probing: bool,
}

impl Breaker {
    pub(super) fn new(open_after: u32, pause: Duration) -> Self {
        Self { open_after: open_after.max(1), pause, failures: 0, open_until: None, probing: false }
    }

    /// Whether a call may go. One that may has to be [recorded](Breaker::record).
    pub(super) fn admits(&mut self, now: Duration) -> bool {
        match self.open_until {
            None => true,
            Some(until) if now < until || self.probing => false,
            Some(_) => {
                self.probing = true;
                true
            }
        }
    }

    /// What became of a call.
    pub(super) fn record(&mut self, now: Duration, well: bool) {
        if well {
            (self.failures, self.open_until, self.probing) = (0, None, false);
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.open_after {
            self.open_until = Some(now + self.pause);
            self.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_pace_spreads_calls_and_refuses_those_that_would_come_too_late() {
        let mut pace = Pace::per_second(10);
        let places: Vec<_> = (0..3).map(|_| pace.place(ms(5), ms(205))).collect();
        assert_eq!(places, [Some(ms(5)), Some(ms(105)), Some(ms(205))]);
        assert_eq!(pace.place(ms(5), ms(205)), None);
        assert_eq!(pace.place(ms(5), ms(305)), Some(ms(305)), "a refused call takes no place");
        assert_eq!(pace.place(ms(9_000), ms(9_000)), Some(ms(9_000)), "a rest saves nothing up");
    }

    #[test]
    fn a_breaker_opens_probes_and_closes() {
        let mut breaker = Breaker::new(2, ms(100));
        for (now, admitted, then) in [
            (0, true, Some(false)),
            (1, true, Some(true)),
            (2, true, Some(false)),
            (3, true, Some(false)), // the second in a row: open until 103
            (50, false, None),
            (103, true, None), // the probe is out
            (104, false, None),
        ] {
            assert_eq!(breaker.admits(ms(now)), admitted, "at {now}");
            if let Some(well) = then {
                breaker.record(ms(now), well);
            }
        }
        breaker.record(ms(110), false);
        assert!(!breaker.admits(ms(209)), "a failed probe opens it again");
        assert!(breaker.admits(ms(210)));
        breaker.record(ms(211), true);
        assert!(breaker.admits(ms(212)) && breaker.admits(ms(212)), "a good probe closes it");
    }
}
