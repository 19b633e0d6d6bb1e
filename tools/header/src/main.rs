//! Writes `include/confdclient.h` from the sources, or with `--check` shows where the two differ.
//!
//! Run it from the project's top folder, as `make header` does.

use std::path::Path;
use std::process::ExitCode;

const HEADER: &str = "include/confdclient.h";

fn main() -> ExitCode {
    let check = std::env::args().nth(1).as_deref() == Some("--check");
    match run(check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(check: bool) -> Result<(), String> {
    let wanted = generate()?;
    if !check {
        return std::fs::write(HEADER, wanted).map_err(|error| format!("{HEADER}: {error}"));
    }
    let found = std::fs::read_to_string(HEADER).map_err(|error| format!("{HEADER}: {error}"))?;
    if found == wanted {
        println!("{HEADER} is what the sources make");
        return Ok(());
    }
    Err(format!(
        "{HEADER} is not what the sources make (- is, + should be):\n{}",
        difference(&found, &wanted)
    ))
}

/// The header's text: cbindgen's, for one file of all of `src/ffi`.
fn generate() -> Result<String, String> {
    let config = cbindgen::Config::from_file("cbindgen.toml")?;
    let mut builder = cbindgen::Builder::new().with_config(config);
    // In the order in which a reader wants them.
    for file in
        ["error", "request", "options", "client", "external", "upcall", "query", "reply", "typed", "stats"]
    {
        builder = builder.with_src(Path::new("src/ffi").join(format!("{file}.rs")));
    }
    let bindings = builder.generate().map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    // cbindgen indents the inside of comments by one space; nothing follows a line's text.
    Ok(text.lines().map(|line| format!("{}\n", line.trim_end())).collect())
}

/// The lines that differ, between the first that does and the last.
fn difference(found: &str, wanted: &str) -> String {
    let (found, wanted): (Vec<_>, Vec<_>) = (found.lines().collect(), wanted.lines().collect());
    let same = found.iter().zip(&wanted).take_while(|(one, other)| one == other).count();
    let rest = found[same..].iter().rev().zip(wanted[same..].iter().rev());
    let same_at_end = rest.take_while(|(one, other)| one == other).count();
    let mut out = format!("line {}:\n", same + 1);
    for line in &found[same..found.len() - same_at_end] {
        out.push_str(&format!("-{line}\n"));
    }
    for line in &wanted[same..wanted.len() - same_at_end] {
        out.push_str(&format!("+{line}\n"));
    }
    out
}
