//! What this process has used, as the operating system counts it.

use std::time::{Duration, Instant};

/// Now, by the machine's own clock: to say or to bound how long something took.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the host's clock may be set; what a test took is real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// The most memory that this process has held so far, in MiB; none where the system does not say.
#[must_use]
pub fn memory_peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1024)
}

/// The processor time of all threads of this process so far.
#[must_use]
pub fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
