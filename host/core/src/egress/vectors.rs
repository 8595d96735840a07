//! URLs that try to get past a grant, by the rule that must refuse each.
//!
//! One grant is in force: `https://api.vendor.example`, port 443, paths at or beneath `/v1`. Every row goes through
//! [`crate::egress::link::permit`], the function that serves pagination links, origins from tokens and admins' origins.

use crate::egress::{Origin, link, path};

const REFUSED: &[(&str, &[&str])] = &[
    (
        "scheme",
        &[
            "http://api.vendor.example/v1/x",
            "ws://api.vendor.example/v1/x",
            "wss://api.vendor.example/v1/x",
            "ftp://api.vendor.example/v1/x",
            "file:///etc/passwd",
            "unix:///var/run/docker.sock",
            "gopher://127.0.0.1:6379/_INFO",
            "data:text/plain,hi",
            "javascript:alert(1)",
            "jar:https://api.vendor.example/v1/x",
            "api.vendor.example:443/v1/x",
        ],
    ),
    (
        "ambiguous",
        &[
            // What parsers mend in different ways.
            "https:api.vendor.example",
            "https:/evil.example/",
            "https:///evil.example/",
            r"https:\\evil.example\path",
            r"https://evil.example\@api.vendor.example/",
            r"https://api.vendor.example\@evil.example/",
            " https://evil.example/",
            "https://evil.example/ ",
            "https://ap\ti.vendor.example/",
            "https://api.vendor.example/v1/\r\nX-Injected: 1",
            "https://1.1.1.1 &@2.2.2.2# @3.3.3.3/",
            "https://:@api.vendor.example/v1/x",
            "https://@api.vendor.example/v1/x",
            "https://api.vendor.example:/v1/x",
            "https://api.vendor.example:0443/v1/x",
            "https://api.vendor.example\0.evil.example/",
            r"https://api.vendor.example/v1\..\admin",
            // Names that are no names.
            "https://api.vendor.example./v1/x",
            "https://api.vendor.example,evil.example/",
            "https://api..vendor.example/",
            "https://.vendor.example/",
            "https://*.vendor.example/",
            "https://-api.vendor.example/",
            "https://api-.vendor.example/",
            "https://ap%69.vendor.example/v1/x",
            "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.vendor.example/",
            "http://localhost./",
            // Characters that look like others.
            "http://api.vendor.example。evil.example/",
            "https://api.vendor。example/v1/x",
            "https://apі.vendor.example/",
            "https://api.ven\u{ad}dor.example/v1/x",
            "https://ａｐｉ.vendor.example/v1/x",
            "http://①②⑦.⓪.⓪.①/",
            "http://127。0。0。1/",
            "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
        ],
    ),
    (
        "parse",
        &[
            "",
            "//evil.example/v1/x",
            "/v1/x",
            "https://",
            "https://api.vendor.example:+443/v1/x",
            "https://api.vendor.example:65536/v1/x",
            "https://api.vendor.example:-1/v1/x",
            "https://api.vendor.example%00.evil.example/",
            "http://0o177.0.0.1/",
            "http://425.510.425.510/",
            "http://[v1.127.0.0.1]/",
            "http://[fe80::1%25eth0]/",
        ],
    ),
    (
        "userinfo",
        &[
            "https://api.vendor.example@evil.example/",
            "https://api.vendor.example:443@evil.example/",
            "https://user:pw@api.vendor.example/v1/x",
            "https://user@api.vendor.example/v1/x",
            "http://127.0.0.1%2f@evil.example/",
        ],
    ),
    (
        "ip-literal",
        &[
            "http://127.0.0.1/",
            "https://127.0.0.1/v1/x",
            "https://8.8.8.8/v1/x",
            "http://0.0.0.0/",
            "http://0/",
            "http://127.1/",
            "http://127.0.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0x7f.0x0.0x0.0x1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://0xA9FEA9FE/",
            "http://2852039166/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://169.16689662/",
            "http://169.254.169.254/latest/meta-data/",
            "http://168.63.129.16/",
            "http://100.100.100.200/",
            "http://192.0.0.192/",
            "http://[::]/",
            "http://[::1]/",
            "http://[0000::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[64:ff9b:1::a9fe:a9fe]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:4136:e378:8000:63bf:5601:5601]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[fd00:ec2::254]/",
            "http://[fd20:ce::254]/",
            "http://[ff02::1]/",
        ],
    ),
    (
        "local-name",
        &[
            "http://LOCALHOST/",
            "https://foo.localhost/",
            "http://metadata.google.internal/",
            "http://instance-data/",
            "http://host.docker.internal/",
            "http://kubernetes.default.svc/",
            "http://printer.local/",
            "http://1.0.0.127.in-addr.arpa/",
            "http://postgres/",
        ],
    ),
    (
        "host",
        &[
            "https://evil.example#@api.vendor.example/",
            "https://evil.example?@api.vendor.example/",
            "https://api.vendor.example.evil.example/",
            "https://evilapi.vendor.example/",
            "https://xapi-vendor.example/",
            "https://vendor.example/",
            "https://sub.api.vendor.example/v1/x",
            "https://xn--80ak6aa92e.example/",
            "https://127.0.0.1.nip.example/",
        ],
    ),
    (
        "port",
        &[
            "https://api.vendor.example:0/v1/x",
            "https://api.vendor.example:25/v1/x",
            "https://api.vendor.example:80/v1/x",
            "https://api.vendor.example:8443/v1/x",
        ],
    ),
    (
        "path",
        &[
            "https://api.vendor.example/v1/../admin",
            "https://api.vendor.example/v1/%2e%2e/admin",
            "https://api.vendor.example/v1/%252e%252e/admin",
            "https://api.vendor.example/v1/..%2fadmin",
            "https://api.vendor.example/v1/..%5cadmin",
            "https://api.vendor.example/v1/..;/admin",
            "https://api.vendor.example/v1/%00",
            "https://api.vendor.example/v1/./x",
            "https://api.vendor.example//evil.example/x",
            "https://api.vendor.example/v1//x",
            "https://api.vendor.example/v1x",
            "https://api.vendor.example/V1/x",
            "https://api.vendor.example/",
            "https://api.vendor.example",
        ],
    ),
];

const ALLOWED: &[(&str, &str)] = &[
    ("https://api.vendor.example/v1/x", "/v1/x"),
    ("https://api.vendor.example:443/v1/x", "/v1/x"),
    ("https://API.Vendor.Example/v1/x", "/v1/x"),
    ("HTTPS://api.vendor.example/v1/x", "/v1/x"),
    ("https://api.vendor.example/v1/a%20b", "/v1/a%20b"),
    ("https://api.vendor.example/v1/x#part", "/v1/x"),
    ("https://api.vendor.example/v1?next=%2F..%2F", "/v1"),
];

fn permit(text: &str) -> Result<url::Url, crate::egress::Denial> {
    let granted = Origin::parse("https://api.vendor.example").unwrap();
    link::permit(text, &granted, |path| path::lies_beneath("/v1", path))
}

/// Each row is refused before any name is looked up, and by the rule that names what is wrong with it (SSRF table, stage 1).
#[test]
fn refused() {
    for (rule, texts) in REFUSED {
        for text in *texts {
            match permit(text) {
                Ok(url) => panic!("{text:?} was read as {url}, expected {rule}"),
                Err(denial) => assert_eq!(denial.rule, *rule, "{text:?}: {denial}"),
            }
        }
    }
}

/// The plain forms of what is granted pass, or the table above would prove nothing.
#[test]
fn allowed() {
    for (text, path) in ALLOWED {
        assert_eq!(permit(text).map(|url| url.path().to_owned()).as_deref(), Ok(*path), "{text}");
    }
}

/// What a sentence shows of a hostile URL cannot break out of a log line.
#[test]
fn shown_escaped() {
    let denial = permit("https://api.vendor.example/v1/\r\nforged: line\u{1b}[31m").unwrap_err();
    assert!(denial.message.chars().all(|c| !c.is_control()), "{denial:?}");
}
