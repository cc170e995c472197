//! `make bench-page`: writes the figures of docs/performance.md, docs/performance.svg and the sentence in README.md.

use mmx_bench::{Result, page};
use std::path::Path;
use std::{env, fs};

const USAGE: &str = "\
Usage: bench-page [FILE...]

Writes the figures into docs/performance.md, docs/performance.svg and README.md, from the files of benches/results that the
page names; with FILEs, from those, and names them in the page.
";

fn main() -> Result<()> {
    let names: Vec<_> = env::args().skip(1).collect();
    if names.iter().any(|name| name.starts_with('-')) {
        print!("{USAGE}");
        return Ok(());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no checkout")?;
    for file in page::make(root, (!names.is_empty()).then_some(&names))? {
        if !file.is_current() {
            fs::write(&file.path, &file.text)?;
            println!("{} is written", file.path.display());
        }
    }
    Ok(())
}
