//! Which parts of the benchmark are wanted, as said on the command line.

/// Alternatives of words: `https 8 threads or bulk` is two. Without any, all is wanted.
#[derive(Debug, Default)]
pub(crate) struct Selection(Vec<Vec<String>>);

impl Selection {
    pub(crate) fn new(words: &[String]) -> Selection {
        let alternatives = words.split(|word| word == "or");
        Selection(alternatives.map(|words| words.to_vec()).filter(|words| !words.is_empty()).collect())
    }

    pub(crate) fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all words of one alternative occur in this name.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let occurs = |word: &String| name.split([',', ' ']).any(|part| part == word);
        self.is_all() || self.0.iter().any(|words| words.iter().all(occurs))
    }
}

#[cfg(test)]
mod tests {
    use super::Selection;

    #[test]
    fn all_words_of_one_alternative_have_to_occur() {
        let words = ["https", "8", "or", "bulk"].map(str::to_owned);
        let selection = Selection::new(&words);
        let names = ["HTTPS, 8 threads", "bulk, no delay", "HTTP, 8 threads", "HTTPS, 64 threads"];
        assert_eq!(names.map(|name| selection.wants(name)), [true, true, false, false]);
        assert!(Selection::new(&[]).wants("anything"));
    }
}
