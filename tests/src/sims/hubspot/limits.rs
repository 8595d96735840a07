//! The limits of the account: calls in ten seconds, searches in a second, calls of a day.

use super::Options;
use super::errors::correlation;
use crate::sims::Json;
use crate::sims::server::Answer;
use http::StatusCode;
use serde_json::json;
use std::collections::VecDeque;

const DAY_MS: i64 = 86_400_000;

/// A limit that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Calls in ten seconds.
    TenSecondly,
    /// Searches in a second.
    Secondly,
    /// Calls of a day.
    Daily,
}

impl Policy {
    /// The answer to a call that passed it.
    #[must_use]
    pub fn answer(self) -> Answer {
        let (name, words) = match self {
            Self::TenSecondly => ("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"),
            Self::Secondly => ("SECONDLY", "secondly"),
            Self::Daily => ("DAILY", "daily"),
        };
        let message = format!("You have reached your {words} limit.");
        let body = json!({
            "status": "error", "message": message, "errorType": "RATE_LIMIT", "correlationId": correlation(&message),
            "policyName": name, "groupName": "publicapi:private-apps-api-calls",
        });
        Answer::json(StatusCode::TOO_MANY_REQUESTS, &body)
    }
}

/// Calls in a sliding span, counted when they arrive.
#[derive(Debug)]
struct Rolling {
    span_ms: i64,
    most: usize,
    calls: VecDeque<i64>,
    peak: usize,
}

impl Rolling {
    fn new(span_ms: i64, most: usize) -> Self {
        Self { span_ms, most, calls: VecDeque::new(), peak: 0 }
    }

    fn left(&mut self, now_ms: i64) -> usize {
        while self.calls.front().is_some_and(|at| now_ms - at >= self.span_ms) {
            self.calls.pop_front();
        }
        self.most.saturating_sub(self.calls.len())
    }

    fn count(&mut self, now_ms: i64) {
        self.calls.push_back(now_ms);
        self.peak = self.peak.max(self.calls.len());
    }
}

/// What was spent of all limits.
#[derive(Debug)]
pub struct Limits {
    ten_secondly: Rolling,
    search: Rolling,
    per_day: u64,
    /// The day since 1970 and its calls.
    today: (i64, u64),
}

impl Limits {
    /// Nothing is spent.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            ten_secondly: Rolling::new(10_000, options.calls_per_ten_seconds),
            search: Rolling::new(1_000, options.searches_per_second),
            per_day: options.calls_per_day,
            today: (0, 0),
        }
    }

    /// Counts a call, unless it passes a limit.
    ///
    /// # Errors
    /// The limit that it passes; the call is then not counted.
    pub fn count(&mut self, now_ms: i64, is_search: bool) -> Result<(), Policy> {
        let day = now_ms.div_euclid(DAY_MS);
        if self.today.0 != day {
            self.today = (day, 0);
        }
        if self.today.1 >= self.per_day {
            return Err(Policy::Daily);
        }
        if is_search && self.search.left(now_ms) == 0 {
            return Err(Policy::Secondly);
        }
        if self.ten_secondly.left(now_ms) == 0 {
            return Err(Policy::TenSecondly);
        }
        self.today.1 += 1;
        self.ten_secondly.count(now_ms);
        if is_search {
            self.search.count(now_ms);
        }
        Ok(())
    }

    /// The answer with the headers that say what is left; the vendor's searches have none.
    #[must_use]
    pub fn signed(&mut self, now_ms: i64, answer: Answer) -> Answer {
        let left = self.ten_secondly.left(now_ms).to_string();
        answer
            .header("x-hubspot-ratelimit-max", &self.ten_secondly.most.to_string())
            .header("x-hubspot-ratelimit-remaining", &left)
            .header("x-hubspot-ratelimit-interval-milliseconds", "10000")
            .header("x-hubspot-ratelimit-daily", &self.per_day.to_string())
            .header("x-hubspot-ratelimit-daily-remaining", &self.per_day.saturating_sub(self.today.1).to_string())
    }

    /// The most calls that there were in a span, and the calls of the day.
    #[must_use]
    pub fn report(&self) -> Json {
        json!({ "ten_secondly_peak": self.ten_secondly.peak, "search_peak": self.search.peak, "today": self.today.1 })
    }
}
