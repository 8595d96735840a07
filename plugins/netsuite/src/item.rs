//! `inventoryItem`: what is sold, with its base price. Read only: an item needs accounts and tax schedules that no other
//! system knows.

use crate::record::{Record, column};
use tollgate_sdk::{
    FieldType::{Boolean, Decimal, Text},
    SafeRepeat,
};

pub(crate) static ITEM: Record = Record {
    name: "inventoryItem",
    label: "Inventory item",
    letter: "i",
    from: "item i LEFT JOIN itemprice p ON p.item = i.id AND p.pricelevelname = 'Base Price'",
    filter: Some("i.itemtype = 'InvtPart'"),
    columns: &[
        column("externalId", "i.externalid", Text),
        column("itemId", "i.itemid", Text),
        column("displayName", "i.displayname", Text),
        column("basePrice", "p.price", Decimal),
        column("isInactive", "i.isinactive", Boolean),
    ],
    lines: &[],
    custom: "custitem",
    page: crate::record::ROWS_MAX,
    complete: |_| Ok(()),
    write: None,
    repeat: SafeRepeat::None,
};
