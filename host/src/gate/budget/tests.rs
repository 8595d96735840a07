//! Budgets under calls, waits, windows and counts that a vendor reports.

use super::*;
use crate::gate::testing::TestClock;

const RETRY_MIN_MS: u64 = limits::RETRY_AFTER_MS_MIN;

fn bounds(concurrency: Option<u32>, calls_per_day: Option<u64>) -> manifest::Budget {
    manifest::Budget { concurrency, calls_per_day, windows: Vec::new() }
}

fn calls(calls: u32) -> Cost {
    Cost { calls, window: None }
}

fn setup(bounds: &manifest::Budget) -> (TestClock, Counters, Payer) {
    let clock = TestClock::new();
    let counters = Counters::new(Arc::new(clock.clone()));
    let account = Payer { tenant: "t".into(), account: "acme".into() };
    counters.declare(&account, &"one".into(), bounds);
    (clock, counters, account)
}

/// No more requests run at the same time than the account allows; the next one starts when one ends, and gives up
/// after the time that it may wait.
#[tokio::test]
async fn concurrency() {
    let (clock, counters, account) = setup(&bounds(Some(2), None));
    let one = counters.acquire(&account, calls(1), 0).await.ok().unwrap();
    let _two = counters.acquire(&account, calls(1), 0).await.ok().unwrap();
    let mut third = counters.acquire(&account, calls(1), 100);
    assert!(futures_util::poll!(&mut third).is_pending());
    clock.advance(100);
    assert_eq!(third.await.err(), Some(WaitMs(limits::RETRY_AFTER_MS_MIN)));
    let mut fourth = counters.acquire(&account, calls(1), 100);
    assert!(futures_util::poll!(&mut fourth).is_pending());
    drop(one);
    assert!(fourth.await.is_ok());
    assert_eq!(counters.usage(&account).concurrency_peak, 2);
    assert_eq!(counters.usage(&account).used, 3, "what gave up was not charged");
}

/// The lower of two connections' bounds holds, also for what is under way when it is declared.
#[tokio::test]
async fn the_lower_bound_holds() {
    let (_, counters, account) = setup(&bounds(Some(3), None));
    let running: Vec<Permit> = futures_util::future::join_all((0..3).map(|_| counters.acquire(&account, calls(1), 0)))
        .await
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(running.len(), 3);
    counters.declare(&account, &"two".into(), &bounds(Some(1), None));
    drop(running);
    let _one = counters.acquire(&account, calls(1), 0).await.ok().unwrap();
    assert!(futures_util::poll!(counters.acquire(&account, calls(1), 1)).is_pending());
    counters.declare(&account, &"two".into(), &bounds(Some(5), None));
    assert_eq!(counters.usage(&account).concurrency, 3);
    let _two = counters.acquire(&account, calls(1), 0).await.ok().unwrap();
    let _three = counters.acquire(&account, calls(1), 0).await.ok().unwrap();
    assert!(futures_util::poll!(counters.acquire(&account, calls(1), 1)).is_pending());
}

/// A day's calls are never passed, counted over a rolling day and with what was spent before the start.
#[tokio::test]
async fn calls_per_day() {
    let (clock, counters, account) = setup(&bounds(None, Some(10)));
    let hour = clock.hour();
    counters.seed(&account, hour - 1, 4);
    counters.seed(&account, hour - 30, 100);
    assert!(counters.acquire(&account, calls(5), 0).await.is_ok());
    assert!(counters.acquire(&account, calls(1), 0).await.is_ok());
    let WaitMs(wait_ms) = counters.acquire(&account, calls(1), 0).await.err().unwrap();
    clock.advance(wait_ms - 1);
    assert!(counters.acquire(&account, calls(1), 0).await.is_err());
    clock.advance(1);
    assert!(counters.acquire(&account, calls(4), 0).await.is_ok(), "the first hour has left the day");
    assert!(counters.acquire(&account, calls(1), 0).await.is_err());
}

fn windows(windows: &[(Option<&str>, u32, u32)]) -> manifest::Budget {
    let window = |(name, calls, seconds): &(Option<&str>, u32, u32)| manifest::Window {
        name: name.map(str::to_owned),
        calls: *calls,
        seconds: *seconds,
    };
    manifest::Budget { windows: windows.iter().map(window).collect(), ..bounds(None, None) }
}

/// What a span takes is let go at once; the next request waits until the span and the margin are over since the first
/// answer if it may wait so long, and else is told how long that is. Requests of another name do not wait.
#[tokio::test]
async fn a_window_is_waited_for() {
    const SPAN_MS: u64 = 1_000 + limits::WINDOW_MARGIN_MS;
    let (clock, counters, account) = setup(&windows(&[(None, 4, 10), (Some("search"), 2, 1)]));
    let search = || Cost { calls: 1, window: Some("search".into()) };
    let first = counters.acquire(&account, search(), 0).await.ok().unwrap();
    assert!(counters.acquire(&account, search(), 0).await.is_ok());
    clock.advance(500);
    assert_eq!(counters.acquire(&account, search(), SPAN_MS - 501).await.err(), Some(WaitMs(RETRY_MIN_MS)));
    drop(first);
    clock.advance(100);
    let mut third = counters.acquire(&account, search(), 2_000);
    assert!(futures_util::poll!(&mut third).is_pending());
    clock.advance(SPAN_MS - 601);
    assert!(futures_util::poll!(&mut third).is_pending(), "the second, answered at once, leaves in a millisecond");
    assert!(counters.acquire(&account, calls(1), 0).await.is_ok(), "no search, no wait");
    clock.advance(1);
    assert!(third.await.is_ok());
    let WaitMs(wait_ms) = counters.acquire(&account, calls(1), 2_000).await.err().unwrap();
    assert_eq!(wait_ms, 10_000 + limits::WINDOW_MARGIN_MS - SPAN_MS, "all four are in the longer window");
    assert_eq!(counters.usage(&account).used, 4, "what gave up was not charged");
}

/// A request that is sent once more counts twice; after a restart what was spent in this hour counts as spent now;
/// the window of a second connection holds beside the first one's.
#[tokio::test]
async fn windows_count_all_that_was_sent() {
    let (clock, counters, account) = setup(&windows(&[(None, 3, 10)]));
    let permit = counters.acquire(&account, calls(1), 0).await.ok().unwrap();
    assert_eq!(counters.charge(&account, &calls(1)), Ok(()));
    drop(permit);
    assert!(counters.acquire(&account, calls(1), 0).await.is_ok());
    assert!(counters.charge(&account, &calls(1)).is_err() && counters.acquire(&account, calls(1), 0).await.is_err());

    let (clock, counters, account) = {
        drop(clock);
        setup(&windows(&[(None, 3, 10)]))
    };
    counters.seed(&account, clock.hour(), 2);
    counters.seed(&account, clock.hour() - 2, 50);
    assert!(counters.acquire(&account, calls(1), 0).await.is_ok());
    assert!(counters.acquire(&account, calls(1), 0).await.is_err());
    clock.advance(10_000 + limits::WINDOW_MARGIN_MS);
    counters.declare(&account, &"two".into(), &windows(&[(None, 1, 1)]));
    assert!(counters.acquire(&account, calls(1), 0).await.is_ok());
    assert!(counters.acquire(&account, calls(1), 0).await.is_err(), "the second connection's window");
}

/// Where the vendor counts, its count holds, with what was sent since; an old count is asked anew by one call.
#[tokio::test]
async fn the_vendors_count() {
    let (clock, counters, account) = setup(&bounds(None, None));
    counters.learn(&account, Reported { used: 4_998, limit: Some(5_000) }, 1);
    assert!(counters.acquire(&account, calls(2), 0).await.is_ok());
    let usage = counters.usage(&account);
    assert_eq!((usage.used, usage.limit_per_day), (5_000, Some(5_000)));
    let WaitMs(wait_ms) = counters.acquire(&account, calls(1), 0).await.err().unwrap();
    clock.advance(wait_ms);
    assert!(counters.acquire(&account, calls(1), 0).await.is_ok());
    counters.throttled(&account);
    assert_eq!(counters.usage(&account).throttled, 1);
}

/// A vendor's count holds what had arrived when it was taken. What runs at that time may not have: it stays counted
/// beside it, or a hundred requests under way would be given a second time. Both ways to spend ask for what is left.
#[tokio::test]
async fn what_runs_counts_beside_the_vendors_count() {
    let (_, counters, account) = setup(&bounds(Some(5), None));
    let _running =
        [counters.acquire(&account, calls(1), 0).await.ok(), counters.acquire(&account, calls(1), 0).await.ok()];
    let asked = counters.acquire(&account, calls(1), 0).await.ok();
    counters.learn(&account, Reported { used: 7, limit: Some(10) }, 1);
    drop(asked);
    assert_eq!(counters.usage(&account).used, 9, "two run, the third gave the count");
    assert_eq!(counters.charge(&account, &calls(1)), Ok(()));
    assert!(counters.charge(&account, &calls(1)).is_err(), "a request that is sent once more asks again");
    assert!(counters.acquire(&account, calls(1), 0).await.is_err());
    assert_eq!(counters.usage(&account).used, 10, "what was refused is not charged");
    counters.learn(&account, Reported { used: u64::MAX, limit: Some(u64::MAX) }, 1);
    assert!(counters.acquire(&account, calls(1), 0).await.is_ok(), "a count that cannot be is no crash");
}

/// Accounts of two tenants have nothing to do with each other, whatever they are called.
#[tokio::test]
async fn tenants_are_apart() {
    let (_, counters, account) = setup(&bounds(None, Some(1)));
    let other = Payer { tenant: "u".into(), ..account.clone() };
    assert!(counters.acquire(&account, calls(1), 0).await.is_ok());
    assert!(counters.acquire(&account, calls(1), 0).await.is_err());
    assert!(counters.acquire(&other, calls(1), 0).await.is_ok());
    assert_eq!((counters.usage(&account).limit_per_day, counters.usage(&other).limit_per_day), (Some(1), None));
}
