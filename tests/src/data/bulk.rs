//! Many accounts with 20 filled fields, about 900 bytes of JSON each: what benchmarks read.

use crate::sims::Salesforce;
use crate::sims::salesforce::Set;
use crate::sims::time::LOADED_MS;
use rust_decimal::Decimal;

/// Records that share one modification stamp.
const STAMP_GROUP: usize = 3_000;
/// Countries, all right.
const COUNTRIES: [&str; 6] = ["United States", "Germany", "France", "Japan", "Brazil", "Kenya"];
/// Sectors, all right.
const SECTORS: [&str; 5] = ["medical", "retail", "software", "finance", "services"];

/// Loads `count` accounts named `Bulk Account 0000001` and on.
pub fn accounts(org: &Salesforce, count: usize) {
    for n in 0..count {
        let number = n + 1;
        let group = i64::try_from(n / STAMP_GROUP).unwrap_or_default();
        let id = format!("{number:07}");
        let values: [(&str, Set<'_>); 20] = [
            ("Name", Set::Text(&format!("Bulk Account {id}"))),
            ("AccountNumber", Set::Text(&format!("A-{id}"))),
            ("Type", Set::Text(if n % 3 == 0 { "Prospect" } else { "Customer - Direct" })),
            ("Industry", Set::Text(SECTORS[n % SECTORS.len()])),
            ("AnnualRevenue", Set::Decimal(Decimal::new(123_456 + n as i64 * 7, 2))),
            ("NumberOfEmployees", Set::Int(10 + (n % 20_000) as i64)),
            ("Year_Established__c", Set::Int(1950 + (n % 70) as i64)),
            ("BillingStreet", Set::Text(&format!("{} Harbour Street, Building {}", n % 900 + 1, n % 12))),
            ("BillingCity", Set::Text("Springfield")),
            ("BillingState", Set::Text("Illinois")),
            ("BillingPostalCode", Set::Text(&format!("{:05}", 10_000 + n % 80_000))),
            ("BillingCountry", Set::Text(COUNTRIES[n % COUNTRIES.len()])),
            ("ShippingStreet", Set::Text(&format!("{} Dock Road, Gate {}", n % 700 + 1, n % 9))),
            ("ShippingCity", Set::Text("Springfield")),
            ("ShippingCountry", Set::Text(COUNTRIES[n % COUNTRIES.len()])),
            ("Phone", Set::Text(&format!("+1 (217) 555-{:04}", n % 10_000))),
            ("Website", Set::Text(&format!("https://bulk-{id}.example.com"))),
            (
                "Description",
                Set::Text("Made for measurements: a sentence of the length that people write into this field."),
            ),
            ("AccountSource", Set::Text("Partner Referral")),
            ("ERP_Number__c", Set::Text(&format!("N-{id}"))),
        ];
        org.load("Account", &values, LOADED_MS + group * 1_000);
    }
}
