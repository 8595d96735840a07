//! What is loaded into the simulators is what the files hold.

use rust_decimal::Decimal;
use tollgate_tests::data::{expected, generator, load, passes};
use tollgate_tests::sims::netsuite::schema::RecordType;
use tollgate_tests::sims::netsuite::{self, NetSuite};
use tollgate_tests::sims::salesforce::{self, Salesforce};
use tollgate_tests::sims::{Vendor, money};

/// Loading must put every record into the simulators with exact sums, and each mend must free more of our own data.
#[tokio::test]
async fn loaded_data_is_whole() {
    let crm = generator::generate(&generator::Sizes::default());
    let (org, account) = (Salesforce::new(salesforce::Options::default()), NetSuite::new(netsuite::Options::default()));
    load::into_crm(&crm, &org);
    load::into_erp(&crm, &account);
    let counts = ["Account", "Opportunity", "OpportunityLineItem", "Product2"].map(|object| org.count(object));
    assert_eq!(counts, [60, 2_500, 2_500, 8], "the misspelt product is a product of its own");
    assert_eq!(account.count(RecordType::InventoryItem), 7);
    let passes = passes(&crm).map(|mends| expected(&crm, &mends));
    assert!(passes[0].orders < passes[1].orders && passes[1].orders < passes[2].orders, "{passes:?}");
    assert_eq!((passes[2].held_back, passes[2].customers), (0, 60));
    let won: Decimal = crm.deals.iter().filter(|deal| deal.is_won()).filter_map(|deal| deal.close_value).sum();
    assert_eq!(passes[2].total, won);
    let ledger = org.report();
    assert_eq!(ledger["Opportunity"]["by_stage"]["Closed Won"]["Amount"], money(won));
}
