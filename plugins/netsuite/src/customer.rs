//! `customer`: companies. The default billing address is an object of the data, two tables in SuiteQL and a line of a
//! sublist in REST. The sublist may hold addresses that are not ours, so a write changes or adds its one line and never
//! replaces the list; what is there is read once for all intents of a call.

use crate::record::{Column, Record, column};
use crate::suiteql::{self, Row};
use crate::write::{Rest, Wanted};
use tollgate_sdk::{
    FieldType::{Boolean, Reference, Text},
    Result, SafeRepeat,
    json::{self, Json, Map},
};

pub(crate) static CUSTOMER: Record = Record {
    name: "customer",
    label: "Customer",
    letter: "c",
    from: "customer c LEFT JOIN customeraddressbook ab ON ab.entity = c.id AND ab.defaultbilling = 'T' \
           LEFT JOIN customeraddressbookentityaddress a ON a.nkey = ab.addressbookaddress",
    filter: None,
    columns: COLUMNS,
    lines: &[],
    custom: "custentity",
    page: crate::record::ROWS_MAX,
    complete: |_| Ok(()),
    write: Some(Rest {
        references: &[
            "category",
            "terms",
            "parent",
            "subsidiary",
            "currency",
            "entityStatus",
            "salesRep",
            "priceLevel",
            "territory",
            "leadSource",
        ],
        lists: &[],
        existing,
        finish: put_address,
    }),
    repeat: SafeRepeat::ExternalId,
};

const COLUMNS: &[Column] = &[
    column("externalId", "c.externalid", Text),
    column("entityId", "c.entityid", Text),
    column("companyName", "c.companyname", Text),
    column("email", "c.email", Text),
    column("phone", "c.phone", Text),
    column("category", "c.category", Reference),
    column("terms", "c.terms", Reference),
    column("parent", "c.parent", Reference),
    column("comments", "c.comments", Text),
    column("isInactive", "c.isinactive", Boolean),
    column("#addressline", "ab.internalid", Text),
    column("defaultAddress.country", "a.country", Text),
    column("defaultAddress.state", "a.state", Text),
    column("defaultAddress.city", "a.city", Text),
    column("defaultAddress.addr1", "a.addr1", Text),
    column("defaultAddress.addr2", "a.addr2", Text),
    column("defaultAddress.zip", "a.zip", Text),
    column("defaultAddress.addressee", "a.addressee", Text),
    column("defaultAddress.attention", "a.attention", Text),
];

const ADDRESS: &str = "defaultAddress";

/// The customers that intents with an address will change.
fn existing(record: &Record, wanted: &[Wanted<'_>]) -> Result<Vec<Row>> {
    let with_address: Vec<_> = wanted.iter().filter(|w| w.data.contains_key(ADDRESS)).map(|w| w.intent).collect();
    let of_external: Vec<_> = with_address.iter().filter_map(|intent| intent.external_id.as_ref()).collect();
    let of_external: Vec<_> = of_external.iter().map(|id| suiteql::quoted(&id.value)).collect();
    let keys = with_address.iter().filter_map(|intent| intent.key.as_deref());
    let keys: Vec<_> = keys.filter(|key| suiteql::is_id(key)).collect();
    let mut halves = Vec::new();
    if !of_external.is_empty() {
        halves.push(format!("c.externalid IN ({})", of_external.join(", ")));
    }
    if !keys.is_empty() {
        halves.push(format!("c.id IN ({})", keys.join(", ")));
    }
    if halves.is_empty() { Ok(Vec::new()) } else { record.rows(format!("({})", halves.join(" OR "))) }
}

/// Turns the address of a body into the line of the sublist that has to change, if one has to.
fn put_address(body: &mut Map<String, Json>, row: Option<&Row>) {
    let Some(address) = body.remove(ADDRESS) else { return };
    let line = row.and_then(|row| suiteql::text(row, "addressline"));
    let item = match (address, line, row) {
        (Json::Object(address), Some(_), Some(row)) if is_same(&address, row) => return,
        (Json::Object(address), Some(line), _) => {
            json::json!({"internalId": line, "addressBookAddress": rest(address)})
        }
        (Json::Object(address), None, _) => {
            json::json!({"defaultBilling": true, "defaultShipping": true, "addressBookAddress": rest(address)})
        }
        // No address is the default any more; the line itself may be in use elsewhere.
        (Json::Null, Some(line), _) => {
            json::json!({"internalId": line, "defaultBilling": false, "defaultShipping": false})
        }
        _ => return,
    };
    body.insert("addressBook".into(), json::json!({"items": [item]}));
}

fn is_same(address: &Map<String, Json>, row: &Row) -> bool {
    address.iter().all(|(name, value)| suiteql::text(row, &name.to_ascii_lowercase()) == json::text(value))
}

fn rest(mut address: Map<String, Json>) -> Json {
    if let Some(country @ Json::String(_)) = address.get_mut("country") {
        *country = json::json!({"id": country});
    }
    Json::Object(address)
}
