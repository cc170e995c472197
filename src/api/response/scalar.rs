//! Any value of a response, and the parts of the serde visitors that accept any: of what nobody needs nothing is built.

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Describes a value of another kind than is expected; a text is not shown, for that can be anything, also the key.
pub(super) fn mismatch(found: &Scalar, expected: &str) -> String {
    let found = match found {
        Scalar::Null => "null".into(),
        Scalar::Bool(value) => format!("boolean `{value}`"),
        Scalar::Int(value) => format!("integer `{value}`"),
        Scalar::Float(value) => format!("floating point `{value}`"),
        Scalar::Text(_) => "string".into(),
        Scalar::Sequence => "sequence".into(),
        Scalar::Map => "map".to_owned(),
    };
    format!("invalid type: {found}, expected {expected}")
}

/// Any JSON value; the parts of an array or an object are not kept.
#[derive(Debug)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Also an integer beyond 64 bits.
    Float(f64),
    Text(String),
    Sequence,
    Map,
}

impl Scalar {
    /// An id as an integer or a decimal string; never by way of a floating point number.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Scalar::Int(number) => Some(*number),
            Scalar::Text(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn text(self) -> String {
        if let Scalar::Text(text) = self { text } else { String::new() }
    }

    /// A code as an integer or a decimal string, which may be negative.
    pub(super) fn code(&self) -> Option<i64> {
        match self {
            Scalar::Int(number) => Some(*number),
            Scalar::Text(digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

/// The methods of a visitor that turns every value but texts, arrays and objects into its own by way of a `Scalar`.
macro_rules! of_anything_else {
    ($of:path) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($of(Scalar::Null))
        }

        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok($of(Scalar::Bool(value)))
        }

        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok($of(Scalar::Int(value)))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok($of(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Int)))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok($of(Scalar::Float(value)))
        }
    };
}

/// The same, with texts, which are not kept.
macro_rules! of_no_text {
    ($of:path) => {
        of_anything_else!($of);

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($of(Scalar::Text(String::new())))
        }
    };
}

/// Skips an array.
macro_rules! of_no_sequence {
    ($of:path) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            while sequence.next_element::<IgnoredAny>()?.is_some() {}
            Ok($of(Scalar::Sequence))
        }
    };
}

/// Makes a visitor of any value a seed, too.
macro_rules! reads {
    ($seed:ty => $value:ty) => {
        impl<'de> DeserializeSeed<'de> for $seed {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<$value, D::Error> {
                value.deserialize_any(self)
            }
        }
    };
}

/// Reads a value and keeps no more than so many bytes of a text.
#[derive(Clone, Copy)]
pub(super) struct ScalarSeed {
    longest: usize,
}

pub(super) const WHOLE: ScalarSeed = ScalarSeed { longest: usize::MAX };
/// For texts that are only quoted, and numbers.
pub(super) const SHORT: ScalarSeed = ScalarSeed { longest: 4096 };

reads!(ScalarSeed => Scalar);

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar;

    of_anything_else!(std::convert::identity);
    of_no_sequence!(std::convert::identity);

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        let end = (0..=self.longest.min(value.len())).rev().find(|&end| value.is_char_boundary(end));
        Ok(Scalar::Text(value[..end.unwrap_or_default()].to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
        skip(map)?;
        Ok(Scalar::Map)
    }
}

/// Skips an object; whether it had any field.
pub(super) fn skip<'de, A: MapAccess<'de>>(mut map: A) -> Result<bool, A::Error> {
    let mut some = false;
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
        some = true;
    }
    Ok(some)
}

pub(super) use {of_anything_else, of_no_sequence, of_no_text, reads};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_every_digit() {
        let read = |json: &str| WHOLE.deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap().whole();
        assert_eq!(read("9223372036854775807"), Some(i64::MAX));
        assert_eq!(read("\"9223372036854775807\""), Some(i64::MAX));
        assert_eq!(read("9007199254740993"), Some(9007199254740993));
        let bad =
            ["9223372036854775808", "1.0", "1e3", "\"1.0\"", "\"\"", "\" 1\"", "\"+1\"", "\"-1\"", "true", "null"];
        for none in bad {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
