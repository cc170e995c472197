//! The end of the help texts: examples of each command, and the exit codes.

pub(crate) const GENERAL: &[&str] = &[
    "mmx-files upload --purpose voice_clone a.mp3 b.mp3",
    "mmx-files list --purpose voice_clone --sort created",
    "mmx-files download 176844028768320 -o speech.tar",
    "mmx-files delete 176844028768320",
    "mmx-files prune --purpose t2a_async --older-than 7d",
    "mmx-files list --api-key-file key.txt --header 'X-Team: speech'",
];

pub(crate) const UPLOAD: &[&str] = &[
    "mmx-files upload --purpose voice_clone a.mp3 b.mp3",
    "mmx-files upload --purpose voice_clone --jobs 4 --json a.mp3 b.mp3 c.mp3 d.mp3",
    "mmx-files upload --purpose t2a_async_input --filename text.txt - <text.txt",
];

pub(crate) const LIST: &[&str] = &[
    "mmx-files list --purpose voice_clone --name '*.mp3' --min-size 10MiB",
    "mmx-files list --sort created --reverse --limit 20",
    "mmx-files list --json",
];

pub(crate) const DOWNLOAD: &[&str] = &[
    "mmx-files download 176844028768320 -o a.mp3",
    "mmx-files download 176844028768320 --wait --timeout 30m",
    "mmx-files download --directory copies --jobs 4 176844028768320 176844028768321",
];

pub(crate) const DELETE: &[&str] = &[
    "mmx-files delete 176844028768320 176844028768321",
    "mmx-files delete --purpose voice_clone --yes --journal delete.jsonl - <ids.txt",
];

pub(crate) const PRUNE: &[&str] = &[
    "mmx-files prune --purpose t2a_async --older-than 7d --dry-run",
    "mmx-files prune --older-than 30d --keep 'master-*' --max-percent 50 --yes",
    "mmx-files prune --name '*.tar' --min-size 10MiB --sort size --reverse --limit 100",
    "mmx-files prune --older-than 30d --backup copies --journal prune.jsonl --yes",
    "mmx-files prune --older-than 30d --plan old.json",
    "mmx-files prune --apply old.json --yes",
];

pub(crate) const TAKE: &[&str] = &[
    "mmx-files take 176844028768320 -o speech.tar",
    "mmx-files take 176844028768320 -o speech.tar --purpose t2a_async --force",
];

pub(crate) const SWEEP: &[&str] = &[
    "mmx-files upload --purpose voice_clone --ledger ledger.jsonl --expires-after 30d a.mp3",
    "mmx-files sweep --ledger ledger.jsonl --dry-run",
    "mmx-files sweep --ledger ledger.jsonl --json",
    "mmx-files keep --ledger ledger.jsonl 176844028768320",
];

const EXIT_CODES: &str = "\
Exit codes: 0 all done, 1 some failed, 2 wrong arguments, 3 the key was refused, 4 rate limit or quota, 5 network, \
6 stopped by a guard, 7 unknown or not attempted, 130 and 143 ended by Ctrl-C and by SIGTERM.";

pub(crate) fn with_exit_codes(examples: &[&str]) -> String {
    let lines: String = examples.iter().map(|example| format!("  {example}\n")).collect();
    format!("Examples:\n{lines}\n{EXIT_CODES}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use clap::Parser as _;

    /// The arguments before a redirection. Quotes stand around whole words.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (at, part) in line.split('\'').enumerate() {
            match at % 2 {
                0 => words.extend(part.split_whitespace().map(str::to_owned)),
                _ => words.push(part.to_owned()),
            }
        }
        words.into_iter().take_while(|word| !word.starts_with('<')).collect()
    }

    #[test]
    fn the_examples_are_right() {
        for example in [GENERAL, UPLOAD, LIST, DOWNLOAD, DELETE, PRUNE, TAKE, SWEEP].concat() {
            let parsed = Args::try_parse_from(words(example));
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            assert!(example.len() <= 96, "{example} is wider than a help text");
        }
    }
}
