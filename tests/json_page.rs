//! docs/json.md holds: a C program prints the JSON that the library writes, and each object is as the page says.

mod common;

use common::schema::{Part, plain, rows};
use mmx_sandbox::Sandbox;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const PAGE: &str = include_str!("../docs/json.md");

#[test]
fn the_examples_are_as_the_page_says() {
    for title in ["The library", "The command"] {
        let mut part = Part::of(PAGE, title);
        let examples: Vec<_> = part.shapes.iter().map(|(name, shape)| (name.clone(), shape.example.clone())).collect();
        examples.iter().for_each(|(name, example)| part.check(name, example));
    }
}

/// The lines that the program prints, as fields between tabs.
fn printed() -> Vec<Vec<String>> {
    let source = common::root().join("tests/json/print.c");
    let program = common::target().join("json/print");
    let include = format!("-I{}", common::root().join("tests/c").display());
    common::compile("cc", "c11", &source, &program, &[&include]).unwrap();
    let sandbox = Sandbox::start().unwrap();
    let settings = [("MMX_TEST_HTTP", sandbox.http_url()), ("MMX_TEST_KEY", mmx_sandbox::API_KEY)];
    let printed = common::run(&mut Command::new(program), &settings).unwrap();
    printed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn the_library_writes_what_the_page_says() {
    let mut part = Part::of(PAGE, "The library");
    let mut events: BTreeMap<String, (BTreeSet<&str>, Vec<Value>)> = BTreeMap::new();
    let lines = printed();
    for line in &lines {
        let (section, json) = (&line[0], line.last().unwrap());
        let value: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
        part.check(section, &value);
        if section == "log-event" {
            let (levels, values) = events.entry(value["event"].as_str().unwrap().to_owned()).or_default();
            levels.insert(&line[1]);
            values.push(value);
        }
    }
    assert_eq!(part.unseen(), [""; 0], "nothing printed has these");

    // Each event has its level and fields.
    for row in rows(&part.shapes["log-event"].text, "event") {
        let event = plain(row[0].split(':').next().unwrap());
        let (levels, values) = events.remove(&event).unwrap_or_else(|| panic!("{event} did not happen"));
        let number =
            |name| ["ERROR", "WARN", "INFO", "DEBUG"].iter().position(|level| *level == name).expect("a level");
        let expected: BTreeSet<_> = row[1].split(", ").map(|level| (number(level) + 1).to_string()).collect();
        assert_eq!(levels.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected, "{event}");
        let names = |cell: &str| cell.split(", ").filter(|name| !name.is_empty()).map(plain).collect::<BTreeSet<_>>();
        let (always, sometimes) = (names(&row[2]), names(&row[3]));
        let mut seen = BTreeSet::new();
        for value in &values {
            let fields = value.as_object().unwrap().keys().filter(|name| !["event", "call"].contains(&name.as_str()));
            let fields: BTreeSet<_> = fields.cloned().collect();
            assert!(fields.is_superset(&always), "{value} lacks one of {always:?}");
            seen.extend(fields);
        }
        assert_eq!(seen, &always | &sometimes, "{event}");
    }
    assert!(events.is_empty(), "not on the page: {:?}", events.keys());
}
