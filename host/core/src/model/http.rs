//! A plugin's requests and answers. Mirrors `http` in `wit/imports.wit`.

/// A request as the plugin made it: a route and values, no URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The route's name.
    pub route: String,
    /// Values for the names in the route's path.
    pub params: Vec<(String, String)>,
    /// Query parameters.
    pub query: Vec<(String, String)>,
    /// Headers of the plugin's own.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// The intents that it serves.
    pub intents: Vec<u32>,
}

/// What the plugin gets back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers that the route keeps, lower-case.
    pub headers: Vec<(String, String)>,
    /// The decoded body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Not granted; names the rule.
    Denied(String),
    /// No budget; milliseconds until there may be.
    Budget(u64),
    /// Nothing left this host.
    NotSent(String),
    /// Sent, and no whole answer came.
    SentNoAnswer(String),
    /// Larger than this many bytes.
    TooLarge(u64),
    /// The time of the call is over.
    Deadline,
    /// Anything else.
    Other(String),
}
