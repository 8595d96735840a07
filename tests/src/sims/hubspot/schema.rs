//! The objects of the simulated account and their properties.

/// What a property takes; on the wire every value is a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// A calendar day.
    Date,
    /// An instant: ISO 8601 or milliseconds since 1970.
    DateTime,
    /// One of these values.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
}

impl Kind {
    /// `type` and `fieldType` of the property's definition.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("string", "text"),
            Self::Number => ("number", "number"),
            Self::Date => ("date", "date"),
            Self::DateTime => ("datetime", "date"),
            Self::Choice(_) => ("enumeration", "select"),
            Self::Boolean => ("bool", "booleancheckbox"),
        }
    }
}

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name in the API.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Whether no two records may share a value.
    pub unique: bool,
    /// Whether only HubSpot sets it.
    pub read_only: bool,
    /// Whether the account's people made it.
    pub custom: bool,
}

const fn property(name: &'static str, label: &'static str, kind: Kind) -> Property {
    Property { name, label, kind, unique: false, read_only: false, custom: false }
}

const fn read_only(name: &'static str, label: &'static str, kind: Kind) -> Property {
    Property { read_only: true, ..property(name, label, kind) }
}

/// A text property whose values are unique, as an account makes it for another system's numbers.
#[must_use]
pub const fn unique(name: &'static str, label: &'static str) -> Property {
    Property { unique: true, custom: true, ..property(name, label, Kind::Text) }
}

/// The property that holds a record's id.
pub const ID: &str = "hs_object_id";
/// The property that holds when a record was made.
pub const CREATED: &str = "createdate";

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectType {
    /// A company.
    Company,
    /// A contact.
    Contact,
    /// A deal.
    Deal,
    /// A product.
    Product,
}

impl ObjectType {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Company, Self::Contact, Self::Deal, Self::Product];

    /// The kind by its name in a path.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name in a path.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Company => "companies",
            Self::Contact => "contacts",
            Self::Deal => "deals",
            Self::Product => "products",
        }
    }

    /// Its name in messages.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Company => "COMPANY",
            Self::Contact => "CONTACT",
            Self::Deal => "DEAL",
            Self::Product => "PRODUCT",
        }
    }

    /// The first id. Ids grow in length, so that whoever compares them as text is found out.
    #[must_use]
    pub fn first_id(self) -> u64 {
        match self {
            Self::Company => 901,
            Self::Contact => 51,
            Self::Deal => 9_001,
            Self::Product => 97,
        }
    }

    /// The property that holds when a record was changed.
    #[must_use]
    pub fn modified(self) -> &'static str {
        match self {
            Self::Contact => "lastmodifieddate",
            _ => "hs_lastmodifieddate",
        }
    }

    /// The properties of an answer that asks for none.
    #[must_use]
    pub fn defaults(self) -> &'static [&'static str] {
        match self {
            Self::Company => &["name", "domain"],
            Self::Contact => &["firstname", "lastname", "email"],
            Self::Deal => &["dealname", "amount", "closedate", "dealstage", "pipeline"],
            Self::Product => &["name", "price", "description", "hs_sku", "hs_cost_of_goods_sold"],
        }
    }

    /// Of these properties a new record needs one.
    #[must_use]
    pub fn needed(self) -> &'static [&'static str] {
        match self {
            Self::Company => &["name", "domain"],
            Self::Contact => &["email", "firstname", "lastname"],
            Self::Deal => &["dealname"],
            Self::Product => &["name"],
        }
    }

    /// Its standard properties.
    #[must_use]
    pub fn properties(self) -> &'static [Property] {
        match self {
            Self::Company => COMPANY,
            Self::Contact => CONTACT,
            Self::Deal => DEAL,
            Self::Product => PRODUCT,
        }
    }
}

const INDUSTRIES: &[&str] = &[
    "COMPUTER_SOFTWARE",
    "ENTERTAINMENT",
    "FINANCIAL_SERVICES",
    "HOSPITAL_HEALTH_CARE",
    "MARKETING_AND_ADVERTISING",
    "RETAIL",
    "TELECOMMUNICATIONS",
];
const LIFECYCLE: &[&str] =
    &["subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist"];
const STAGES: &[&str] = &[
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
];
const BILLING: &[&str] = &["weekly", "monthly", "quarterly", "annually"];

const COMPANY: &[Property] = &[
    property("name", "Company name", Kind::Text),
    property("domain", "Company Domain Name", Kind::Text),
    property("phone", "Phone Number", Kind::Text),
    property("address", "Street Address", Kind::Text),
    property("city", "City", Kind::Text),
    property("state", "State/Region", Kind::Text),
    property("zip", "Postal Code", Kind::Text),
    property("country", "Country/Region", Kind::Text),
    property("industry", "Industry", Kind::Choice(INDUSTRIES)),
    property("numberofemployees", "Number of Employees", Kind::Number),
    property("annualrevenue", "Annual Revenue", Kind::Number),
    property("founded_year", "Year Founded", Kind::Text),
    property("is_public", "Is Public", Kind::Boolean),
    property("lifecyclestage", "Lifecycle Stage", Kind::Choice(LIFECYCLE)),
    property("description", "Description", Kind::Text),
    property("hubspot_owner_id", "Company owner", Kind::Text),
    read_only("hs_lastmodifieddate", "Last Modified Date", Kind::DateTime),
    read_only(CREATED, "Create Date", Kind::DateTime),
    read_only(ID, "Record ID", Kind::Number),
];

const CONTACT: &[Property] = &[
    Property { unique: true, ..property("email", "Email", Kind::Text) },
    property("firstname", "First Name", Kind::Text),
    property("lastname", "Last Name", Kind::Text),
    property("phone", "Phone Number", Kind::Text),
    property("company", "Company Name", Kind::Text),
    property("jobtitle", "Job Title", Kind::Text),
    property("date_of_birth", "Date of birth", Kind::Date),
    property("lifecyclestage", "Lifecycle Stage", Kind::Choice(LIFECYCLE)),
    property("hubspot_owner_id", "Contact owner", Kind::Text),
    read_only("lastmodifieddate", "Last Modified Date", Kind::DateTime),
    read_only(CREATED, "Create Date", Kind::DateTime),
    read_only(ID, "Record ID", Kind::Number),
];

const DEAL: &[Property] = &[
    property("dealname", "Deal Name", Kind::Text),
    property("amount", "Amount", Kind::Number),
    property("dealstage", "Deal Stage", Kind::Choice(STAGES)),
    property("pipeline", "Pipeline", Kind::Choice(&["default"])),
    property("closedate", "Close Date", Kind::DateTime),
    property("description", "Deal Description", Kind::Text),
    property("hubspot_owner_id", "Deal owner", Kind::Text),
    read_only("hs_lastmodifieddate", "Last Modified Date", Kind::DateTime),
    read_only(CREATED, "Create Date", Kind::DateTime),
    read_only(ID, "Record ID", Kind::Number),
];

const PRODUCT: &[Property] = &[
    property("name", "Name", Kind::Text),
    property("price", "Unit price", Kind::Number),
    property("hs_sku", "SKU", Kind::Text),
    property("hs_cost_of_goods_sold", "Unit cost", Kind::Number),
    property("recurringbillingfrequency", "Billing frequency", Kind::Choice(BILLING)),
    property("description", "Product description", Kind::Text),
    read_only("hs_lastmodifieddate", "Last Modified Date", Kind::DateTime),
    read_only(CREATED, "Create Date", Kind::DateTime),
    read_only(ID, "Record ID", Kind::Number),
];
