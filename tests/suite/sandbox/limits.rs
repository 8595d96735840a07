//! Every limit ends a call with its own name, and nobody else notices.

use super::{Fake, SHORT, plugin, read, request, sandbox};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tollgate_core::model::{Next, limits};
use tollgate_sandbox::{CallError, CallLimits, Ending, Level};

/// PLT-02: a guest that passes a limit must end with that limit's name; the probe passes each in turn.
#[tokio::test]
async fn each_limit_has_its_ending() {
    let cases = [
        ("spin", Ending::Cpu),
        ("spin-in-calls", Ending::Cpu),
        ("allocate", Ending::Memory),
        ("requests", Ending::Requests),
        ("requests-at-once", Ending::Requests),
    ];
    for (stream, ending) in cases {
        assert_eq!(read(stream, Fake::new()).await, Err(CallError::Ended(ending)), "{stream}");
    }
}

/// A crash must say why: the guest's last words where it had any, and the kind of trap.
#[tokio::test]
async fn a_crash_says_why() {
    let cases = [
        ("panic", "the guest says boom 42"),
        ("panic", "unreachable"),
        ("unreachable", "unreachable"),
        ("recurse", "stack"),
    ];
    for (stream, part) in cases {
        match read(stream, Fake::new()).await {
            Err(CallError::Ended(Ending::Trap(text))) => assert!(text.contains(part), "{stream}: {text}"),
            other => panic!("{stream}: {other:?}"),
        }
    }
}

/// The request that passes the limit must not reach the broker: of 2,000 tries one at a time exactly the limit does, of
/// 2,000 at once none.
#[tokio::test]
async fn no_request_beyond_the_limit() {
    for (stream, reached) in [("requests", limits::GUEST_REQUESTS_MAX as usize), ("requests-at-once", 0)] {
        let broker = Fake::new();
        read(stream, broker.clone()).await.unwrap_err();
        assert_eq!(broker.requests(), reached, "{stream}");
    }
}

/// PLT-02: a guest that spins must not starve its neighbours, not even on the one thread that they share here: twenty
/// calls of another instance finish while it spins.
#[tokio::test(flavor = "current_thread")]
async fn neighbours_of_a_spinning_guest_go_on() {
    let probe = plugin("probe").await;
    let (spin, page) = (request("spin"), request("page"));
    let neighbours = async {
        for _ in 0..20 {
            let read = probe.read(&page, Fake::new(), SHORT).await.unwrap();
            assert_eq!(read.changes.len(), 3);
        }
    };
    tokio::select! {
        biased;
        ended = probe.read(&spin, Fake::new(), CallLimits { cpu_ms: 5_000, ..SHORT }) => {
            panic!("the spinning guest ended first: {ended:?}");
        }
        () = neighbours => {}
    }
}

/// Each misbehaviour must leave a neighbour that runs at the same time alone, and the next call of the same plugin too.
#[tokio::test]
async fn neighbours_of_an_ended_guest_go_on() {
    let probe = plugin("probe").await;
    let page = request("page");
    for stream in ["spin", "allocate", "recurse", "panic", "requests", "huge-answer"] {
        let bad = request(stream);
        let (bad, neighbour) =
            tokio::join!(probe.read(&bad, Fake::new(), SHORT), probe.read(&page, Fake::new(), SHORT));
        assert!(bad.is_err(), "{stream}");
        assert_eq!(neighbour.unwrap().changes.len(), 3, "beside {stream}");
        assert_eq!(probe.read(&page, Fake::new(), SHORT).await.unwrap().changes.len(), 3, "after {stream}");
    }
}

/// Waiting for an answer costs no CPU time: a call waits until another guest has used up three times its own budget,
/// and then succeeds.
#[tokio::test]
async fn waiting_costs_no_cpu_time() {
    let probe = plugin("probe").await;
    let gate = Arc::new(Semaphore::new(0));
    let (send, spin) = (request("send"), request("spin"));
    let waiting = probe.read(&send, Fake::behind(gate.clone()), CallLimits { cpu_ms: SHORT.cpu_ms / 3, ..SHORT });
    let spinning = async {
        let ended = probe.read(&spin, Fake::new(), SHORT).await;
        gate.add_permits(1);
        ended
    };
    let (waited, spun) = tokio::join!(waiting, spinning);
    assert_eq!(spun, Err(CallError::Ended(Ending::Cpu)));
    assert_eq!(waited.unwrap().changes[0].data, "200 get 7");
}

/// A call that waits for longer than its wall time must end, though it uses no CPU: its request is never answered.
#[tokio::test]
async fn wall_time_ends_a_waiting_call() {
    let never = Fake::behind(Arc::new(Semaphore::new(0)));
    let limits = CallLimits { wall_ms: 50, ..SHORT };
    let ended = plugin("probe").await.read(&request("send"), never, limits).await;
    assert_eq!(ended, Err(CallError::Ended(Ending::Wall)));
}

/// Wall time also ends a call that computes, when it is the shorter of the two.
#[tokio::test]
async fn wall_time_ends_a_computing_call() {
    let limits = CallLimits { wall_ms: 50, cpu_ms: 5_000, ..SHORT };
    let ended = plugin("probe").await.read(&request("spin"), Fake::new(), limits).await;
    assert_eq!(ended, Err(CallError::Ended(Ending::Wall)));
}

/// More calls than slots must wait for each other and all succeed: three times as many as there are slots start at
/// once.
#[tokio::test]
async fn calls_wait_for_a_slot() {
    let probe = plugin("probe").await;
    let page = request("page");
    let calls = (0..3 * limits::GUEST_INSTANCES_MAX).map(|_| probe.read(&page, Fake::new(), SHORT));
    for read in futures_util::future::join_all(calls).await {
        assert!(matches!(read.unwrap().next, Next::CaughtUp(_)));
    }
}

/// PLT-02: of 10,000 lines the log must get the limit and one line that counts the rest; a long line is cut, and none
/// can forge another.
#[tokio::test]
async fn the_log_is_bounded() {
    let broker = Fake::new();
    read("log", broker.clone()).await.unwrap();
    let lines = broker.lines();
    assert_eq!(lines.len(), limits::LOG_LINES_MAX as usize + 1);
    assert_eq!(lines.last(), Some(&(Level::Warn, "9000 further lines of this call were dropped".into())));

    let broker = Fake::new();
    read("long-line", broker.clone()).await.unwrap();
    assert!(broker.lines()[0].1.len() <= limits::LOG_LINE_BYTES_MAX);

    let broker = Fake::new();
    read("forged-line", broker.clone()).await.unwrap();
    assert_eq!(broker.lines(), [(Level::Warn, r"one\nERROR two\u{1b}[2J".to_owned())]);
}

/// Two hundred crashes must leave neither memory nor slots behind. Measured in a process of its own, because the memory
/// of this one belongs to all tests that run now.
#[test]
fn crashes_leave_nothing_behind() {
    const ALONE: &str = "TOLLGATE_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sandbox::limits::crashes_leave_nothing_behind", "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&child.stderr)
        );
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let crash = async |count: usize| {
            for stream in ["allocate", "panic", "recurse", "huge-answer"].iter().cycle().take(count) {
                read(stream, Fake::new()).await.unwrap_err();
            }
        };
        crash(40).await;
        let before = resident_bytes();
        crash(200).await;
        let after = resident_bytes();
        println!("{before} bytes resident before, {after} after");
        assert_eq!(sandbox().running(), 0);
        // A leak of one page of a guest's memory per crash would be 12.5 MiB.
        assert!(after < before + (8 << 20), "{before} bytes before, {after} after");
    });
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size()
}
