//! The practice data: read from CSV, loaded into the simulators, generated, and counted independently of the product.
//!
//! Four files make a data set: `accounts.csv`, `products.csv`, `sales_pipeline.csv`, `sales_teams.csv`. The real one
//! stays outside of the repository; [`generator`] makes one of our own with the same kinds of faults.

pub mod bulk;
pub mod crm;
pub mod expected;
pub mod generator;
pub mod load;

pub use crm::Crm;
pub use expected::{Expected, Mends, expected, mends, passes};

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Names the folder of the real data set.
pub const FOLDER_VARIABLE: &str = "TOLLGATE_CRM_DATA";

/// Where the real data set lies: the folder that the environment names, whether it exists or not, else the one beside
/// the checkout, if there is one.
#[must_use]
pub fn data_folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(FOLDER_VARIABLE).filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/crm-sales-opportunities");
    beside.is_dir().then_some(beside)
}

/// The real data set, or nothing where this machine does not have it (see [`real_folder`]).
///
/// # Panics
/// When the files are there and wrong, when the environment names a folder without them, and as [`real_folder`] does.
#[must_use]
pub fn real_data() -> Option<Crm> {
    let folder = real_folder()?;
    Some(Crm::read(&folder).unwrap_or_else(|error| panic!("the real data set is unusable: {error}")))
}

/// The folder of the real data set; where there is none, one line on the error stream says that its checks are skipped.
///
/// # Panics
/// When it is missing under `CI=true`: there the real numbers must be checked.
#[must_use]
pub fn real_folder() -> Option<PathBuf> {
    if let Some(folder) = data_folder() {
        return Some(folder);
    }
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let missing = format!("no real data set: name the folder of its four CSV files in {FOLDER_VARIABLE}");
    assert!(!is_ci, "{missing}; with CI=true nothing goes on without it");
    // Not `eprintln!`: the test harness swallows that when a test passes, and nobody would learn what was left out.
    // A closed error stream is no reason to fail.
    let _ = writeln!(io::stderr(), "SKIPPED: {missing} to check the real numbers");
    None
}

/// A small generated data set.
#[must_use]
pub fn generator_sample() -> Crm {
    generator::generate(&generator::Sizes { accounts: 12, deals: 120, ..generator::Sizes::default() })
}
