//! Who is to blame for a foreign import: a function that a crate expects from a world that is not there.
//!
//! A connector author meets this as "unknown import" after adding some innocent dependency. So the crate is named: from
//! the module's own call graph where it still has names, else from what is known of the usual suspects and cargo's
//! dependency tree.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::path::Path;
use wasmparser::{BinaryReaderError, KnownCustom, Name, Operator, Parser, Payload, TypeRef};

/// A function that the module imports and no host offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The import's module: `env`, `wasi_snapshot_preview1`, `__wbindgen_placeholder__`.
    pub module: String,
    /// The import's name.
    pub name: String,
    /// Crates whose functions call it, nearest first; empty where the module has no names.
    pub crates: Vec<String>,
    /// Who brings it in and what to do, where that is known.
    pub hint: Option<String>,
}

/// Crates that pass a call on and are never the reason for it.
const GO_BETWEENS: &[&str] = &["core", "alloc", "std", "compiler_builtins", "wasm_bindgen", "js_sys", "web_sys"];

/// (the start of the import's module or name, the crate to ask cargo's tree for, what helps).
const SUSPECTS: &[(&str, &str, &str)] = &[
    (
        "__wbindgen",
        "wasm-bindgen",
        "a crate expects a browser: turn off its default features (chrono: `wasmbind`; uuid and getrandom: `js`); the \
         SDK has a clock and randomness",
    ),
    ("wbindgen", "wasm-bindgen", "a crate expects a browser: turn off its default or `js` features"),
    (
        "wasi_snapshot_preview1",
        "wasi",
        "a crate was built for WASI: build for wasm32-unknown-unknown; files, sockets and clocks of its own do not exist",
    ),
    ("clock_gettime", "libc", "a crate reads the clock through C: use the SDK's clock"),
    ("getentropy", "getrandom", "a crate asks the system for randomness: use the SDK's getrandom backend"),
    ("getrandom", "getrandom", "a crate asks the system for randomness: use the SDK's getrandom backend"),
    ("malloc", "cc", "a crate contains C code that expects a C library: use one in pure Rust"),
];

/// The foreign imports of a core module, each with the crates that call it as far as the module has names.
///
/// # Errors
/// The bytes are no core module.
pub fn find(core_module: &[u8]) -> Result<Vec<Foreign>, BinaryReaderError> {
    let module = Module::read(core_module)?;
    let imports = module.imports.iter().enumerate().filter(|(_, (from, _))| !is_offered(from));
    Ok(imports
        .map(|(index, (from, name))| Foreign {
            module: from.clone(),
            name: name.clone(),
            crates: module.callers_of(index as u32),
            hint: suspect(from, name).map(|(_, _, help)| (*help).to_owned()),
        })
        .collect())
}

/// The contract's own interfaces, and what the encoder itself understands.
fn is_offered(import_module: &str) -> bool {
    import_module.starts_with("tollgate:plugin/") || import_module.starts_with("[export]") || import_module == "$root"
}

fn suspect(module: &str, name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    SUSPECTS.iter().find(|(sign, _, _)| module.starts_with(sign) || name.starts_with(sign))
}

/// Adds to the hints who brings the usual suspect in, by `cargo tree` in the crate's folder. Changes nothing where cargo
/// does not know.
pub fn ask_cargo(foreign: &mut [Foreign], crate_dir: &Path) {
    let mut trees = BTreeMap::new();
    for one in foreign {
        let Some((_, suspect, help)) = suspect(&one.module, &one.name) else { continue };
        let tree = trees.entry(suspect).or_insert_with(|| tree(suspect, crate_dir));
        if let Some(tree) = tree {
            one.hint = Some(format!("{help}\n  {suspect} is brought in by: {tree}"));
        }
    }
}

/// `a <- b <- c`, by `cargo tree --invert`: the first way from the suspect's user to the plugin.
fn tree(suspect: &str, crate_dir: &Path) -> Option<String> {
    let output = super::build::cargo(crate_dir)
        .args(["tree", "--edges", "normal", "--prefix", "depth", "--target", "wasm32-unknown-unknown"])
        .args(["--invert", suspect])
        .output()
        .ok()?;
    let text = output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())?;
    first_way(&text)
}

/// Lines are `<depth><name> v<version> (<where>)`, the suspect itself at depth 0.
fn first_way(tree: &str) -> Option<String> {
    let mut users = Vec::new();
    for line in tree.lines() {
        let name = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let depth: usize = line[..line.len() - name.len()].parse().ok()?;
        if depth == 0 {
            continue;
        }
        if depth != users.len() + 1 {
            break;
        }
        users.push(name.split(" (").next().unwrap_or(name));
    }
    (!users.is_empty()).then(|| users.join(" <- "))
}

/// All of it as one message.
pub fn sentence(foreign: &[Foreign]) -> String {
    let mut text =
        String::from("the plugin calls functions that no host offers; a plugin imports only tollgate:plugin/*");
    for one in foreign {
        let _ = write!(text, "\n- `{}` of `{}`", one.name, one.module);
        match one.crates.split_first() {
            Some((first, [])) => drop(write!(text, ": called by the crate `{first}`")),
            Some((first, rest)) => drop(write!(text, ": called by the crate `{first}`, for `{}`", rest.join("`, `"))),
            None => {}
        }
        if let Some(hint) = &one.hint {
            let _ = write!(text, "\n  {hint}");
        }
    }
    text
}

/// What is needed of a core module: function imports, names, and who calls whom.
#[derive(Default)]
struct Module {
    /// Function imports, in order: (module, name).
    imports: Vec<(String, String)>,
    names: BTreeMap<u32, String>,
    callers: BTreeMap<u32, BTreeSet<u32>>,
}

impl Module {
    fn read(bytes: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut module = Self::default();
        let mut defined = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        if matches!(import.ty, TypeRef::Func(_)) {
                            module.imports.push((import.module.to_owned(), import.name.to_owned()));
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let caller = module.imports.len() as u32 + defined;
                    defined += 1;
                    for operator in body.get_operators_reader()? {
                        if let Operator::Call { function_index } | Operator::RefFunc { function_index } = operator? {
                            module.callers.entry(function_index).or_default().insert(caller);
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        // Names are for people: a section that is broken is like none.
                        for name in names.into_iter().flatten() {
                            module.note_names(name);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(module)
    }

    fn note_names(&mut self, name: Name<'_>) {
        if let Name::Function(functions) = name {
            self.names.extend(functions.into_iter().flatten().map(|naming| (naming.index, naming.name.to_owned())));
        }
    }

    /// The crates on the way from the import up to whoever wanted it, nearest first, go-betweens left out.
    fn callers_of(&self, import: u32) -> Vec<String> {
        let (mut seen, mut crates) = (BTreeSet::from([import]), Vec::new());
        let mut queue = VecDeque::from([import]);
        while let Some(function) = queue.pop_front() {
            for caller in self.callers.get(&function).into_iter().flatten().filter(|caller| seen.insert(**caller)) {
                queue.push_back(*caller);
                if let Some(name) = self.names.get(caller).and_then(|symbol| crate_of(symbol))
                    && !GO_BETWEENS.contains(&name.as_str())
                    && !crates.contains(&name)
                {
                    crates.push(name);
                }
            }
        }
        crates
    }
}

/// The crate of a mangled symbol: `guilty` of `_ZN6guilty3now17h..E` or `_RNv..6guilty3now`; for a trait's function
/// (`<guilty::Clock as Now>::now`) the crate of the type. None for what is not Rust.
fn crate_of(symbol: &str) -> Option<String> {
    let path = rustc_demangle::try_demangle(symbol).ok()?.to_string();
    let start = path.trim_start_matches(['<', '&', '(', '[', '*']);
    let start = start.strip_prefix("mut ").unwrap_or(start);
    let (name, _) = start.split_once("::")?;
    // v0 symbols carry the crate's disambiguator: `guilty[8a2f..]::now`.
    let name = name.split('[').next().unwrap_or(name);
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The crate is read from either kind of symbol, through references and traits; other symbols have none.
    #[test]
    fn reads_crates_from_symbols() {
        let cases = [
            ("_ZN6guilty3now17h0123456789abcdefE", Some("guilty")),
            ("_RNvCs1234_6guilty3now", Some("guilty")),
            ("_ZN45_$LT$guilty..Clock$u20$as$u20$plugin..Now$GT$3now17h0123456789abcdefE", Some("guilty")),
            ("memcpy", None),
            ("", None),
        ];
        for (symbol, expected) in cases {
            assert_eq!(crate_of(symbol).as_deref(), expected, "{symbol}");
        }
    }

    /// Of cargo's tree the first way up is told, from the crate that uses the suspect to the plugin.
    #[test]
    fn tells_the_first_way_up() {
        let tree = "0wasm-bindgen v0.2.100\n1js-sys v0.3.77\n2chrono v0.4.40\n3shop v1.0.0 (/home/me/shop)\n\
                    1web-sys v0.3.77\n2other v1.0.0\n";
        assert_eq!(first_way(tree).as_deref(), Some("js-sys v0.3.77 <- chrono v0.4.40 <- shop v1.0.0"));
        assert_eq!(first_way("0wasm-bindgen v0.2.100\n"), None);
        assert_eq!(first_way("nothing to print"), None);
    }

    /// An import is traced up the call graph to the crates that wanted it, nearest first, past the go-betweens; imports of
    /// the contract are not foreign. The module is written by hand with three layers of callers.
    #[test]
    fn traces_an_import_to_its_crates() {
        let text = r#"(module
            (import "tollgate:plugin/clock@0.1.0" "now-ms" (func (result i64)))
            (import "__wbindgen_placeholder__" "__wbg_now" (func $import))
            (func $_ZN12wasm_bindgen4call17h0123456789abcdefE call $import)
            (func $_ZN6chrono3now17h0123456789abcdefE call $_ZN12wasm_bindgen4call17h0123456789abcdefE)
            (func $_ZN6plugin4read17h0123456789abcdefE call $_ZN6chrono3now17h0123456789abcdefE)
            (func $_ZN5other4idle17h0123456789abcdefE))"#;
        let foreign = find(&wat::parse_str(text).unwrap()).unwrap();
        let [one] = foreign.as_slice() else { panic!("{foreign:?}") };
        assert_eq!((one.module.as_str(), one.name.as_str()), ("__wbindgen_placeholder__", "__wbg_now"));
        assert_eq!(one.crates, ["chrono", "plugin"]);
        let sentence = sentence(&foreign);
        assert!(sentence.contains("called by the crate `chrono`, for `plugin`"), "{sentence}");
        assert!(sentence.contains("browser"), "{sentence}");
    }
}
