//! The practice data is read, loaded and counted as it stands.

use rust_decimal::Decimal;
use tollgate_tests::data::{Crm, Mends, expected, generator, load, real_folder};
use tollgate_tests::sims::netsuite::schema::RecordType;
use tollgate_tests::sims::netsuite::{self, NetSuite};
use tollgate_tests::sims::salesforce::{self, Salesforce};
use tollgate_tests::sims::{Vendor, money};

/// The expected totals of the real data, computed from the files alone, must be the known ones after each mend.
#[test]
fn real_data_has_the_known_totals() {
    let Some(folder) = real_folder() else { return };
    let crm = Crm::read(&folder).unwrap();
    let countries = expected::COUNTRIES;
    let products = Mends::none().with_product("GTXPro", "GTX Pro");
    let all = products.clone().with_country("Philipines", "Philippines").with_country("Korea", "South Korea");
    for (mends, orders, total) in
        [(Mends::none(), 3_368, "6304390"), (products, 4_077, "9719586"), (all, 4_238, "10005534")]
    {
        let found = expected::expected(&crm, &countries, &mends);
        assert_eq!((found.orders, found.total), (orders, total.parse::<Decimal>().unwrap()), "{mends:?}");
        assert_eq!(found.orders + found.held_back, 4_238);
    }
}

/// Loading must put every record into the simulators with exact sums, and each mend must free more of our own data.
#[tokio::test]
async fn loaded_data_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    generator::write(&generator::Sizes::default(), folder.path()).unwrap();
    let crm = Crm::read(folder.path()).unwrap();
    let (org, account) = (Salesforce::new(salesforce::Options::default()), NetSuite::new(netsuite::Options::default()));
    load::into_crm(&crm, &org);
    load::into_erp(&crm, &account);
    let counts = ["Account", "Opportunity", "OpportunityLineItem", "Product2"].map(|object| org.count(object));
    assert_eq!(counts, [60, 2_500, 2_500, 8], "the misspelt product is a product of its own");
    assert_eq!(account.count(RecordType::InventoryItem), 7);
    let (from, to) = generator::MISSPELT_PRODUCT;
    let mends = Mends::none().with_product(to, from);
    let all = [generator::MISSPELT_COUNTRY, generator::AMBIGUOUS_COUNTRY]
        .iter()
        .fold(mends.clone(), |mends, (from, to)| mends.with_country(from, to));
    let passes = [Mends::none(), mends, all].map(|mends| expected::expected(&crm, &expected::COUNTRIES, &mends));
    assert!(passes[0].orders < passes[1].orders && passes[1].orders < passes[2].orders, "{passes:?}");
    assert_eq!((passes[2].held_back, passes[2].customers), (0, 60));
    let won: Decimal = crm.deals.iter().filter(|deal| deal.is_won()).filter_map(|deal| deal.close_value).sum();
    assert_eq!(passes[2].total, won);
    let ledger = org.report();
    assert_eq!(ledger["Opportunity"]["by_stage"]["Closed Won"]["Amount"], money(won));
}
