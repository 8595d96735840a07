//! The tree of a query bound to the schema: names become places, literals must fit their field.

use super::parse::{Condition, Literal, Name, Operator, Query, Selected};
use super::{Refused, malformed, pointer};
use crate::sims::salesforce::errors::ApiError;
use crate::sims::salesforce::ids;
use crate::sims::salesforce::schema::{Field, FieldIndex, Kind, Object, ObjectIndex, Schema};
use rust_decimal::Decimal;

/// Records that `FIELDS(ALL)` may ask for at once.
const ALL_FIELDS_LIMIT_MAX: usize = 200;
/// The largest `OFFSET`.
const OFFSET_MAX: usize = 2_000;

/// A field reached over references.
#[derive(Clone, Debug)]
pub struct Path {
    /// The references to follow, each of the object that the one before leads to.
    pub hops: Vec<FieldIndex>,
    /// The object that the last one leads to.
    pub object: ObjectIndex,
    /// The field there.
    pub field: FieldIndex,
}

/// A literal of the field's own kind.
#[derive(Clone, Debug)]
pub enum Want {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Decimal),
    /// Text in lower case: this vendor compares without regard to case.
    Folded(String),
    /// An instant.
    Time(i64),
    /// A record's own id by its place; none where no record can have the id.
    Own(Option<u32>, String),
    /// A day, or an id in a reference: compared as it stands.
    Exact(String),
}

/// A condition over places.
#[derive(Clone, Debug)]
pub enum Test {
    /// All hold.
    And(Vec<Test>),
    /// One holds.
    Or(Vec<Test>),
    /// It does not hold.
    Not(Box<Test>),
    /// A field against a literal.
    Compare(Path, Operator, Want),
    /// A field among literals; the flag turns it round.
    In(Path, Vec<Want>, bool),
}

/// What is printed of a record.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The object.
    pub object: ObjectIndex,
    /// Its items in the order asked.
    pub items: Vec<Item>,
}

/// One item of a shape.
#[derive(Clone, Debug)]
pub enum Item {
    /// A field.
    Field(FieldIndex),
    /// What is read of the record that a reference leads to.
    Parent(&'static str, FieldIndex, Shape),
    /// The records of a child relation.
    Children(&'static str, FieldIndex, Box<Plan>),
}

/// A query that can be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is printed.
    pub shape: Shape,
    /// Whether it only counts.
    pub is_count: bool,
    /// Which records.
    pub test: Option<Test>,
    /// In which order.
    pub order: Vec<(Path, bool, bool)>,
    /// How many at most.
    pub limit: Option<usize>,
    /// How many are left out first.
    pub offset: usize,
}

/// Binds a query to the schema.
///
/// # Errors
/// `INVALID_TYPE` for an unknown object, `INVALID_FIELD` for an unknown field or a literal of another kind,
/// `MALFORMED_QUERY` for what this vendor never allows together.
pub fn bind(schema: &Schema, text: &str, query: &Query) -> Result<Plan, Refused> {
    let object = schema.object(&query.from.text).ok_or_else(|| {
        let name = &query.from.text;
        let why = "If you are attempting to use a custom object, be sure to append the '__c' after the entity name. \
                   Please reference your WSDL or the describe call for the appropriate names.";
        let place = pointer(text, query.from.at);
        ApiError::new("INVALID_TYPE", format!("{place}\nsObject type '{name}' is not supported. {why}"))
    })?;
    Binder { schema, text }.plan(object, query)
}

struct Binder<'a> {
    schema: &'a Schema,
    text: &'a str,
}

impl Binder<'_> {
    fn object(&self, index: ObjectIndex) -> &Object {
        &self.schema.objects[index]
    }

    fn plan(&self, object: ObjectIndex, query: &Query) -> Result<Plan, Refused> {
        let mut shape = Shape { object, items: Vec::new() };
        for selected in &query.select {
            self.select(&mut shape, selected, query.limit)?;
        }
        if query.offset > OFFSET_MAX {
            let why = format!("Maximum SOQL offset allowed is {OFFSET_MAX}");
            return Err(ApiError::new("NUMBER_OUTSIDE_VALID_RANGE", why));
        }
        let test = query.condition.as_ref().map(|condition| self.test(object, condition)).transpose()?;
        let order = query.order.iter().map(|key| {
            let path = self.path(object, &key.name)?;
            Ok((path, key.is_descending, key.is_nulls_last))
        });
        Ok(Plan {
            shape,
            is_count: query.is_count,
            test,
            order: order.collect::<Result<_, Refused>>()?,
            limit: query.limit,
            offset: query.offset,
        })
    }

    fn select(&self, shape: &mut Shape, selected: &Selected, limit: Option<usize>) -> Result<(), Refused> {
        match selected {
            Selected::Field(name) => {
                let parts: Vec<&str> = name.text.split('.').collect();
                self.place(shape, &parts, name)
            }
            Selected::All(which) => {
                if limit.is_none_or(|limit| limit > ALL_FIELDS_LIMIT_MAX) {
                    let why = format!("The SOQL FIELDS function must have a LIMIT of at most {ALL_FIELDS_LIMIT_MAX}");
                    return Err(ApiError::new("MALFORMED_QUERY", why));
                }
                let wanted: fn(&Field) -> bool = match which.text.to_ascii_uppercase().as_str() {
                    "ALL" => |_| true,
                    "STANDARD" => |field| !field.name.ends_with("__c"),
                    "CUSTOM" => |field| field.name.ends_with("__c"),
                    _ => return Err(malformed(self.text, which.at, "unexpected token in FIELDS()")),
                };
                let fields = &self.object(shape.object).fields;
                let fields = fields.iter().enumerate().filter(|(_, field)| wanted(field));
                shape.items.extend(fields.map(|(index, _)| Item::Field(index)));
                Ok(())
            }
            Selected::Children(query) => {
                let name = &query.from.text;
                let children = &self.object(shape.object).children;
                let Some(child) = children.iter().find(|child| child.relation.eq_ignore_ascii_case(name)) else {
                    let place = pointer(self.text, query.from.at);
                    let why = format!("{place}\nDidn't understand relationship '{name}' in FROM part of query call.");
                    return Err(ApiError::new("INVALID_TYPE", why));
                };
                let plan = self.plan(child.object, query)?;
                shape.items.push(Item::Children(child.relation, child.field, Box::new(plan)));
                Ok(())
            }
        }
    }

    /// Puts a field into the shape; parents of the same reference share one place.
    fn place(&self, shape: &mut Shape, parts: &[&str], name: &Name) -> Result<(), Refused> {
        let object = self.object(shape.object);
        let [first, rest @ ..] = parts else { return Err(malformed(self.text, name.at, "unexpected token: '.'")) };
        if rest.is_empty() {
            let field = object.field(first).ok_or_else(|| self.no_column(first, object, name.at))?;
            shape.items.push(Item::Field(field));
            return Ok(());
        }
        let (via, to) = object.relation(first).ok_or_else(|| self.no_relation(first, object, name.at))?;
        let Kind::Reference { relation, .. } = object.fields[via].kind else {
            unreachable!("relations are references")
        };
        let to = self.schema.object(to).ok_or_else(|| self.no_relation(first, object, name.at))?;
        let known = shape.items.iter().position(|item| matches!(item, Item::Parent(_, field, _) if *field == via));
        let at = known.unwrap_or_else(|| {
            shape.items.push(Item::Parent(relation, via, Shape { object: to, items: Vec::new() }));
            shape.items.len() - 1
        });
        let Item::Parent(_, _, parent) = &mut shape.items[at] else { unreachable!("found as a parent above") };
        self.place(parent, rest, name)
    }

    fn path(&self, object: ObjectIndex, name: &Name) -> Result<Path, Refused> {
        let mut parts: Vec<&str> = name.text.split('.').collect();
        let last = parts.pop().unwrap_or_default();
        let mut path = Path { hops: Vec::new(), object, field: 0 };
        for part in parts {
            let at = self.object(path.object);
            let (via, to) = at.relation(part).ok_or_else(|| self.no_relation(part, at, name.at))?;
            path.object = self.schema.object(to).ok_or_else(|| self.no_relation(part, at, name.at))?;
            path.hops.push(via);
        }
        let at = self.object(path.object);
        path.field = at.field(last).ok_or_else(|| self.no_column(last, at, name.at))?;
        Ok(path)
    }

    fn test(&self, object: ObjectIndex, condition: &Condition) -> Result<Test, Refused> {
        let all = |parts: &[Condition]| parts.iter().map(|part| self.test(object, part)).collect::<Result<_, _>>();
        Ok(match condition {
            Condition::And(parts) => Test::And(all(parts)?),
            Condition::Or(parts) => Test::Or(all(parts)?),
            Condition::Not(inner) => Test::Not(Box::new(self.test(object, inner)?)),
            Condition::Compare(name, operator, literal) => {
                let path = self.path(object, name)?;
                let want = self.want(&path, name, literal)?;
                Test::Compare(path, *operator, want)
            }
            Condition::In(name, literals, turned) => {
                let path = self.path(object, name)?;
                let wants = literals.iter().map(|literal| self.want(&path, name, literal));
                let wants = wants.collect::<Result<_, _>>()?;
                Test::In(path, wants, *turned)
            }
        })
    }

    /// A literal of the kind of its field.
    fn want(&self, path: &Path, name: &Name, literal: &Literal) -> Result<Want, Refused> {
        let object = self.object(path.object);
        let field = &object.fields[path.field];
        let number = |text: &str| Decimal::from_str_exact(text).unwrap_or_default();
        Ok(match (field.kind, literal) {
            (_, Literal::Null) => Want::Null,
            (Kind::Boolean, Literal::Bool(value)) => Want::Bool(*value),
            (Kind::Int | Kind::Decimal { .. }, Literal::Number(text)) => Want::Number(number(text)),
            (Kind::DateTime, Literal::Time(ms)) => Want::Time(*ms),
            (Kind::Date, Literal::Day(day)) => Want::Exact(day.clone()),
            (Kind::Text(_) | Kind::Picklist(_), Literal::Text(text)) => Want::Folded(text.to_lowercase()),
            (Kind::Id, Literal::Text(text)) => Want::Own(ids::slot(object.prefix, text), text.clone()),
            (Kind::Reference { .. }, Literal::Text(text)) => Want::Exact(text.clone()),
            (kind, literal) => return Err(self.wrong_kind(field, kind, literal, name.at)),
        })
    }

    fn wrong_kind(&self, field: &Field, kind: Kind, literal: &Literal, at: usize) -> Refused {
        let wanted = type_name(kind);
        let quotes = match literal {
            Literal::Text(_) => " and should not be enclosed in quotes",
            _ if matches!(wanted, "string" | "picklist" | "id" | "reference") => " and should be enclosed in quotes",
            _ => "",
        };
        let place = pointer(self.text, at);
        let why =
            format!("{place}\nvalue of filter criterion for field '{}' must be of type {wanted}{quotes}", field.name);
        ApiError::new("INVALID_FIELD", why)
    }

    fn no_column(&self, name: &str, object: &Object, at: usize) -> Refused {
        let why = "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. \
                   Please reference your WSDL or the describe call for the appropriate names.";
        let place = pointer(self.text, at);
        let message = format!("{place}\nNo such column '{name}' on entity '{}'. {why}", object.name);
        ApiError::new("INVALID_FIELD", message)
    }

    fn no_relation(&self, name: &str, object: &Object, at: usize) -> Refused {
        let why = "If you are attempting to use a custom relationship, be sure to append the '__r' after the custom \
                   relationship name.";
        let place = pointer(self.text, at);
        let message =
            format!("{place}\nDidn't understand relationship '{name}' in field path on '{}'. {why}", object.name);
        ApiError::new("INVALID_FIELD", message)
    }
}

/// The vendor's name of a kind, as errors and describes have it.
#[must_use]
pub fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "id",
        Kind::Reference { .. } => "reference",
        Kind::Text(length) if length > 255 => "textarea",
        Kind::Text(_) => "string",
        Kind::Picklist(_) => "picklist",
        Kind::Boolean => "boolean",
        Kind::Int => "int",
        Kind::Decimal { is_money: true, .. } => "currency",
        Kind::Decimal { .. } => "double",
        Kind::Date => "date",
        Kind::DateTime => "dateTime",
    }
}
