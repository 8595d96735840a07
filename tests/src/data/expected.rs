//! What must end in the ERP, computed from the CSV files alone: no line of the product takes part.
//!
//! A won deal becomes an order when its product exists under its exact name and its account can become a customer: the country is a known
//! name, and so are those of all its parents.

use super::crm::{Account, Crm};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What a steward has mended so far.
#[derive(Clone, Debug, Default)]
pub struct Mends {
    /// Misspelt product to the name that exists.
    pub products: BTreeMap<String, String>,
    /// Misspelt country to a known name.
    pub countries: BTreeMap<String, String>,
}

impl Mends {
    /// No mends.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// These mends and one more of a product.
    #[must_use]
    pub fn with_product(mut self, from: &str, to: &str) -> Self {
        self.products.insert(from.to_owned(), to.to_owned());
        self
    }

    /// These mends and one more of a country.
    #[must_use]
    pub fn with_country(mut self, from: &str, to: &str) -> Self {
        self.countries.insert(from.to_owned(), to.to_owned());
        self
    }
}

/// What must be in the ERP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Customers.
    pub customers: usize,
    /// Sales orders.
    pub orders: usize,
    /// What they come to: exact.
    pub total: Decimal,
    /// Won deals without an order: the product or the account is not right.
    pub held_back: usize,
}

/// Names of countries that are right, as far as the two data sets need them.
pub const COUNTRIES: [&str; 20] = [
    "Belgium",
    "Brazil",
    "Canada",
    "China",
    "Denmark",
    "France",
    "Germany",
    "Italy",
    "Japan",
    "Jordan",
    "Kenya",
    "Norway",
    "Panama",
    "Philippines",
    "Poland",
    "Portugal",
    "Romania",
    "South Korea",
    "Spain",
    "United States",
];

/// Computes what must be in the ERP after these mends.
///
/// # Panics
/// When an account's parents go in a circle: such a data set is a defect.
#[must_use]
pub fn expected(crm: &Crm, valid_countries: &[&str], mends: &Mends) -> Expected {
    let accounts: BTreeMap<&str, &Account> =
        crm.accounts.iter().map(|account| (account.name.as_str(), account)).collect();
    let products: BTreeSet<&str> = crm.products.iter().map(|product| product.name.as_str()).collect();
    let customers: BTreeSet<&str> =
        accounts.keys().copied().filter(|name| is_customer(&accounts, name, valid_countries, mends)).collect();
    let mut expected = Expected { customers: customers.len(), orders: 0, total: Decimal::ZERO, held_back: 0 };
    for deal in crm.deals.iter().filter(|deal| deal.is_won()) {
        let product = mends.products.get(&deal.product).unwrap_or(&deal.product);
        let has_customer = deal.account.as_deref().is_some_and(|name| customers.contains(name));
        if has_customer && products.contains(product.as_str()) {
            expected.orders += 1;
            expected.total += deal.close_value.unwrap_or_default();
        } else {
            expected.held_back += 1;
        }
    }
    expected
}

fn is_customer(accounts: &BTreeMap<&str, &Account>, name: &str, valid: &[&str], mends: &Mends) -> bool {
    let mut next = Some(name);
    let mut steps = 0;
    while let Some(name) = next {
        let Some(account) = accounts.get(name) else { return false };
        let country = mends.countries.get(&account.office_location).unwrap_or(&account.office_location);
        if !valid.contains(&country.as_str()) {
            return false;
        }
        next = account.subsidiary_of.as_deref();
        steps += 1;
        assert!(steps <= accounts.len(), "the parents of {name} go in a circle");
    }
    true
}
