//! Currency codes of ISO 4217, list one ("Current currency & funds code list"), as of 2026: three letters in any case,
//! printed in upper case. Codes of list three, which are history (`DEM`, `HRK`, `BGN`), are no codes.

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

/// List one, a line a letter: currencies, fund codes, metals, and the codes for tests and for no currency.
#[rustfmt::skip]
pub(super) static CODES: [&str; 178] = [
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN",
    "BAM", "BBD", "BDT", "BHD", "BIF", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD",
    "CAD", "CDF", "CHE", "CHF", "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK",
    "DJF", "DKK", "DOP", "DZD",
    "EGP", "ERN", "ETB", "EUR",
    "FJD", "FKP",
    "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD",
    "HKD", "HNL", "HTG", "HUF",
    "IDR", "ILS", "INR", "IQD", "IRR", "ISK",
    "JMD", "JOD", "JPY",
    "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT",
    "LAK", "LBP", "LKR", "LRD", "LSL", "LYD",
    "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN",
    "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
    "OMR",
    "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG",
    "QAR",
    "RON", "RSD", "RUB", "RWF",
    "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL",
    "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS",
    "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS",
    "VED", "VES", "VND", "VUV",
    "WST",
    "XAD", "XAF", "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XCD", "XCG", "XDR", "XOF", "XPD", "XPF", "XPT",
    "XSU", "XTS", "XUA", "XXX",
    "YER",
    "ZAR", "ZMW", "ZWG",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A code is found in any case, one of this decade too; signs, names and codes that are gone are refused.
    #[test]
    fn reads() {
        for (text, code) in [("EUR", Some("EUR")), ("usd", Some("USD")), ("ZWG", Some("ZWG")), ("XCG", Some("XCG"))] {
            assert_eq!(read(&Scalar::Text(text.into())).ok(), code, "{text}");
        }
        for text in ["€", "Euro", "", "DEM", "HRK", "BGN", "ANG", "SLL", "ZWL", "CUC", "VEF"] {
            assert!(read(&Scalar::Text(text.into())).is_err(), "{text}");
        }
    }

    /// Search halves a sorted list: each code must be found, and stand once.
    #[test]
    fn list_is_sound() {
        assert!(CODES.is_sorted_by(|one, next| one < next));
        assert!(CODES.iter().all(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())));
    }
}
