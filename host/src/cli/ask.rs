//! What a verb asks of the host: calls of its API, as values. A verb that could do something else would be one that the
//! console and a script could not do; a test compares these with the routes.

use serde_json::Value;

/// One call of the API.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The method.
    pub(super) method: &'static str,
    /// The path as the router writes it: `/v1/flows/{flow}`.
    pub(super) route: &'static str,
    /// A value for each `{name}` of the path, in order.
    params: Vec<String>,
    /// The query.
    pub(super) query: Vec<(&'static str, String)>,
    /// What is sent.
    pub(super) body: Body,
    /// The version that a thing must have to be changed.
    pub(super) if_match: Option<String>,
}

/// What a call sends.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// A component.
    Component(Vec<u8>),
}

impl Call {
    fn new(method: &'static str, route: &'static str) -> Self {
        Self { method, route, params: Vec::new(), query: Vec::new(), body: Body::Empty, if_match: None }
    }

    pub(super) fn get(route: &'static str) -> Self {
        Self::new("GET", route)
    }

    pub(super) fn post(route: &'static str) -> Self {
        Self::new("POST", route)
    }

    pub(super) fn put(route: &'static str) -> Self {
        Self::new("PUT", route)
    }

    pub(super) fn delete(route: &'static str) -> Self {
        Self::new("DELETE", route)
    }

    /// The value of the next `{name}`.
    pub(super) fn param(mut self, value: impl Into<String>) -> Self {
        self.params.push(value.into());
        self
    }

    /// One part of the query, if there is a value.
    pub(super) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(super) fn json(mut self, value: Value) -> Self {
        self.body = Body::Json(value);
        self
    }

    pub(super) fn component(mut self, bytes: Vec<u8>) -> Self {
        self.body = Body::Component(bytes);
        self
    }

    pub(super) fn if_match(mut self, tag: Option<String>) -> Self {
        self.if_match = tag;
        self
    }

    /// The segments of the path, not yet encoded.
    pub(super) fn segments(&self) -> Vec<&str> {
        let mut params = self.params.iter();
        let segments = self.route.split('/').skip(1);
        let value =
            |segment| if str::starts_with(segment, '{') { params.next().map_or("", String::as_str) } else { segment };
        segments.map(value).collect()
    }
}

/// One column of a list: its title, and where in an item its value stands (RFC 6901).
pub(super) type Column = (&'static str, &'static str);

/// How an answer is shown to a person.
#[derive(Clone, Debug)]
pub(super) enum Show {
    /// One sentence; what stands in it as `{/pointer}` is taken from the answer.
    Said(String),
    /// Everything in it, a line each.
    Whole,
    /// Its text alone, as it is.
    Text(&'static str),
    /// Its `items` as a table.
    Rows(&'static [Column]),
    /// What a change of configuration changes.
    Changes,
    /// What is stuck.
    Status,
    /// The way of one record.
    Tried,
}

/// What a verb does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// One call.
    Ask(Call, Show),
    /// A list, read page by page up to so many rows.
    List(Call, &'static [Column], usize),
    /// A decision about many changes, step by step until none is left; how many there were, in this sentence.
    Steps {
        /// The call of each step.
        call: Call,
        /// The body of the first one; each answer's `next` is the next one's `after`.
        body: Value,
        /// What is said in front of the count.
        said: &'static str,
    },
    /// A change of configuration: what it changes is shown, then somebody says yes, then exactly that is done.
    Change {
        /// The call that changes; asked first with `dry_run`.
        call: Call,
        /// The body without `dry_run`.
        body: Value,
        /// Nobody is asked.
        is_agreed: bool,
        /// Only shown.
        is_dry: bool,
    },
    /// A call that is repeated until the member of its answer has one of these values; what moves is shown.
    Watch {
        /// What is asked again and again.
        call: Call,
        /// The member that tells, and the line that shows how it goes, as in [`Show::Said`].
        until: (&'static str, &'static [&'static str]),
        /// What is shown meanwhile.
        line: &'static str,
    },
    /// Somebody has to consent in a browser.
    Consent {
        /// The call that answers with the page to open.
        begin: Call,
        /// What is asked again and again until it was given or not.
        look: Call,
        /// Whether to wait for that.
        is_awaited: bool,
    },
}

impl Deed {
    /// Method and route of each call that it makes.
    #[cfg(test)]
    pub(super) fn routes(&self) -> Vec<(&'static str, &'static str)> {
        let calls = match self {
            Deed::Ask(call, _) | Deed::List(call, ..) => vec![call],
            Deed::Change { call, .. } | Deed::Watch { call, .. } | Deed::Steps { call, .. } => vec![call],
            Deed::Consent { begin, look, .. } => vec![begin, look],
        };
        calls.into_iter().map(|call| (call.method, call.route)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values stand where the route names them, in order, and what they hold does not matter: the client encodes.
    #[test]
    fn paths_are_filled_in() {
        let call = Call::get("/v1/tables/{table}/rows/{from}").param("a/b").param("c d");
        assert_eq!(call.segments(), ["v1", "tables", "a/b", "rows", "c d"]);
    }
}
