//! The fault script: what goes wrong with which request.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::shape::Shape;
use crate::stream::Close;

/// One entry. The help text says what each field does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fault {
    name: Option<String>,
    call: Option<String>,
    file_id: Option<i64>,
    purpose: Option<String>,
    #[serde(default = "once")]
    times: i64,
    skip: u64,
    perform: Option<bool>,

    pub(crate) code: Option<i64>,
    pub(crate) message: Option<String>,
    pub(crate) http_status: Option<u16>,
    pub(crate) headers: Option<Map<String, Value>>,
    pub(crate) body: Option<String>,
    pub(crate) body_base64: Option<String>,
    /// Texts, each so many times.
    pub(crate) body_parts: Option<Vec<(String, u64)>>,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) extra_headers: Option<usize>,
    pub(crate) extra_header_bytes: Option<usize>,
    pub(crate) content_type: Option<String>,
    pub(crate) shape: Option<Shape>,

    pub(crate) delay_ms: Option<u64>,
    pub(crate) trickle_ms: Option<u64>,
    pub(crate) hang: bool,
    pub(crate) hang_after: Option<usize>,
    pub(crate) cut_after: Option<usize>,
    pub(crate) close: Option<Close>,
    pub(crate) close_before_answer: Option<Close>,
    pub(crate) close_after_answer: Option<Close>,
    pub(crate) close_after_idle_ms: Option<u64>,
    pub(crate) trickle_bytes: Option<usize>,

    pub(crate) no_length: bool,
    pub(crate) until_close: bool,
    pub(crate) wrong_length: Option<i64>,
    pub(crate) no_range: bool,
    pub(crate) range_shift: Option<i64>,
    pub(crate) no_etag: bool,
    pub(crate) changed: bool,
    pub(crate) redirect_to: Option<String>,
    pub(crate) expired_url: bool,

    pub(crate) refuse_after: Option<u64>,
    pub(crate) keep: bool,
    pub(crate) stop_reading_after: Option<u64>,
    pub(crate) then: Option<Close>,
    pub(crate) store_at_boundary: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
}

/// The file and purpose that a request names: faults can be aimed at them.
#[derive(Default)]
pub(crate) struct Named {
    pub(crate) file_id: Option<i64>,
    pub(crate) purpose: Option<String>,
}

fn once() -> i64 {
    1
}

/// `X-Extra-1000: x` and the line break.
pub(crate) const SHORTEST_HEADER: usize = 17;

impl Fault {
    /// A refusal for the rate, by a code or by an HTTP status.
    pub(crate) fn throttled(code: Option<i64>, http_status: Option<u16>) -> Fault {
        Fault { name: Some("throttled".into()), code, http_status, ..Fault::default() }
    }

    /// Marks an answer of the cache.
    pub(crate) fn cached() -> Fault {
        Fault { name: Some("cached".into()), perform: Some(false), ..Fault::default() }
    }

    /// Whether the call is carried out. An answer that still reports success comes with the deed, unless told otherwise.
    pub(crate) fn performs(&self) -> bool {
        let replaces = self.code.is_some_and(|code| code != 0)
            || self.http_status.is_some()
            || self.body.is_some()
            || self.redirect_to.is_some()
            || self.body_limit().is_some()
            || self.body_base64.is_some()
            || self.body_parts.is_some()
            || self.shape.is_some_and(|shape| !shape.reports_success());
        self.perform.unwrap_or(!replaces)
    }

    /// What the journal calls it.
    pub(crate) fn label(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let Value::Object(fields) = serde_json::to_value(self).unwrap_or_default() else {
            return String::new();
        };
        let selectors = ["call", "file_id", "purpose", "times", "skip", "perform"];
        let contents = ["message", "headers", "body", "body_base64", "body_parts"];
        let told = |name: &str, value: &Value| match value {
            Value::Null | Value::Bool(false) => None,
            _ if selectors.contains(&name) || contents.contains(&name) => None,
            Value::Bool(true) => Some(name.to_owned()),
            Value::String(value) if name == "shape" => Some(value.clone()),
            Value::String(value) => Some(format!("{name} {value}")),
            value => Some(format!("{name} {value}")),
        };
        let parts: Vec<_> = fields.iter().filter_map(|(name, value)| told(name, value)).collect();
        if parts.is_empty() { "answer".into() } else { parts.join(", ") }
    }

    fn check(&self) -> Result<(), String> {
        let ends = [
            self.hang,
            self.hang_after.is_some(),
            self.cut_after.is_some(),
            self.close_before_answer.is_some(),
            self.close_after_answer.is_some(),
            self.close_after_idle_ms.is_some(),
            self.refuse_after.is_some(),
            self.stop_reading_after.is_some(),
        ];
        if self.store_at_boundary && self.body_limit().is_some() {
            return Err("store_at_boundary goes without refuse_after and stop_reading_after".into());
        }
        let bodies = [self.body.is_some(), self.body_base64.is_some(), self.body_parts.is_some()];
        if bodies.iter().filter(|set| **set).count() > 1 {
            return Err("only one of body, body_base64 and body_parts can be set".into());
        }
        if let Some(bytes) = self.extra_header_bytes
            && bytes < self.extra_headers.unwrap_or_default().max(1) * SHORTEST_HEADER
        {
            return Err(format!("extra_header_bytes is {SHORTEST_HEADER} or more for each of extra_headers"));
        }
        if ends.iter().filter(|set| **set).count() > 1 {
            return Err("only one of hang, hang_after, cut_after, close_before_answer, close_after_answer, \
                        close_after_idle_ms, refuse_after and stop_reading_after can be set"
                .into());
        }
        if self.close.is_some() && !self.closes_in_the_end() {
            return Err("close goes with cut_after, close_after_idle_ms, until_close, wrong_length or refuse_after without keep".into());
        }
        let body = bodies.contains(&true);
        let answered = self.code.is_some() || self.http_status.is_some() || body || self.shape.is_some();
        if self.refuse_after.is_some() && !answered {
            return Err("refuse_after needs an answer: code, http_status, a body or shape".into());
        }
        if self.keep && self.refuse_after.is_none() || self.then.is_some() && self.stop_reading_after.is_none() {
            return Err("keep goes with refuse_after, then with stop_reading_after".into());
        }
        let lengths = [self.no_length, self.until_close, self.wrong_length.is_some()];
        if lengths.iter().filter(|set| **set).count() > 1 {
            return Err("only one of no_length, until_close and wrong_length can be set".into());
        }
        if self.times == 0 {
            return Err("times is 1 or more, or -1 for ever".into());
        }
        if self.http_status.is_some_and(|status| !(200..=999).contains(&status)) {
            return Err("http_status is 200 to 999".into());
        }
        Ok(())
    }

    fn closes_in_the_end(&self) -> bool {
        let refused = self.refuse_after.is_some() && !self.keep;
        self.cut_after.is_some() || self.close_after_idle_ms.is_some() || refused || self.ends_with_its_connection()
    }

    /// Where the answer ends can't be told by its length.
    pub(crate) fn ends_with_its_connection(&self) -> bool {
        self.until_close || self.wrong_length.is_some()
    }

    /// How much of the body of an upload is read before the fault.
    pub(crate) fn body_limit(&self) -> Option<u64> {
        self.refuse_after.or(self.stop_reading_after)
    }

    fn matches(&self, call: &str, named: &Named) -> bool {
        if (self.body_limit().is_some() || self.store_at_boundary) && call != "upload" {
            return false;
        }
        self.call.as_deref().is_none_or(|wanted| wanted == call)
            && (self.file_id.is_none() || self.file_id == named.file_id)
            && (self.purpose.is_none() || self.purpose == named.purpose)
    }

    fn json(&self) -> Value {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut json {
            fields.retain(|_, value| !matches!(value, Value::Null | Value::Bool(false)));
        }
        json
    }
}

/// The faults to come, in order.
#[derive(Default)]
pub(crate) struct Script(Vec<Fault>);

impl Script {
    /// Appends one entry or an array of them; all or, if one is wrong, none.
    pub(crate) fn append(&mut self, json: &[u8]) -> Result<usize, String> {
        let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        let mut faults = Vec::new();
        for value in values {
            let fault: Fault = serde_json::from_value(value).map_err(|error| error.to_string())?;
            fault.check()?;
            faults.push(fault);
        }
        self.0.append(&mut faults);
        Ok(self.0.len())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn json(&self) -> Value {
        self.0.iter().map(Fault::json).collect()
    }

    /// The first entry that matches; it is used up once it has been taken `times` times.
    pub(crate) fn take(&mut self, call: &str, named: &Named) -> Option<Fault> {
        for at in 0..self.0.len() {
            let fault = &mut self.0[at];
            if !fault.matches(call, named) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times > 1 {
                fault.times -= 1;
            } else if fault.times == 1 {
                return Some(self.0.remove(at));
            }
            return Some(self.0[at].clone());
        }
        None
    }
}
