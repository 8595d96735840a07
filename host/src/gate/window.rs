//! Calls in short sliding spans: which ones a window still counts, and how long until there is room.
//!
//! The vendor counts a call when it arrives there, at a moment that we do not see: between our leave to send it and its
//! answer. A span that we counted from our own sending would therefore slide against the vendor's by the difference of
//! two transit times, and a slow call before a fast one would pass the limit. So a call counts here as long as it is
//! under way, and for the whole span after its answer. Then no span of the vendor's can hold more than the window allows:
//! when the last call of such a span was let go, each of the others was under way or had ended less than a span ago, so
//! that all of them were counted. It needs no common clock. [`limits::WINDOW_MARGIN_MS`] on top is for what is no
//! transit: vendors that forget in steps, our own whole milliseconds, and a clock that is set a little while we count.

use crate::gate::budget::Cost;
use std::collections::{BTreeMap, VecDeque};
use tollgate_core::model::manifest::Window;
use tollgate_core::model::{At, limits};

/// The calls of one account that its windows still count.
#[derive(Debug, Default)]
pub(super) struct Recent {
    all: Calls,
    named: BTreeMap<String, Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    running: u64,
    /// When calls ended, and how many; oldest first.
    ended: VecDeque<(At, u64)>,
}

impl Recent {
    /// A request leaves.
    pub(super) fn begin(&mut self, cost: &Cost) {
        self.each(cost, |calls, count| calls.running += count);
    }

    /// It is over; `windows` are those that hold.
    pub(super) fn end(&mut self, now: At, cost: &Cost, windows: &[&Window]) {
        self.each(cost, |calls, count| calls.running = calls.running.saturating_sub(count));
        self.ended(now, cost, windows);
    }

    /// Calls that ended now and were not seen to begin.
    pub(super) fn ended(&mut self, now: At, cost: &Cost, windows: &[&Window]) {
        let longest_ms = windows.iter().map(|window| kept_ms(window)).max();
        self.each(cost, |calls, count| calls.keep(now, count, longest_ms));
    }

    /// Milliseconds until a request of this cost has room in all of these windows; 0 if it has now. Exact where only
    /// ended calls are in its way, else the least that it can be.
    pub(super) fn wait_ms(&mut self, now: At, cost: &Cost, windows: &[&Window]) -> u64 {
        let mut longest_ms = 0;
        for window in windows {
            let calls = match &window.name {
                None => &mut self.all,
                Some(name) if cost.window.as_ref() == Some(name) => self.named.entry(name.clone()).or_default(),
                Some(_) => continue,
            };
            longest_ms = longest_ms.max(calls.wait_ms(now, u64::from(cost.calls), window));
        }
        longest_ms
    }

    fn each(&mut self, cost: &Cost, mut change: impl FnMut(&mut Calls, u64)) {
        let count = u64::from(cost.calls);
        change(&mut self.all, count);
        if let Some(name) = &cost.window {
            change(self.named.entry(name.clone()).or_default(), count);
        }
    }
}

impl Calls {
    fn keep(&mut self, now: At, count: u64, longest_ms: Option<u64>) {
        self.not_after(now);
        while let Some((at, _)) = self.ended.front()
            && longest_ms.is_none_or(|longest_ms| now.since_ms(*at) >= longest_ms)
        {
            self.ended.pop_front();
        }
        if longest_ms.is_some() {
            match self.ended.back_mut() {
                Some((at, before)) if *at == now => *before += count,
                _ => self.ended.push_back((now, count)),
            }
        }
    }

    /// After a clock was set back, what ended in its future ended now: it waits a span, and not a span and the jump.
    fn not_after(&mut self, now: At) {
        self.ended.iter_mut().rev().take_while(|(at, _)| *at > now).for_each(|(at, _)| *at = now);
    }

    fn wait_ms(&mut self, now: At, count: u64, window: &Window) -> u64 {
        self.not_after(now);
        let kept_ms = kept_ms(window);
        let counted = self.ended.iter().filter(|(at, _)| now.since_ms(*at) < kept_ms);
        let in_window: u64 = counted.clone().map(|(_, count)| count).sum();
        let mut excess = (self.running + in_window + count).saturating_sub(u64::from(window.calls));
        if excess == 0 {
            return 0;
        }
        for (at, count) in counted {
            excess = excess.saturating_sub(*count);
            if excess == 0 {
                return at.plus_ms(kept_ms).since_ms(now);
            }
        }
        // What is under way is in its way too: its span begins when it ends.
        kept_ms
    }
}

/// How long an ended call counts.
fn kept_ms(window: &Window) -> u64 {
    u64::from(window.seconds) * 1_000 + limits::WINDOW_MARGIN_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::ChaCha12Rng;
    use rand::{RngExt, SeedableRng};

    const MARGIN: i64 = limits::WINDOW_MARGIN_MS.cast_signed();

    fn window(name: Option<&str>, calls: u32, seconds: u32) -> Window {
        Window { name: name.map(str::to_owned), calls, seconds }
    }

    fn cost(calls: u32, window: Option<&str>) -> Cost {
        Cost { calls, window: window.map(str::to_owned) }
    }

    /// How long a request waits, for calls that ended at these instants and some that run: until the oldest that must
    /// leave has left; a whole span where only what runs can make room.
    #[test]
    fn waits() {
        for (ended, running, count, now, expected) in [
            (&[][..], 0, 1, 0, 0),
            (&[0, 0], 0, 1, 0, 0),
            (&[0, 0, 0], 0, 1, 0, 10_000 + MARGIN),
            (&[0, 0, 0], 0, 1, 9_000, 1_000 + MARGIN),
            (&[0, 0, 0], 0, 1, 10_000 + MARGIN - 1, 1),
            (&[0, 0, 0], 0, 1, 10_000 + MARGIN, 0),
            (&[0, 400, 500], 0, 1, 1_000, 9_000 + MARGIN),
            (&[0, 400, 500], 0, 2, 1_000, 9_400 + MARGIN),
            (&[0, 400, 500], 0, 3, 1_000, 9_500 + MARGIN),
            (&[0], 2, 1, 1_000, 9_000 + MARGIN),
            (&[0], 2, 2, 1_000, 10_000 + MARGIN),
            (&[], 3, 1, 1_000, 10_000 + MARGIN),
            (&[5_000, 5_000, 5_000], 0, 1, 2_000, 10_000 + MARGIN),
        ] {
            let (window, mut recent) = (window(None, 3, 10), Recent::default());
            for at in ended {
                recent.ended(At(*at), &cost(1, None), &[&window]);
            }
            (0..running).for_each(|_| recent.begin(&cost(1, None)));
            let wait_ms = recent.wait_ms(At(now), &cost(count, None), &[&window]);
            assert_eq!(i64::try_from(wait_ms), Ok(expected), "{ended:?} {running} {count} {now}");
        }
    }

    /// A named window counts its own requests only, one without a name counts them too, and the longest wait holds.
    #[test]
    fn names() {
        let (all, search) = (window(None, 3, 10), window(Some("search"), 1, 1));
        let windows = [&all, &search];
        let mut recent = Recent::default();
        recent.ended(At(0), &cost(1, Some("search")), &windows);
        let span = |seconds: i64| u64::try_from(seconds * 1_000 + MARGIN).unwrap();
        assert_eq!(recent.wait_ms(At(0), &cost(1, Some("search")), &windows), span(1));
        assert_eq!(recent.wait_ms(At(0), &cost(1, None), &windows), 0);
        recent.ended(At(0), &cost(2, None), &windows);
        assert_eq!(recent.wait_ms(At(0), &cost(1, Some("search")), &windows), span(10));
        assert_eq!(recent.wait_ms(At(0), &cost(1, None), &[]), 0, "no window, no wait");
        recent.ended(At(20_000), &cost(1, None), &windows);
        assert_eq!(recent.all.ended.len(), 1, "what left the span is forgotten");
    }

    /// Whatever the vendor's moment of counting between sending and answer, none of its spans holds more than the window
    /// allows: 30 runs of random transit times, some of them longer than the span.
    #[test]
    fn no_span_of_the_vendor_holds_more() {
        for seed in 0..30 {
            let mut random = ChaCha12Rng::seed_from_u64(seed);
            let (window, mut recent, mut now) = (window(None, 5, 1), Recent::default(), 0);
            let (mut under_way, mut counted) = (Vec::new(), Vec::new());
            while counted.len() < 400 {
                now += random.random_range(0..40);
                under_way.retain(|end| {
                    if *end <= now {
                        recent.end(At(now), &cost(1, None), &[&window]);
                    }
                    *end > now
                });
                if recent.wait_ms(At(now), &cost(1, None), &[&window]) == 0 {
                    let end = now + random.random_range(0..1_500);
                    recent.begin(&cost(1, None));
                    counted.push(random.random_range(now..=end));
                    under_way.push(end);
                }
            }
            counted.sort_unstable();
            let most =
                counted.iter().map(|from| counted.iter().filter(|at| (*from..from + 1_000).contains(*at)).count());
            assert_eq!(most.max(), Some(5), "seed {seed}: the window is used and not passed");
        }
    }
}
