//! The objects of the simulated organisation: their fields, types, bounds and relations, as a describe shows them.

use super::cell::Cell;
use std::collections::HashMap;

/// An object's place in [`Schema::objects`].
pub type ObjectIndex = usize;
/// A field's place in [`Object::fields`].
pub type FieldIndex = usize;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The record's own id.
    Id,
    /// The id of a record of another object, which queries reach under `relation`.
    Reference {
        /// The object.
        to: &'static str,
        /// The name of the relation; empty where queries cannot follow it.
        relation: &'static str,
    },
    /// Text of at most so many characters.
    Text(usize),
    /// Text that describes show as a picklist; any value is taken, as for an unrestricted one.
    Picklist(usize),
    /// True or false.
    Boolean,
    /// A whole number.
    Int,
    /// A decimal with so many digits, so many of them behind the point.
    Decimal {
        /// All digits.
        precision: u32,
        /// Digits behind the point.
        scale: u32,
        /// Whether a describe calls it money.
        is_money: bool,
    },
    /// A calendar day.
    Date,
    /// An instant.
    DateTime,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The record's id.
    Id,
    /// Whether the record is in the recycle bin.
    Deleted,
    /// When it was made.
    Created,
    /// When it was last changed.
    Modified,
    /// The integration user, who makes and changes everything here.
    User,
    /// A value that was written or derived on write: its place in the record.
    Stored(usize),
}

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// The API name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Where its value comes from.
    pub place: Place,
    /// Whether a new record needs it.
    pub is_required: bool,
    /// Whether callers may set it when a record is made.
    pub is_createable: bool,
    /// Whether callers may change it.
    pub is_updateable: bool,
    /// Whether it is a unique external id.
    pub is_external_id: bool,
}

/// The records of another object that point to one of this object.
#[derive(Clone, Debug)]
pub struct Children {
    /// The name of the relation (`OpportunityLineItems`).
    pub relation: &'static str,
    /// The object that points here.
    pub object: ObjectIndex,
    /// Its field that does.
    pub field: FieldIndex,
}

/// One object.
#[derive(Clone, Debug)]
pub struct Object {
    /// The API name.
    pub name: &'static str,
    /// The first three characters of its ids.
    pub prefix: &'static str,
    /// Its fields; the id is the first.
    pub fields: Vec<Field>,
    /// Relations to the records that point to it.
    pub children: Vec<Children>,
    /// Values that a record stores.
    pub stored: usize,
    by_name: HashMap<String, FieldIndex>,
}

impl Object {
    /// The field of this name; names are compared without regard to case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<FieldIndex> {
        match self.by_name.get(name) {
            Some(index) => Some(*index),
            None => self.by_name.get(&name.to_ascii_lowercase()).copied(),
        }
    }

    /// The place in a record of a field that this file stores.
    ///
    /// # Panics
    /// When there is no such stored field: a defect of the simulator.
    #[must_use]
    pub fn slot(&self, name: &str) -> usize {
        match self.field(name).map(|index| self.fields[index].place) {
            Some(Place::Stored(slot)) => slot,
            other => panic!("{}.{name} is no stored field: {other:?}", self.name),
        }
    }

    /// The reference that queries follow under this name.
    #[must_use]
    pub fn relation(&self, name: &str) -> Option<(FieldIndex, &'static str)> {
        self.fields.iter().enumerate().find_map(|(index, field)| match field.kind {
            Kind::Reference { to, relation } if !relation.is_empty() && relation.eq_ignore_ascii_case(name) => {
                Some((index, to))
            }
            _ => None,
        })
    }

    /// An empty record's values.
    #[must_use]
    pub fn blank(&self) -> Vec<Cell> {
        let mut cells = vec![Cell::Null; self.stored];
        for field in &self.fields {
            if let (Kind::Boolean, Place::Stored(slot)) = (field.kind, field.place) {
                cells[slot] = Cell::Bool(false);
            }
        }
        cells
    }
}

/// All objects.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The objects.
    pub objects: Vec<Object>,
}

impl Schema {
    /// The object of this name; names are compared without regard to case.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<ObjectIndex> {
        self.objects.iter().position(|object| object.name.eq_ignore_ascii_case(name))
    }

    /// The objects of the simulated organisation, with `custom` text fields (object, name) added.
    ///
    /// # Panics
    /// When a custom field names an unknown object: a defect of the test.
    #[must_use]
    pub fn standard(custom: &[(&'static str, &'static str)]) -> Self {
        let mut schema =
            Self { objects: OBJECTS.iter().map(|(name, prefix, fields)| object(name, prefix, fields)).collect() };
        for (object, name) in custom {
            let index = schema.object(object).unwrap_or_else(|| panic!("{object} is no object of this organisation"));
            push(&mut schema.objects[index], &line(name, Kind::Text(255), ""));
        }
        for (parent, relation, child, field) in CHILDREN {
            let child = schema.object(child).expect("a child object is listed");
            let field = schema.objects[child].field(field).expect("a child's reference is listed");
            let parent = schema.object(parent).expect("a parent object is listed");
            schema.objects[parent].children.push(Children { relation, object: child, field });
        }
        schema
    }
}

const CHILDREN: [(&str, &str, &str, &str); 5] = [
    ("Account", "ChildAccounts", "Account", "ParentId"),
    ("Account", "Opportunities", "Opportunity", "AccountId"),
    ("Opportunity", "OpportunityLineItems", "OpportunityLineItem", "OpportunityId"),
    ("Product2", "PricebookEntries", "PricebookEntry", "Product2Id"),
    ("Pricebook2", "PricebookEntries", "PricebookEntry", "Pricebook2Id"),
];

/// A field as this file lists it: name, kind and marks: `!` required, `x` external id, `r` read only, `c` set only when
/// made.
type Line = (&'static str, Kind, &'static str);

const fn line(name: &'static str, kind: Kind, marks: &'static str) -> Line {
    (name, kind, marks)
}

const fn to(object: &'static str, relation: &'static str) -> Kind {
    Kind::Reference { to: object, relation }
}

const fn money(precision: u32) -> Kind {
    Kind::Decimal { precision, scale: 2, is_money: true }
}

const fn number(precision: u32, scale: u32) -> Kind {
    Kind::Decimal { precision, scale, is_money: false }
}

const ACCOUNT: &[Line] = &[
    line("Name", Kind::Text(255), "!"),
    line("AccountNumber", Kind::Text(40), ""),
    line("Type", Kind::Picklist(255), ""),
    line("ParentId", to("Account", "Parent"), ""),
    line("BillingStreet", Kind::Text(255), ""),
    line("BillingCity", Kind::Text(40), ""),
    line("BillingState", Kind::Text(80), ""),
    line("BillingPostalCode", Kind::Text(20), ""),
    line("BillingCountry", Kind::Text(80), ""),
    line("ShippingStreet", Kind::Text(255), ""),
    line("ShippingCity", Kind::Text(40), ""),
    line("ShippingState", Kind::Text(80), ""),
    line("ShippingPostalCode", Kind::Text(20), ""),
    line("ShippingCountry", Kind::Text(80), ""),
    line("Phone", Kind::Text(40), ""),
    line("Fax", Kind::Text(40), ""),
    line("Website", Kind::Text(255), ""),
    line("Industry", Kind::Picklist(255), ""),
    line("AnnualRevenue", money(18), ""),
    line("NumberOfEmployees", Kind::Int, ""),
    line("Description", Kind::Text(32_000), ""),
    line("Rating", Kind::Picklist(255), ""),
    line("Site", Kind::Text(80), ""),
    line("AccountSource", Kind::Picklist(255), ""),
    line("Year_Established__c", number(4, 0), ""),
    line("ERP_Id__c", Kind::Text(64), "x"),
    line("ERP_Number__c", Kind::Text(64), ""),
    line("ERP_Credit_Limit__c", money(18), ""),
    line("ERP_Terms__c", Kind::Text(255), ""),
];

const PRODUCT: &[Line] = &[
    line("Name", Kind::Text(255), "!"),
    line("ProductCode", Kind::Text(255), ""),
    line("Description", Kind::Text(4_000), ""),
    line("IsActive", Kind::Boolean, ""),
    line("Family", Kind::Picklist(255), ""),
    line("QuantityUnitOfMeasure", Kind::Picklist(255), ""),
    line("StockKeepingUnit", Kind::Text(180), ""),
    line("ERP_Id__c", Kind::Text(64), "x"),
];

const PRICEBOOK: &[Line] = &[
    line("Name", Kind::Text(255), "!"),
    line("Description", Kind::Text(255), ""),
    line("IsActive", Kind::Boolean, ""),
    line("IsStandard", Kind::Boolean, "r"),
];

const PRICEBOOK_ENTRY: &[Line] = &[
    line("Name", Kind::Text(255), "r"),
    line("Pricebook2Id", to("Pricebook2", "Pricebook2"), "!c"),
    line("Product2Id", to("Product2", "Product2"), "!c"),
    line("UnitPrice", money(18), "!"),
    line("IsActive", Kind::Boolean, ""),
    line("UseStandardPrice", Kind::Boolean, ""),
    line("ProductCode", Kind::Text(255), "r"),
];

const OPPORTUNITY: &[Line] = &[
    line("AccountId", to("Account", "Account"), ""),
    line("Name", Kind::Text(120), "!"),
    line("Description", Kind::Text(32_000), ""),
    line("StageName", Kind::Picklist(255), "!"),
    line("Amount", money(18), ""),
    line("Probability", number(3, 0), ""),
    line("CloseDate", Kind::Date, "!"),
    line("Type", Kind::Picklist(255), ""),
    line("NextStep", Kind::Text(255), ""),
    line("LeadSource", Kind::Picklist(255), ""),
    line("IsClosed", Kind::Boolean, "r"),
    line("IsWon", Kind::Boolean, "r"),
    line("ForecastCategoryName", Kind::Picklist(40), ""),
    line("HasOpportunityLineItem", Kind::Boolean, "r"),
    line("Pricebook2Id", to("Pricebook2", "Pricebook2"), ""),
    line("ERP_Id__c", Kind::Text(64), "x"),
    line("ERP_Order_Number__c", Kind::Text(64), ""),
    line("ERP_Status__c", Kind::Text(255), ""),
];

const OPPORTUNITY_LINE: &[Line] = &[
    line("OpportunityId", to("Opportunity", "Opportunity"), "!c"),
    line("SortOrder", Kind::Int, ""),
    line("PricebookEntryId", to("PricebookEntry", "PricebookEntry"), "!c"),
    line("Product2Id", to("Product2", "Product2"), "r"),
    line("ProductCode", Kind::Text(255), "r"),
    line("Name", Kind::Text(376), "r"),
    line("Quantity", number(12, 2), "!"),
    line("TotalPrice", money(18), "r"),
    line("UnitPrice", money(18), "!"),
    line("ListPrice", money(18), "r"),
    line("ServiceDate", Kind::Date, ""),
    line("Description", Kind::Text(255), ""),
];

const ORGANIZATION: &[Line] = &[
    line("Name", Kind::Text(80), "r"),
    line("OrganizationType", Kind::Picklist(40), "r"),
    line("InstanceName", Kind::Text(5), "r"),
    line("IsSandbox", Kind::Boolean, "r"),
    line("Country", Kind::Text(80), "r"),
    line("DefaultLocaleSidKey", Kind::Picklist(40), "r"),
];

const OBJECTS: [(&str, &str, &[Line]); 7] = [
    ("Account", "001", ACCOUNT),
    ("Product2", "01t", PRODUCT),
    ("Pricebook2", "01s", PRICEBOOK),
    ("PricebookEntry", "01u", PRICEBOOK_ENTRY),
    ("Opportunity", "006", OPPORTUNITY),
    ("OpportunityLineItem", "00k", OPPORTUNITY_LINE),
    ("Organization", "00D", ORGANIZATION),
];

fn object(name: &'static str, prefix: &'static str, lines: &[Line]) -> Object {
    let mut object =
        Object { name, prefix, fields: Vec::new(), children: Vec::new(), stored: 0, by_name: HashMap::new() };
    let user = to("User", "");
    for (name, kind, place) in [
        ("Id", Kind::Id, Place::Id),
        ("IsDeleted", Kind::Boolean, Place::Deleted),
        ("CreatedDate", Kind::DateTime, Place::Created),
        ("CreatedById", user, Place::User),
        ("LastModifiedDate", Kind::DateTime, Place::Modified),
        ("LastModifiedById", user, Place::User),
        ("SystemModstamp", Kind::DateTime, Place::Modified),
    ] {
        add(&mut object, Field { place, ..field(&line(name, kind, "r"), 0) });
    }
    for line in lines {
        push(&mut object, line);
    }
    object
}

fn field((name, kind, marks): &Line, slot: usize) -> Field {
    let is_read_only = marks.contains('r');
    Field {
        name,
        kind: *kind,
        place: Place::Stored(slot),
        is_required: marks.contains('!'),
        is_createable: !is_read_only,
        is_updateable: !is_read_only && !marks.contains('c'),
        is_external_id: marks.contains('x'),
    }
}

fn push(object: &mut Object, line: &Line) {
    let made = field(line, object.stored);
    object.stored += 1;
    add(object, made);
}

fn add(object: &mut Object, field: Field) {
    let index = object.fields.len();
    object.by_name.insert(field.name.to_owned(), index);
    object.by_name.insert(field.name.to_ascii_lowercase(), index);
    object.fields.push(field);
}
