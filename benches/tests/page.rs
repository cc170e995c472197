//! The published figures are those of the committed results.

use mmx_bench::page;
use std::path::Path;

#[test]
fn the_page_the_picture_and_the_readme_are_what_the_results_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for file in page::make(root, None).unwrap() {
        assert!(file.is_current(), "{} is out of date: run `make bench-page`", file.path.display());
    }
}
