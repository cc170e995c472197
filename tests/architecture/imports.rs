//! The modules of a crate and what each of them imports from its own crate.

use super::{code, files};
use std::collections::{BTreeMap, BTreeSet};

/// The modules of the crate whose sources are in `folder`, each with those that it names by `crate::` or `super::`.
/// What a module's unit tests import is left out.
pub(crate) fn graph(folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sources = files(folder).into_iter().filter_map(|(file, text)| {
        let path = file.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".rs")?.replace('/', "::");
        Some((path.strip_suffix("::mod").map_or(path.clone(), str::to_owned), text))
    });
    let sources: BTreeMap<_, _> = sources.collect();
    let used = |(module, text): (&String, &String)| {
        let product = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let product = code(product).map(|(_, line)| line + " ").collect::<String>();
        let paths = ["crate::", "super::"].into_iter().flat_map(|start| {
            let starts = product
                .match_indices(start)
                .filter(|(at, _)| !product[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            starts.flat_map(|(at, _)| paths(&product[at..])).collect::<Vec<_>>()
        });
        let used = paths.filter_map(|path| resolve(module, path, &sources)).filter(|used| used != module);
        (module.clone(), used.collect())
    };
    sources.iter().map(used).collect()
}

/// A path as its segments, or the paths of a group such as `a::{b, c::d}`.
fn paths(text: &str) -> Vec<Vec<String>> {
    fn tree<'a>(text: &'a str, before: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
        let mut path = before.to_vec();
        let mut rest = text.trim_start();
        loop {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            if end > 0 {
                path.push(rest[..end].to_owned());
            }
            rest = &rest[end..];
            if let Some(group) = rest.strip_prefix('{') {
                rest = group;
                while !rest.trim_start().starts_with('}') && !rest.is_empty() {
                    let entry = tree(rest, &path, found);
                    // Past the entry's new name and its comma.
                    rest = entry.find([',', '}']).map_or("", |at| &entry[at..]);
                    rest = rest.strip_prefix(',').unwrap_or(rest);
                }
                return rest.trim_start().strip_prefix('}').unwrap_or_default();
            }
            match rest.strip_prefix("::") {
                Some(next) => rest = next,
                None => break,
            }
        }
        found.push(path);
        rest
    }
    let mut found = Vec::new();
    tree(text, &[], &mut found);
    found
}

/// The module that a path leads to: its longest beginning that is one.
fn resolve(module: &str, path: Vec<String>, modules: &BTreeMap<String, String>) -> Option<String> {
    let mut absolute: Vec<String> = module.split("::").map(str::to_owned).collect();
    for segment in path {
        match segment.as_str() {
            "crate" => absolute.clear(),
            "super" => drop(absolute.pop()),
            _ => absolute.push(segment),
        }
    }
    while !absolute.is_empty() && !modules.contains_key(&absolute.join("::")) {
        absolute.pop();
    }
    (!absolute.is_empty()).then(|| absolute.join("::"))
}

/// One circle of imports, if there is any: each module imports the next one, the last one the first.
pub(crate) fn circle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit<'a>(
        module: &'a str,
        graph: &'a BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        if let Some(at) = way.iter().position(|passed| *passed == module) {
            return Some(way[at..].iter().map(ToString::to_string).collect());
        }
        if done.contains(module) {
            return None;
        }
        way.push(module);
        let found = graph.get(module).into_iter().flatten().find_map(|used| visit(used, graph, way, done));
        way.pop();
        done.insert(module);
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|module| visit(module, graph, &mut Vec::new(), &mut done))
}

#[test]
fn a_circle_is_found_through_groups_and_several_levels() {
    let of = |text: &str| paths(text).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        of("crate::a::{self, b::{C, d as e}, f};"),
        ["crate::a::self", "crate::a::b::C", "crate::a::b::d", "crate::a::f"]
    );
    let graph = |pairs: &[(&str, &[&str])]| {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        pairs.iter().map(|(module, used)| (module.to_string(), own(used))).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(circle(&graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])), None);
    assert_eq!(circle(&graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).unwrap(), ["b", "c"]);
}
