//! Writes the figures of `docs/performance.md`, the picture beside it, and the sentence in `README.md`.
//!
//! The page names the result files in a comment, `<!-- results: FILE... -->`; of a part that several have, the first counts.
//! Text between `<!-- figures: NAME -->` and `<!-- end of figures -->` is replaced, all other text is left alone.

mod blocks;
mod picture;

use crate::Result;
use crate::result::{Bulk, Compared, Contestant, Count, Rate, Results, Spread};
use std::fs;
use std::path::{Path, PathBuf};

const RESULTS: &str = "<!-- results: ";
const BEGIN: &str = "<!-- figures: ";
const END: &str = "<!-- end of figures -->";
const COMMENT_END: &str = " -->";

const PAGE: &str = "docs/performance.md";
const PICTURE: &str = "docs/performance.svg";
const README: &str = "README.md";

/// A file with what it should hold.
pub struct Written {
    pub path: PathBuf,
    pub text: String,
}

impl Written {
    /// Whether the file holds that.
    pub fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }
}

/// Makes all three from the result files that the page names, or from these.
pub fn make(root: &Path, results: Option<&[String]>) -> Result<Vec<Written>> {
    let read = |name: &str| fs::read_to_string(root.join(name)).map_err(|error| format!("{name}: {error}"));
    let mut page = read(PAGE)?;
    if let Some(results) = results {
        page = with_results(&page, results)?;
    }
    let sources = Sources::read(&root.join("benches/results"), &named_results(&page)?)?;
    let written = |name: &str, text| Written { path: root.join(name), text };
    Ok(vec![
        written(PAGE, filled(&page, &sources)?),
        written(PICTURE, picture::draw(&sources)),
        written(README, filled(&read(README)?, &sources)?),
    ])
}

/// The files that a page names.
fn named_results(page: &str) -> Result<Vec<String>> {
    let line = page.lines().find_map(|line| line.strip_prefix(RESULTS)?.strip_suffix(COMMENT_END));
    let line = line.ok_or_else(|| format!("{PAGE} names no result file: {RESULTS}FILE...{COMMENT_END}"))?;
    Ok(line.split_whitespace().map(str::to_owned).collect())
}

fn with_results(page: &str, results: &[String]) -> Result<String> {
    let old = named_results(page)?.join(" ");
    let line = |names: &str| format!("{RESULTS}{names}{COMMENT_END}");
    Ok(page.replacen(&line(&old), &line(&results.join(" ")), 1))
}

/// The text with all its blocks written anew.
fn filled(text: &str, sources: &Sources) -> Result<String> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(COMMENT_END).ok_or("a comment does not end")?;
        let (_, after) = after.split_once(END).ok_or_else(|| format!("the figures {name} have no {END}"))?;
        let block = blocks::make(name, sources)?;
        filled += &format!("{before}{BEGIN}{name}{COMMENT_END}\n{}\n{END}", block.trim_end());
        rest = after;
    }
    Ok(filled + rest)
}

/// Result files with their names.
struct Sources(Vec<(String, Results)>);

impl Sources {
    fn read(folder: &Path, names: &[String]) -> Result<Sources> {
        let read = |name: &String| Ok((name.clone(), Results::read(&folder.join(name))?));
        Ok(Sources(names.iter().map(read).collect::<Result<_>>()?))
    }

    /// All groups, without those that an earlier file has. The size of a transfer does not tell groups apart.
    fn groups(&self) -> Vec<&Compared> {
        let mut groups: Vec<&Compared> = Vec::new();
        for group in self.0.iter().flat_map(|(_, results)| &results.groups) {
            if !groups.iter().any(|known| kind(known) == kind(group)) {
                groups.push(group);
            }
        }
        groups
    }

    fn group(&self, kind_of_group: &str) -> Option<&Compared> {
        self.groups().into_iter().find(|group| kind(group) == kind_of_group)
    }

    fn bulk(&self) -> &[Bulk] {
        self.first(|results| &results.bulk)
    }

    fn rate(&self) -> &[Rate] {
        self.first(|results| &results.rate)
    }

    fn counts(&self) -> &[Count] {
        self.first(|results| &results.counts)
    }

    fn first<T>(&self, part: fn(&Results) -> &Vec<T>) -> &[T] {
        self.0.iter().map(|(_, results)| part(results)).find(|part| !part.is_empty()).map_or(&[], Vec::as_slice)
    }
}

/// A group's name without the size of its file: "HTTP, upload".
fn kind(group: &Compared) -> &str {
    group.name.split(" of ").next().unwrap_or_default()
}

/// "libmmx from C" is libmmx to a reader of the page.
fn plain(contestant: &str) -> &str {
    let name = contestant.strip_suffix(" from C").or_else(|| contestant.strip_suffix(" from Go")).unwrap_or(contestant);
    name.strip_suffix(" easy").unwrap_or(name)
}

/// The figure by which a group is judged, and whether less of it is better.
fn judged_by(group: &Compared) -> (&'static str, bool) {
    match group {
        Compared { mib: Some(_), .. } => ("mib_per_s", false),
        Compared { threads: 1, .. } => ("p50_us", true),
        _ => ("calls_per_s", false),
    }
}

/// How many times as fast as the group's peer.
fn speed(group: &Compared, contestant: &Contestant) -> Option<f64> {
    let (figure, less_is_better) = judged_by(group);
    let ratio = contestant.ratio_to(group.contestant(&group.peer)?, figure)?.median;
    Some(if less_is_better { 1.0 / ratio } else { ratio })
}

/// The libmmx of this result, as called in several ways; not one of another commit.
fn is_ours(name: &str) -> bool {
    name.starts_with("libmmx") && name != "libmmx before"
}

fn bulk_spread(row: &Bulk) -> Option<Spread> {
    Spread::of(row.runs.iter().map(|run| f64::from(row.files) / run.seconds))
}

#[cfg(test)]
mod tests {
    use super::{Sources, filled, named_results, plain, with_results};

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let text = "above\n<!-- figures: rate -->\nold\n<!-- end of figures -->\nbelow\n";
        let now = filled(text, &Sources(Vec::new())).unwrap();
        assert_eq!(now, text.replace("old", "Not measured in these results."));
        assert!(filled("<!-- figures: rate -->\nold\n", &Sources(Vec::new())).is_err());
        assert!(filled("<!-- figures: x -->\n<!-- end of figures -->", &Sources(Vec::new())).is_err());
    }

    #[test]
    fn a_page_names_its_results() {
        let page = "# Title\n<!-- results: a.json b.json -->\n";
        assert_eq!(named_results(page).unwrap(), ["a.json", "b.json"]);
        assert_eq!(with_results(page, &["c.json".into()]).unwrap(), "# Title\n<!-- results: c.json -->\n");
        assert!(named_results("# Title\n").is_err());
    }

    #[test]
    fn readers_know_contestants_by_short_names() {
        assert_eq!(["libcurl easy from C", "libmmx from Go", "net/http"].map(plain), ["libcurl", "libmmx", "net/http"]);
    }
}
