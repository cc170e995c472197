//! The rules that are stricter than the service. Our own library keeps to all of them.

use crate::account::Settings;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The part `purpose` comes before the part `file`.
    pub(crate) order: bool,
    /// The part `file` has a Content-Type.
    pub(crate) part_type: bool,
    /// A delete names a purpose.
    pub(crate) purpose: bool,
    /// A query has nothing but the call's own parameters: no GroupId either.
    pub(crate) query: bool,
    /// Nothing else either that a server lets pass: further parts, their headers and parameters, text around the form,
    /// fields of the JSON, a delete without a length, a body of a call that takes none.
    pub(crate) rest: bool,
}

impl Settings {
    /// `strict` is as the server was started.
    pub(crate) fn rules(&self, strict: bool) -> Rules {
        let all = self.strict.unwrap_or(strict);
        Rules {
            order: self.strict_order.unwrap_or(all),
            part_type: self.strict_part_type.unwrap_or(all),
            purpose: self.strict_purpose.unwrap_or(all),
            query: self.strict_query.unwrap_or(all),
            rest: all,
        }
    }
}
