//! A stream that is read with one list request.

use tollgate_sdk::{
    Change, Failure, Field, FieldType, Page, ReadRequest, Reading, Result, Serve, Stream, config,
    http::{self, Request},
    json::{self, Json},
    log,
    paging::Offset,
};

/// One stream.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The route that lists it.
    pub(crate) route: &'static str,
    /// Where the records stand in the answer: a JSON pointer.
    pub(crate) items: &'static str,
    /// The field that names a record.
    pub(crate) key: &'static str,
    /// Path, kind, whether it is required.
    pub(crate) fields: &'static [(&'static str, FieldType, bool)],
    /// The parameters by which the system pages, if it does: only its first page is read until they are used.
    pub(crate) paged_by: &'static [&'static str],
    /// Headers that each request needs, and the settings that hold them.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

impl Serve for Table {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self) -> Result<Stream> {
        let field =
            |(path, of, required): &(&str, FieldType, bool)| Field { required: *required, ..Field::new(*path, *of) };
        Ok(Stream {
            fields: self.fields.iter().map(field).collect(),
            reading: Reading::BACKFILL,
            ..Stream::new(self.name, self.name)
        })
    }

    fn read(&self, request: ReadRequest) -> Result<Page> {
        let offset = Offset::of(&request)?;
        let answer: Json = self.request()?.send()?.ok()?.json()?;
        let items = answer.pointer(self.items).and_then(Json::as_array);
        let missing = || Failure::Fault(format!("the answer of `{}` has no list at `{}`", self.route, self.items));
        let changes = items.ok_or_else(missing)?.iter().map(|item| self.change(item)).collect::<Result<Vec<_>>>()?;
        if !self.paged_by.is_empty() {
            log::warn(format!("`{}` pages by {}: only its first page is read", self.name, self.paged_by.join(", ")));
        }
        Ok(offset.page(changes, false))
    }
}

impl Table {
    /// The request that lists it.
    pub(crate) fn request(&self) -> Result<Request> {
        let with = |request: Request, (header, setting): &(&str, &str)| Ok(request.header(header, config::text(setting)?));
        self.headers.iter().try_fold(http::request(self.route), with)
    }

    fn change(&self, item: &Json) -> Result<Change> {
        let key = item.get(self.key).and_then(json::text);
        let missing = || Failure::Fault(format!("a record of `{}` has no `{}`", self.name, self.key));
        Ok(Change::whole(self.name, key.ok_or_else(missing)?, item))
    }
}
