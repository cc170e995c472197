//! Facts about a call that its caller wants to know however it ends.

use std::cell::{Cell, RefCell};

#[derive(Debug, Default)]
pub struct CallInfo {
    attempts: Cell<u32>,
    http_status: Cell<u16>,
    trace_id: RefCell<String>,
    evidence: Cell<&'static str>,
}

impl CallInfo {
    /// A request of the call goes out.
    pub fn count(&self) {
        self.attempts.set(self.attempts.get() + 1);
    }

    /// A response was received.
    pub fn responded(&self, http_status: u16, trace_id: &str) {
        self.http_status.set(http_status);
        trace_id.clone_into(&mut self.trace_id.borrow_mut());
    }

    /// How the result of a delete is known.
    pub fn set_evidence(&self, evidence: &'static str) {
        self.evidence.set(evidence);
    }

    /// Requests sent, or tried to send.
    pub fn attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// HTTP status of the last response; 0 = none.
    pub fn http_status(&self) -> u16 {
        self.http_status.get()
    }

    pub fn trace_id(&self) -> String {
        self.trace_id.borrow().clone()
    }

    pub fn evidence(&self) -> &'static str {
        self.evidence.get()
    }
}
