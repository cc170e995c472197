//! docs/json.md as a schema: each `###` section describes an object by an example and a table of its fields.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The fields of one kind of object.
pub(crate) struct Shape {
    fields: Vec<Field>,
    pub(crate) example: Value,
    /// The lines of the section.
    pub(crate) text: String,
}

struct Field {
    name: String,
    types: Vec<Type>,
    is_optional: bool,
}

#[derive(Clone, Debug)]
enum Type {
    /// `integer`, `string`, `boolean`, `object` or `null`.
    Plain(String),
    /// An object of another section.
    Shape(String),
    Array(Box<Type>),
}

/// A part of the page, which begins with `##`, and what has been seen of its shapes.
pub(crate) struct Part {
    /// Those of the whole page, by the anchors of their headings.
    pub(crate) shapes: BTreeMap<String, Shape>,
    /// The anchors of this part.
    names: BTreeSet<String>,
    /// `anchor.field: type`.
    seen: BTreeSet<String>,
}

impl Part {
    pub(crate) fn of(page: &str, title: &str) -> Part {
        let (mut shapes, mut names) = (BTreeMap::new(), BTreeSet::new());
        for part in page.split("\n## ").skip(1) {
            for section in part.split("\n### ").skip(1) {
                let (heading, text) = section.split_once('\n').expect("a heading");
                if part.starts_with(title) {
                    names.insert(anchor(heading));
                }
                shapes.insert(anchor(heading), Shape::read(text));
            }
        }
        assert!(!names.is_empty(), "docs/json.md has no part {title}");
        Part { shapes, names, seen: BTreeSet::new() }
    }

    /// The value must be an object of this shape, no field more and none less.
    pub(crate) fn check(&mut self, shape: &str, value: &Value) {
        let fields = &self.shapes.get(shape).unwrap_or_else(|| panic!("docs/json.md has no section {shape}")).fields;
        let object = value.as_object().unwrap_or_else(|| panic!("{shape}: no object: {value}"));
        let unknown = object.keys().find(|name| !fields.iter().any(|field| field.name == **name));
        assert!(unknown.is_none(), "{shape} has no field {unknown:?} on the page: {value}");
        let mut nested = Vec::new();
        for field in fields {
            let at = format!("{shape}.{}", field.name);
            let Some(value) = object.get(&field.name) else {
                assert!(field.is_optional, "{at} is missing: {value}");
                self.seen.insert(format!("{at}: missing"));
                continue;
            };
            let fits = field.types.iter().find(|kind| kind.fits(value));
            let fits = fits.unwrap_or_else(|| panic!("{at} is {value}, not {:?}", field.types));
            // An empty array says nothing of its items.
            if value.as_array().is_none_or(|values| !values.is_empty()) {
                self.seen.insert(format!("{at}: {fits:?}"));
            }
            fits.nested(value, &mut nested);
        }
        for (shape, value) in nested {
            self.check(&shape, value);
        }
    }

    /// The alternatives on the page that no value had: of fields that may be missing or may be null, too.
    pub(crate) fn unseen(&self) -> Vec<String> {
        let shapes = self.names.iter().map(|name| (name, &self.shapes[name]));
        let alternatives = shapes.flat_map(|(name, shape)| {
            shape.fields.iter().flat_map(move |field| {
                let types = field.types.iter().map(move |kind| format!("{name}.{}: {kind:?}", field.name));
                types.chain(field.is_optional.then(|| format!("{name}.{}: missing", field.name)))
            })
        });
        alternatives.filter(|alternative| !self.seen.contains(alternative)).collect()
    }
}

impl Shape {
    fn read(text: &str) -> Shape {
        let json = text.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("an example");
        let example = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
        let fields = rows(text, "field").flat_map(|cells| {
            let [names, types, _] = &cells[..] else { panic!("not a field, a type and a meaning: {cells:?}") };
            let (types, is_optional) = match types.strip_suffix(", optional") {
                Some(types) => (types, true),
                None => (types.as_str(), false),
            };
            let types: Vec<_> = types.split(" or ").map(Type::read).collect();
            names
                .split(", ")
                .map(|name| Field { name: plain(name), types: types.clone(), is_optional })
                .collect::<Vec<_>>()
        });
        Shape { fields: fields.collect(), example, text: text.to_owned() }
    }
}

impl Type {
    fn read(text: &str) -> Type {
        if let Some(items) = text.strip_prefix("array of ") {
            return Type::Array(Box::new(Type::read(items)));
        }
        match text.split_once("](#") {
            Some((_, shape)) => Type::Shape(shape.trim_end_matches(')').to_owned()),
            None => {
                assert!(["integer", "string", "boolean", "object", "null"].contains(&text), "no type: {text}");
                Type::Plain(text.to_owned())
            }
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match self {
            Type::Array(items) => value.as_array().is_some_and(|values| values.iter().all(|value| items.fits(value))),
            Type::Shape(_) => value.is_object(),
            Type::Plain(name) => match value {
                Value::Null => name == "null",
                Value::Bool(_) => name == "boolean",
                Value::Number(number) => name == "integer" && !number.is_f64(),
                Value::String(_) => name == "string",
                Value::Object(_) => name == "object",
                Value::Array(_) => false,
            },
        }
    }

    /// The objects in a value with their shapes.
    fn nested<'v>(&self, value: &'v Value, found: &mut Vec<(String, &'v Value)>) {
        match self {
            Type::Plain(_) => {}
            Type::Shape(shape) => found.push((shape.clone(), value)),
            Type::Array(items) => value.as_array().into_iter().flatten().for_each(|value| items.nested(value, found)),
        }
    }
}

/// The rows of the tables whose first column has this name, as cells.
pub(crate) fn rows<'t>(text: &'t str, first: &'t str) -> impl Iterator<Item = Vec<String>> + 't {
    let mut is_inside = false;
    text.lines().filter_map(move |line| {
        let Some(row) = line.strip_prefix('|') else {
            is_inside = false;
            return None;
        };
        let cells: Vec<_> = row.trim_end_matches('|').split(" |").map(|cell| cell.trim().to_owned()).collect();
        if cells[0] == first {
            is_inside = true;
            return None;
        }
        (is_inside && cells[0] != "---").then_some(cells)
    })
}

/// A name without the marks of code.
pub(crate) fn plain(name: &str) -> String {
    name.trim_matches('`').to_owned()
}

/// As links name a heading.
fn anchor(heading: &str) -> String {
    let letters = heading.to_lowercase().replace(' ', "-");
    letters.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
}
