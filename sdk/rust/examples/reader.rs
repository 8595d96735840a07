//! A connector that only reads: one stream, counted pages, no settings.

use tollgate_sdk::{
    Account, Change, Connector, Json, Page, ReadRequest, Reading, Result, Serve, Source, Stream, http, json,
    paging::Offset,
};

struct Reader;

impl Connector for Reader {
    fn check() -> Result<Account> {
        let me: Json = http::request("me").send()?.ok()?.json()?;
        Ok(Account::new(json::text(&me["id"]).unwrap_or_default(), "Reader"))
    }

    fn streams() -> &'static [&'static dyn Serve] {
        &[&Items]
    }
}

impl Source for Reader {}

tollgate_sdk::export!(Reader: source);

struct Items;

impl Serve for Items {
    fn name(&self) -> &'static str {
        "item"
    }

    fn describe(&self) -> Result<Stream> {
        Ok(Stream { reading: Reading::BACKFILL, ..Stream::new("item", "Item") })
    }

    fn read(&self, request: ReadRequest) -> Result<Page> {
        let place = Offset::of(&request)?;
        let answer = http::request("items").query("offset", place.offset.to_string()).send()?.ok()?;
        let items: Vec<Json> = answer.json()?;
        let change = |item: &Json| Change::whole("item", json::text(&item["id"]).unwrap_or_default(), item);
        Ok(place.page(items.iter().map(change).collect(), !items.is_empty()))
    }
}
