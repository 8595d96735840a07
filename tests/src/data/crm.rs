//! Reads and writes a data set's four CSV files.

use csv::StringRecord;
use rust_decimal::Decimal;
use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a data set: which file, which line, which column, and how to mend it.
#[derive(Debug)]
pub struct Error {
    path: PathBuf,
    line: Option<u64>,
    column: Option<&'static str>,
    what: String,
    mend: String,
    source: Option<csv::Error>,
}

impl Error {
    pub(super) fn unwritten(path: &Path, source: csv::Error) -> Self {
        Self {
            path: path.to_owned(),
            line: None,
            column: None,
            what: "cannot be written".to_owned(),
            mend: "name a folder that may be written and has room".to_owned(),
            source: Some(source),
        }
    }

    fn unread(path: &Path, line: Option<u64>, source: csv::Error) -> Self {
        let (what, mend) = match source.kind() {
            csv::ErrorKind::Io(_) => (
                "cannot be read".to_owned(),
                format!("put the data set there, or name its folder in {}", super::FOLDER_VARIABLE),
            ),
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => (
                format!("has {len} fields where the first line has {expected_len}"),
                "add or remove commas, and put a value with a comma between double quotes".to_owned(),
            ),
            _ => ("is no CSV in UTF-8".to_owned(), "save the file again as CSV in UTF-8".to_owned()),
        };
        Self { path: path.to_owned(), line, column: None, what, mend, source: Some(source) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column `{column}`")?;
        }
        write!(f, ": {}; {}", self.what, self.mend)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
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

const ACCOUNTS: [&str; 7] =
    ["account", "sector", "year_established", "revenue", "employees", "office_location", "subsidiary_of"];
const PRODUCTS: [&str; 3] = ["product", "series", "sales_price"];
const DEALS: [&str; 8] =
    ["opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date", "close_date", "close_value"];
const TEAMS: [&str; 3] = ["sales_agent", "manager", "regional_office"];

const STAGES: [&str; 4] = ["Prospecting", "Engaging", "Won", "Lost"];

impl Crm {
    /// Reads the four files of a folder. Columns are found by their names, in any order; further columns are left out.
    ///
    /// # Errors
    /// The first fault: a file or column that is missing, a line with too few or too many fields or bytes that are no
    /// UTF-8, a blank that must be filled, a number that is none, a stage that is unknown.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        Ok(Self {
            accounts: lines(&folder.join("accounts.csv"), ACCOUNTS, |line| {
                Ok(Account {
                    name: line.text(0)?,
                    sector: line.text(1)?,
                    year_established: line.whole(2)?,
                    revenue: line.decimal(3)?,
                    employees: line.whole(4)?,
                    office_location: line.text(5)?,
                    subsidiary_of: line.maybe(6),
                })
            })?,
            products: lines(&folder.join("products.csv"), PRODUCTS, |line| {
                Ok(Product { name: line.text(0)?, series: line.text(1)?, price: line.decimal(2)? })
            })?,
            deals: lines(&folder.join("sales_pipeline.csv"), DEALS, |line| {
                Ok(Deal {
                    id: line.text(0)?,
                    agent: line.text(1)?,
                    product: line.text(2)?,
                    account: line.maybe(3),
                    stage: line.stage(4)?,
                    engage_date: line.maybe(5),
                    close_date: line.maybe(6),
                    close_value: line.maybe(7).map(|_| line.decimal(7)).transpose()?,
                })
            })?,
            agents: lines(&folder.join("sales_teams.csv"), TEAMS, |line| {
                Ok(Agent { name: line.text(0)?, manager: line.text(1)?, region: line.text(2)? })
            })?,
        })
    }

    /// Writes the four files into a folder, which it makes where it is missing; files of those names are replaced.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::unwritten(folder, source.into()))?;
        let blank = |value: &Option<String>| value.clone().unwrap_or_default();
        write_lines(&folder.join("accounts.csv"), ACCOUNTS, &self.accounts, |it| {
            let numbers = [it.year_established.to_string(), it.revenue.to_string(), it.employees.to_string()];
            let [year, revenue, employees] = numbers;
            let (country, parent) = (it.office_location.clone(), blank(&it.subsidiary_of));
            [it.name.clone(), it.sector.clone(), year, revenue, employees, country, parent]
        })?;
        write_lines(&folder.join("products.csv"), PRODUCTS, &self.products, |it| {
            [it.name.clone(), it.series.clone(), it.price.to_string()]
        })?;
        write_lines(&folder.join("sales_pipeline.csv"), DEALS, &self.deals, |it| {
            let value = it.close_value.map(|value| value.to_string()).unwrap_or_default();
            let [account, engaged, closed] = [&it.account, &it.engage_date, &it.close_date].map(blank);
            [it.id.clone(), it.agent.clone(), it.product.clone(), account, it.stage.clone(), engaged, closed, value]
        })?;
        write_lines(&folder.join("sales_teams.csv"), TEAMS, &self.agents, |it| {
            [it.name.clone(), it.manager.clone(), it.region.clone()]
        })
    }
}

/// One line with its columns in the order asked, and all that an error must say of it.
struct Line<'a, const N: usize> {
    path: &'a Path,
    line: u64,
    record: &'a StringRecord,
    places: [usize; N],
    names: [&'static str; N],
}

impl<const N: usize> Line<'_, N> {
    fn maybe(&self, column: usize) -> Option<String> {
        let text = self.record.get(self.places[column]).unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn text(&self, column: usize) -> Result<String, Error> {
        self.maybe(column).ok_or_else(|| self.fault(column, "is blank".to_owned(), "fill it in: every line needs it"))
    }

    fn whole(&self, column: usize) -> Result<i64, Error> {
        let text = self.text(column)?;
        let mend = "write digits alone, such as 1054";
        text.parse().map_err(|_| self.fault(column, format!("`{text}` is no whole number"), mend))
    }

    /// A number with its digits: no exponent, no separators, and none that would have to be rounded.
    fn decimal(&self, column: usize) -> Result<Decimal, Error> {
        let text = self.text(column)?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
        let number = is_plain.then(|| Decimal::from_str_exact(&text).ok()).flatten();
        let mend = "write digits with at most one point, without currency sign or separators, such as 1054.50";
        number.ok_or_else(|| self.fault(column, format!("`{text}` is no number"), mend))
    }

    fn stage(&self, column: usize) -> Result<String, Error> {
        let text = self.text(column)?;
        if STAGES.contains(&text.as_str()) {
            return Ok(text);
        }
        let mend = "write one of Prospecting, Engaging, Won, Lost";
        Err(self.fault(column, format!("`{text}` is no known stage"), mend))
    }

    fn fault(&self, column: usize, what: String, mend: &str) -> Error {
        let (path, column) = (self.path.to_owned(), Some(self.names[column]));
        Error { path, line: Some(self.line), column, what, mend: mend.to_owned(), source: None }
    }
}

fn lines<T, const N: usize>(
    path: &Path,
    names: [&'static str; N],
    read: impl Fn(&Line<'_, N>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::unread(path, None, source.into()))?;
    let broken = |source: csv::Error| {
        let line = source.position().map(|position| line_at(&bytes, position));
        Error::unread(path, line, source)
    };
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(broken)?.clone();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        *place = header.iter().position(|column| column.trim() == name).ok_or_else(|| Error {
            path: path.to_owned(),
            line: Some(1),
            column: Some(name),
            what: "is missing".to_owned(),
            mend: format!("name it in the first line, which has {}", header.iter().collect::<Vec<_>>().join(", ")),
            source: None,
        })?;
    }
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, |position| line_at(&bytes, position));
        found.push(read(&Line { path, line, record: &record, places, names })?);
    }
    Ok(found)
}

/// The line, from 1, on which a record begins. Not the reader's own count: that is one short after `\r\n`, whose second
/// byte the reader takes for the start of the next record, as it does with blank lines.
fn line_at(bytes: &[u8], position: &csv::Position) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(bytes.len());
    let (before, after) = bytes.split_at(start);
    let ends = after.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    1 + before.iter().chain(ends).filter(|byte| **byte == b'\n').count() as u64
}

fn write_lines<T, const N: usize>(
    path: &Path,
    names: [&str; N],
    rows: &[T],
    values: impl Fn(&T) -> [String; N],
) -> Result<(), Error> {
    let fill = || -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_path(path)?;
        writer.write_record(names)?;
        for row in rows {
            writer.write_record(values(row))?;
        }
        Ok(writer.flush()?)
    };
    fill().map_err(|source| Error::unwritten(path, source))
}

#[cfg(test)]
mod tests {
    use super::super::real_data;
    use super::*;
    use std::error::Error as _;
    use std::fs;

    const FILES: [&str; 4] = ["accounts.csv", "products.csv", "sales_pipeline.csv", "sales_teams.csv"];

    /// A data set of one account, one product, one agent, and these bytes as its pipeline.
    fn folder_with(pipeline: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let accounts = [ACCOUNTS.join(","), "\"Quill, Sons\",media,1999,1100.040,12,Norway,\n".to_owned()].join("\n");
        let files: [&[u8]; 4] = [
            accounts.as_bytes(),
            b"product,series,sales_price\nQ One,Q,550\n",
            pipeline,
            b"sales_agent,manager,regional_office\nAda Quist,Bo Rask,North\n",
        ];
        for (name, bytes) in FILES.iter().zip(files) {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    /// Values keep their digits and blanks are none: a file with quotes, trailing zeros, columns in another order and
    /// one more column is read, written into a new folder and read again.
    #[test]
    fn a_value_keeps_its_digits() {
        let pipeline = "extra,close_value,opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date\n\
             x,550.10,A1,Ada Quist,Q One,\"Quill, Sons\",Won,2017-01-02,2017-01-03\n\
             x,,A2,Ada Quist,QOne,  ,Prospecting,,\n";
        let crm = Crm::read(folder_with(pipeline.as_bytes()).path()).unwrap();
        assert_eq!(crm.accounts[0].name, "Quill, Sons");
        assert_eq!(crm.accounts[0].revenue.to_string(), "1100.040");
        assert_eq!(crm.deals[0].close_value.unwrap().to_string(), "550.10");
        assert_eq!((crm.deals[1].account.as_ref(), crm.deals[1].close_value), (None, None));
        let copy = tempfile::tempdir().unwrap();
        let folder = copy.path().join("new");
        crm.write(&folder).unwrap();
        assert_eq!(Crm::read(&folder).unwrap(), crm);
        assert!(fs::read_to_string(folder.join("accounts.csv")).unwrap().contains(",1100.040,"));
    }

    /// Each fault of a line is refused with line, column and mend: one fault at a time, on the fourth line after a
    /// blank one, with both kinds of line ends.
    #[test]
    fn a_fault_is_named_with_its_place_and_its_mend() {
        let cases: [(&str, &str); 8] = [
            ("A2,Ada Quist,Q One,,Won,,,12x", ", line 4, column `close_value`: `12x` is no number; write digits"),
            ("A2,Ada Quist,Q One,,Won,,,\"1,054\"", ", line 4, column `close_value`: `1,054` is no number;"),
            ("A2,Ada Quist,Q One,,Won,,,1e3", ", line 4, column `close_value`: `1e3` is no number;"),
            ("A2,Ada Quist,Q One,,won,,,1", ", line 4, column `deal_stage`: `won` is no known stage; write one of"),
            ("A2,Ada Quist,Q One,,,,,1", ", line 4, column `deal_stage`: is blank; fill it in"),
            (",Ada Quist,Q One,,Won,,,1", ", line 4, column `opportunity_id`: is blank; fill it in"),
            ("A2,Ada Quist,Q One,Won,,,1", ", line 4: has 7 fields where the first line has 8; add or remove"),
            ("A2,Ada Quist,Q One,,Won,,,1,", ", line 4: has 9 fields where the first line has 8; add or remove"),
        ];
        for (bad, says) in cases {
            for end in ["\n", "\r\n"] {
                let pipeline = [&DEALS.join(","), "A1,Ada Quist,Q One,,Prospecting,,,", "", bad, ""].join(end);
                let folder = folder_with(pipeline.as_bytes());
                let error = Crm::read(folder.path()).unwrap_err().to_string();
                let expected = format!("{}{says}", folder.path().join("sales_pipeline.csv").display());
                assert!(error.starts_with(&expected), "{bad:?} with {end:?}: {error}");
            }
        }
    }

    /// A column that the first line does not name, bytes that are no UTF-8, a year and a price that are no numbers are
    /// refused with their place: one file at a time is spoiled.
    #[test]
    fn a_spoiled_file_is_refused() {
        let good = DEALS.join(",");
        let cases: [(&str, Vec<u8>, &str); 4] = [
            (
                "sales_pipeline.csv",
                good.replace("close_date", "closed").into_bytes(),
                "line 1, column `close_date`: is missing; name it in the first line, which has opportunity_id, ",
            ),
            (
                "sales_pipeline.csv",
                [good.as_bytes(), b"\nA1,Ada Quist,Q\xe9,,Prospecting,,,\n"].concat(),
                "line 2: is no CSV in UTF-8; save",
            ),
            (
                "products.csv",
                b"product,series,sales_price\nQ One,Q,$550\n".to_vec(),
                "line 2, column `sales_price`: `$550` is no number; write digits",
            ),
            (
                "accounts.csv",
                [&ACCOUNTS.join(","), "Quill,media,MCM,1,1,Norway,"].join("\n").into_bytes(),
                "line 2, column `year_established`: `MCM` is no whole number; write digits",
            ),
        ];
        for (name, bytes, says) in cases {
            let folder = folder_with(good.as_bytes());
            Crm::read(folder.path()).unwrap();
            fs::write(folder.path().join(name), bytes).unwrap();
            let error = Crm::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("{name}, {says}")), "{error}");
        }
    }

    /// Each of the four files is needed: one at a time is removed.
    #[test]
    fn a_missing_file_is_named() {
        for name in FILES {
            let folder = folder_with(DEALS.join(",").as_bytes());
            fs::remove_file(folder.path().join(name)).unwrap();
            let error = Crm::read(folder.path()).unwrap_err();
            assert!(error.to_string().contains(&format!("{name}: cannot be read; put the data set there")), "{error}");
            assert!(error.source().is_some(), "what the system said is kept");
        }
    }

    /// Nothing of the real files is lost or changed on the way: what is written has the same bytes.
    #[test]
    fn the_real_files_come_back_byte_for_byte() {
        let Some(crm) = real_data() else { return };
        assert_eq!((crm.accounts.len(), crm.products.len()), (85, 7));
        assert_eq!((crm.deals.len(), crm.agents.len()), (8_800, 35));
        let copy = tempfile::tempdir().unwrap();
        crm.write(copy.path()).unwrap();
        let original = super::super::data_folder().unwrap();
        for name in FILES {
            let [read, written] = [original.as_path(), copy.path()].map(|it| fs::read(it.join(name)).unwrap());
            assert!(read == written, "{name} came back with other bytes");
        }
    }
}
