//! The practice data: read from CSV, loaded into the simulators, generated, and counted independently of the product.
//!
//! Four files make a data set: `accounts.csv`, `products.csv`, `sales_pipeline.csv`, `sales_teams.csv`. The real one stays outside of the
//! repository; [`generator`] makes one of our own with the same kinds of faults.

pub mod bulk;
pub mod crm;
pub mod expected;
pub mod generator;
pub mod load;

pub use crm::Crm;
pub use expected::{Expected, Mends};

use std::path::{Path, PathBuf};

/// Names the folder of the real data set.
pub const FOLDER_VARIABLE: &str = "TOLLGATE_CRM_DATA";

/// The folder of the real data set: from the environment, else beside the checkout; none where there is none.
///
/// # Panics
/// When it is missing under `CI=true`: there the real numbers must be checked.
#[must_use]
pub fn real_folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/crm-sales-opportunities");
    let folder = std::env::var_os(FOLDER_VARIABLE).map_or(beside, PathBuf::from);
    if folder.join("sales_pipeline.csv").is_file() {
        return Some(folder);
    }
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "the real data set is missing at {}: set {FOLDER_VARIABLE}", folder.display());
    eprintln!("SKIPPED: no real data set at {}: set {FOLDER_VARIABLE} to check the real numbers", folder.display());
    None
}

/// A small generated data set.
///
/// # Panics
/// Never: what the generator writes can be read.
#[must_use]
pub fn generator_sample() -> Crm {
    let folder = tempfile::tempdir().expect("a folder");
    generator::write(&generator::Sizes { accounts: 12, deals: 120, ..generator::Sizes::default() }, folder.path())
        .expect("the folder is writable");
    Crm::read(folder.path()).expect("the generator's own files")
}
