//! Clocks, medians and Markdown tables.

use std::fmt::Write;
use std::time::{Duration, Instant};
use tollgate_tests::process;

/// What something took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Processor time of all threads of this process.
    pub(crate) cpu: Duration,
    /// Time on the wall.
    pub(crate) wall: Duration,
}

/// Both clocks, running.
pub(crate) struct Watch {
    cpu: Duration,
    started: Instant,
}

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub(crate) fn start() -> Self {
        Self { cpu: process::cpu(), started: Instant::now() }
    }

    pub(crate) fn stop(self) -> Cost {
        Cost { cpu: process::cpu() - self.cpu, wall: self.started.elapsed() }
    }
}

/// The middle of these numbers; the mean of the two middle ones of an even count.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    assert!(!numbers.is_empty(), "a median needs a number");
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len().is_multiple_of(2) { f64::midpoint(numbers[middle - 1], numbers[middle]) } else { numbers[middle] }
}

/// Microseconds of each of `records`.
pub(crate) fn us_each(time: Duration, records: usize) -> f64 {
    time.as_secs_f64() * 1e6 / records as f64
}

/// Three digits that matter.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        least if least >= 100.0 => format!("{value:.0}"),
        least if least >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A Markdown table: the first row is the head.
pub(crate) fn table(title: &str, rows: &[Vec<String>]) -> String {
    let mut text = format!("\n### {title}\n\n");
    for (place, row) in rows.iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if place == 0 {
            let _ = writeln!(text, "|---|{}", "---:|".repeat(row.len() - 1));
        }
    }
    text
}

/// A row of a table.
pub(crate) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// On what the figures were measured; one without optimisation says that it means nothing.
pub(crate) fn circumstances() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let machine = format!("{cores} cores, {}, {}", model.unwrap_or("unknown processor"), std::env::consts::OS);
    match cfg!(debug_assertions) {
        true => format!("NOT A RELEASE BUILD: these figures only show that the benchmark works.\n\n{machine}"),
        false => machine,
    }
}
