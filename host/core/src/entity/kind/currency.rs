//! Currency codes of ISO 4217, three letters in any case; printed in upper case.

use super::{Refusal, Scalar};

pub(super) fn read(value: &Scalar<'_>) -> Result<&'static str, Refusal> {
    let code = value.text().to_ascii_uppercase();
    match CODES.binary_search(&code.as_str()) {
        Ok(index) => Ok(CODES[index]),
        Err(_) => Err(Refusal::new(
            "currency",
            format!("currency {value} is no ISO 4217 code; add it to a translation table or mend it at the source"),
        )),
    }
}

/// The codes of list one, sorted.
#[rustfmt::skip]
pub(super) static CODES: [&str; 178] = [
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD",
    "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CLF",
    "CLP", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB",
    "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF",
    "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW",
    "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT",
    "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
    "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD",
    "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS",
    "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS",
    "VED", "VES", "VND", "VUV", "WST", "XAD", "XAF", "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XCD", "XCG",
    "XDR", "XOF", "XPD", "XPF", "XPT", "XSU", "XTS", "XUA", "XXX", "YER", "ZAR", "ZMW", "ZWG",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A code is found in any case; signs, names and codes that are gone are refused.
    #[test]
    fn reads() {
        for (text, code) in [("EUR", Some("EUR")), ("usd", Some("USD")), ("€", None), ("Euro", None), ("DEM", None)] {
            assert_eq!(read(&Scalar::Text(text.into())).ok(), code, "{text}");
        }
        assert!(CODES.is_sorted());
    }
}
