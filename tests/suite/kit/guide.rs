//! The vendor's guide: its commands are those of the program. Its Rust is compiled as doctests of the SDK.

use clap::Parser;
use tollgate_tests::guests;

/// The lines of shell blocks that begin with `tollgate`.
fn commands(text: &str) -> Vec<String> {
    let mut is_shell = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "```sh" => is_shell = true,
            "```" => is_shell = false,
            line if is_shell && line.starts_with("tollgate ") => found.push(line.to_owned()),
            _ => {}
        }
    }
    found
}

/// Each command that the guide or the template shows is one that the program takes; a word that it does not know is not.
#[test]
fn the_commands_of_the_guide_are_those_of_the_program() {
    let read = |file: &str| std::fs::read_to_string(guests::root().join(file)).expect("a file of the SDK");
    let mut lines = commands(&read("sdk/README.md"));
    assert!(lines.len() >= 6, "{lines:?}");
    let template = read("sdk/template/README.md");
    let shown = template.split('`').skip(1).step_by(2).filter(|text| text.starts_with("tollgate "));
    lines.extend(shown.map(str::to_owned));
    assert!(lines.len() >= 11, "{lines:?}");
    for line in lines {
        let parsed = tollgate::cli::Arguments::try_parse_from(line.split_whitespace());
        assert!(parsed.is_ok(), "`{line}`: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
    }
    assert!(tollgate::cli::Arguments::try_parse_from(["tollgate", "plugin", "tset", "."]).is_err());
}
