//! `Account`: companies. An account is made by upsert where another system has its number in an external id field.

use crate::{collections, object::Object};
use tollgate_sdk::SafeRepeat;

pub(crate) static ACCOUNT: Object = Object {
    name: "Account",
    base: &["Name", "BillingCountry", "Industry", "NumberOfEmployees", "AnnualRevenue", "ParentId", "Description"],
    child: None,
    repeat: SafeRepeat::ExternalId,
    shape: None,
    write: collections::write,
};
