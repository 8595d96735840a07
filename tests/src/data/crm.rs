//! Reads a data set's four CSV files.

use csv::StringRecord;
use rust_decimal::Decimal;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Why a data set cannot be read.
#[derive(Debug)]
pub enum Error {
    /// The file cannot be opened.
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The first line lacks a column.
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        name: &'static str,
    },
    /// A line cannot be read.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { path, .. } => write!(f, "{}: cannot be opened: put the data set there", path.display()),
            Self::Column { path, name } => write!(f, "{} line 1: the column \"{name}\" is missing", path.display()),
            Self::Line { path, line, why } => write!(f, "{} line {line}: {why}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Missing { source, .. } => Some(source),
            Self::Column { .. } | Self::Line { .. } => None,
        }
    }
}

/// A line of `accounts.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its name: the key.
    pub name: String,
    /// Its sector, as spelt.
    pub sector: String,
    /// The year.
    pub year_established: i64,
    /// Millions of dollars, with the digits given.
    pub revenue: Decimal,
    /// People.
    pub employees: i64,
    /// The country, as spelt.
    pub office_location: String,
    /// The name of its parent.
    pub subsidiary_of: Option<String>,
}

/// A line of `products.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Its name: the key.
    pub name: String,
    /// Its series.
    pub series: String,
    /// The list price in dollars.
    pub price: Decimal,
}

/// A line of `sales_pipeline.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Deal {
    /// Its id: the key.
    pub id: String,
    /// Who sells.
    pub agent: String,
    /// The product, as spelt.
    pub product: String,
    /// The account; open deals may have none.
    pub account: Option<String>,
    /// `Won`, `Lost`, `Engaging` or `Prospecting`.
    pub stage: String,
    /// When it became serious.
    pub engage_date: Option<String>,
    /// When it was closed.
    pub close_date: Option<String>,
    /// What it was closed for, in dollars.
    pub close_value: Option<Decimal>,
}

impl Deal {
    /// Whether it was won.
    #[must_use]
    pub fn is_won(&self) -> bool {
        self.stage == "Won"
    }
}

/// A line of `sales_teams.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Who sells.
    pub name: String,
    /// Who leads.
    pub manager: String,
    /// Where.
    pub region: String,
}

/// A data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Crm {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The products.
    pub products: Vec<Product>,
    /// The deals.
    pub deals: Vec<Deal>,
    /// The sellers.
    pub agents: Vec<Agent>,
}

impl Crm {
    /// Reads the four files of a folder.
    ///
    /// # Errors
    /// The first file, column or line that cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let accounts =
            ["account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of"];
        let deals = [
            "opportunity_id",
            "sales_agent",
            "product",
            "account",
            "deal_stage",
            "engage_date",
            "close_date",
            "close_value",
        ];
        Ok(Self {
            accounts: lines(&folder.join("accounts.csv"), accounts, |line| {
                Ok(Account {
                    name: line.text(0)?,
                    sector: line.text(1)?,
                    year_established: line.number(2)?,
                    revenue: line.number(3)?,
                    employees: line.number(4)?,
                    office_location: line.text(5)?,
                    subsidiary_of: line.maybe(6),
                })
            })?,
            products: lines(&folder.join("products.csv"), ["product", "series", "sales_price"], |line| {
                Ok(Product { name: line.text(0)?, series: line.text(1)?, price: line.number(2)? })
            })?,
            deals: lines(&folder.join("sales_pipeline.csv"), deals, |line| {
                Ok(Deal {
                    id: line.text(0)?,
                    agent: line.text(1)?,
                    product: line.text(2)?,
                    account: line.maybe(3),
                    stage: line.text(4)?,
                    engage_date: line.maybe(5),
                    close_date: line.maybe(6),
                    close_value: if line.maybe(7).is_some() { Some(line.number(7)?) } else { None },
                })
            })?,
            agents: lines(&folder.join("sales_teams.csv"), ["sales_agent", "manager", "regional_office"], |line| {
                Ok(Agent { name: line.text(0)?, manager: line.text(1)?, region: line.text(2)? })
            })?,
        })
    }
}

/// One line with its columns in the order asked.
struct Line<'a, const N: usize> {
    record: &'a StringRecord,
    places: [usize; N],
    names: [&'static str; N],
}

impl<const N: usize> Line<'_, N> {
    fn maybe(&self, column: usize) -> Option<String> {
        let text = self.record.get(self.places[column]).unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn text(&self, column: usize) -> Result<String, String> {
        self.maybe(column).ok_or_else(|| format!("\"{}\" is empty", self.names[column]))
    }

    fn number<T: std::str::FromStr>(&self, column: usize) -> Result<T, String> {
        let text = self.text(column)?;
        text.parse().map_err(|_| format!("\"{}\" is no number: {text}", self.names[column]))
    }
}

fn lines<T, const N: usize>(
    path: &Path,
    names: [&'static str; N],
    read: impl Fn(&Line<'_, N>) -> Result<T, String>,
) -> Result<Vec<T>, Error> {
    let file = File::open(path).map_err(|source| Error::Missing { path: path.to_owned(), source })?;
    let broken = |line: u64, why: String| Error::Line { path: path.to_owned(), line, why };
    let mut reader = csv::Reader::from_reader(file);
    let header = reader.headers().map_err(|error| broken(1, error.to_string()))?.clone();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = header.iter().position(|column| column.trim() == name);
        *place = found.ok_or_else(|| Error::Column { path: path.to_owned(), name })?;
    }
    let mut found = Vec::new();
    for record in reader.records() {
        let record =
            record.map_err(|error| broken(error.position().map_or(0, csv::Position::line), error.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        found.push(read(&Line { record: &record, places, names }).map_err(|why| broken(line, why))?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::generator;

    /// A data set with a fault must be refused with the file and the line: a file away, a column renamed, a word for a number.
    #[test]
    fn faults_are_named() {
        for (file, from, to, said) in [
            ("products.csv", "sales_price", "price", "line 1: the column \"sales_price\" is missing"),
            ("sales_pipeline.csv", ",Won,", ",,", "\"deal_stage\" is empty"),
            ("accounts.csv", ",19", ",xx", "\"year_established\" is no number: xx"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            generator::write(&generator::Sizes::default(), folder.path()).unwrap();
            let path = folder.path().join(file);
            let text = std::fs::read_to_string(&path).unwrap();
            let line = 1 + text.lines().position(|line| line.contains(from)).expect("the fault can be set");
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let error = Crm::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(file) && error.contains(&format!("line {line}")), "{error}");
            std::fs::remove_file(&path).unwrap();
            assert!(matches!(Crm::read(folder.path()), Err(Error::Missing { path: missing, .. }) if missing == path));
        }
    }
}
