//! A broker that answers every request with the same stored body, at once: what a guest costs without the world.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tollgate_core::model::http::{Error, Request, Response};
use tollgate_sandbox::{Allowance, Broker, Level};

/// The broker of one call.
pub(crate) struct Canned(Option<Vec<u8>>);

impl Canned {
    /// Answers with this body.
    pub(crate) fn with(body: &[u8]) -> Arc<Self> {
        Arc::new(Self(Some(body.to_vec())))
    }

    /// Answers nothing: for guests that ask nothing.
    pub(crate) fn silent() -> Arc<Self> {
        Arc::new(Self(None))
    }

    fn answer(&self) -> Result<Response, Error> {
        let body = self.0.clone().ok_or_else(|| Error::Denied("this call has no requests".into()))?;
        Ok(Response { status: 200, headers: vec![("sforce-limit-info".into(), "api-usage=1/100000".into())], body })
    }
}

impl Broker for Canned {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Error>> {
        std::future::ready(self.answer()).boxed()
    }

    fn send_all(&self, requests: Vec<Request>) -> BoxFuture<'_, Vec<Result<Response, Error>>> {
        std::future::ready(requests.iter().map(|_| self.answer()).collect()).boxed()
    }

    fn follow(&self, _: String, _: String) -> BoxFuture<'_, Result<Response, Error>> {
        std::future::ready(self.answer()).boxed()
    }

    fn now_ms(&self) -> u64 {
        1_767_600_000_000
    }

    fn random(&self, count: u32) -> Vec<u8> {
        vec![7; count as usize]
    }

    fn config(&self) -> String {
        r#"{"pricebook":"01s000000000001AAA"}"#.into()
    }

    fn left(&self) -> Allowance {
        Allowance { requests: 1_000, wall_ms: 60_000, records: 2_000, response_bytes: 64 << 20 }
    }

    fn log(&self, _: Level, _: &str) {}
}
