//! The records of the simulated account: their fields, what each takes, the lists that references point to.

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// An e-mail address.
    Email,
    /// A phone number: seven digits or more.
    Phone,
    /// True or false.
    Boolean,
    /// A decimal.
    Number,
    /// A calendar day.
    Date,
    /// `{"id": ".."}` of an entry of this list.
    List(&'static [(&'static str, &'static str)]),
    /// `{"id": ".."}` of a customer.
    Customer,
    /// Computed here; what callers send is ignored without a word.
    ReadOnly,
}

/// One field: name, title in the user interface, kind.
pub type Field = (&'static str, &'static str, Kind);

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordType {
    /// A customer.
    Customer,
    /// An inventory item.
    InventoryItem,
    /// A sales order.
    SalesOrder,
}

impl RecordType {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Customer, Self::InventoryItem, Self::SalesOrder];

    /// The kind by its name in a path; case counts not, as with the vendor.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// Its name in a path.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::InventoryItem => "inventoryItem",
            Self::SalesOrder => "salesOrder",
        }
    }

    /// The first internal id: each kind counts for itself.
    #[must_use]
    pub fn first_id(self) -> u64 {
        match self {
            Self::Customer => 601,
            Self::InventoryItem => 101,
            Self::SalesOrder => 7_001,
        }
    }

    /// Its standard fields besides the sublists.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Customer => CUSTOMER,
            Self::InventoryItem => ITEM,
            Self::SalesOrder => ORDER,
        }
    }

    /// The custom fields that the account has from the start.
    #[must_use]
    pub fn custom_fields(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &[
                "custentity_sector",
                "custentity_industry",
                "custentity_year_established",
                "custentity_employees",
                "custentity_annual_revenue",
                "custentity_crm_id",
            ],
            Self::InventoryItem => &["custitem_series"],
            Self::SalesOrder => &["custbody_crm_id", "custbody_sales_agent"],
        }
    }
}

/// Payment terms.
pub const TERMS: &[(&str, &str)] = &[("1", "Net 15"), ("2", "Net 30"), ("3", "Net 60"), ("4", "Due on receipt")];

/// Customer categories.
pub const CATEGORIES: &[(&str, &str)] = &[
    ("1", "Technology"),
    ("2", "Medical"),
    ("3", "Retail"),
    ("4", "Software"),
    ("5", "Entertainment"),
    ("6", "Marketing"),
    ("7", "Telecommunications"),
    ("8", "Finance"),
    ("9", "Employment"),
    ("10", "Services"),
];

/// Legal units.
pub const SUBSIDIARIES: &[(&str, &str)] = &[("1", "Parent Company"), ("2", "Europe"), ("3", "Asia")];
/// Currencies.
pub const CURRENCIES: &[(&str, &str)] = &[("1", "USD"), ("2", "EUR"), ("3", "GBP"), ("4", "JPY")];
/// The states of a sales order.
pub const ORDER_STATUS: &[(&str, &str)] = &[
    ("A", "Pending Approval"),
    ("B", "Pending Fulfillment"),
    ("C", "Cancelled"),
    ("D", "Partially Fulfilled"),
    ("E", "Pending Billing/Partially Fulfilled"),
    ("F", "Pending Billing"),
    ("G", "Billed"),
    ("H", "Closed"),
];

const CUSTOMER: &[Field] = &[
    ("entityId", "Customer ID", Kind::Text(80)),
    ("companyName", "Company Name", Kind::Text(83)),
    ("isPerson", "Individual", Kind::Boolean),
    ("firstName", "First Name", Kind::Text(32)),
    ("lastName", "Last Name", Kind::Text(32)),
    ("email", "Email", Kind::Email),
    ("phone", "Phone", Kind::Phone),
    ("fax", "Fax", Kind::Phone),
    ("url", "Web Address", Kind::Text(100)),
    ("comments", "Comments", Kind::Text(4_000)),
    ("category", "Category", Kind::List(CATEGORIES)),
    ("terms", "Terms", Kind::List(TERMS)),
    ("currency", "Currency", Kind::List(CURRENCIES)),
    ("subsidiary", "Primary Subsidiary", Kind::List(SUBSIDIARIES)),
    ("parent", "Child Of", Kind::Customer),
    ("accountNumber", "Account", Kind::Text(99)),
    ("vatRegNumber", "Tax Reg. Number", Kind::Text(20)),
    ("creditLimit", "Credit Limit", Kind::Number),
    ("isInactive", "Inactive", Kind::Boolean),
    ("balance", "Balance", Kind::ReadOnly),
    ("overdueBalance", "Overdue Balance", Kind::ReadOnly),
    ("defaultAddress", "Default Address", Kind::ReadOnly),
];

const ITEM: &[Field] = &[
    ("itemId", "Item Name/Number", Kind::Text(60)),
    ("displayName", "Display Name/Code", Kind::Text(100)),
    ("salesDescription", "Sales Description", Kind::Text(999)),
    ("upcCode", "UPC Code", Kind::Text(60)),
    ("basePrice", "Base Price", Kind::Number),
    ("cost", "Purchase Price", Kind::Number),
    ("isInactive", "Inactive", Kind::Boolean),
];

const ORDER: &[Field] = &[
    ("entity", "Customer", Kind::Customer),
    ("tranDate", "Date", Kind::Date),
    ("tranId", "Order #", Kind::Text(45)),
    ("memo", "Memo", Kind::Text(999)),
    ("otherRefNum", "PO #", Kind::Text(45)),
    ("orderStatus", "Status", Kind::List(ORDER_STATUS)),
    ("terms", "Terms", Kind::List(TERMS)),
    ("currency", "Currency", Kind::List(CURRENCIES)),
    ("subsidiary", "Subsidiary", Kind::List(SUBSIDIARIES)),
    ("shipDate", "Ship Date", Kind::Date),
    ("total", "Total", Kind::ReadOnly),
    ("subtotal", "Subtotal", Kind::ReadOnly),
    ("status", "Status", Kind::ReadOnly),
];

/// Text fields of an address besides the country: name and length.
pub const ADDRESS_FIELDS: &[(&str, usize)] = &[
    ("addressee", 83),
    ("attention", 83),
    ("addr1", 150),
    ("addr2", 150),
    ("addr3", 150),
    ("city", 50),
    ("state", 30),
    ("zip", 36),
    ("addrPhone", 32),
];

/// Whether a text is a country of an address: an ISO 3166-1 code of two letters.
#[must_use]
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split_whitespace().any(|known| known == code)
}

const COUNTRIES: &str = "\
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    /// Only the 249 codes of ISO 3166-1 may pass: names and old spellings must not.
    #[test]
    fn countries_are_codes() {
        assert_eq!(COUNTRIES.split_whitespace().count(), 249);
        for (text, known) in [("US", true), ("PH", true), ("KR", true), ("us", false), ("Korea", false), ("XX", false)]
        {
            assert_eq!(is_country(text), known, "{text}");
        }
    }
}
