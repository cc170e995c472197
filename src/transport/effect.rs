//! The effect of a call on the service, which decides whether it may be sent again.

use super::body::BodySent;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing, so a lost response leaves nothing open.
    ReadOnly,
    /// Carried out twice, it has the effect of once.
    Idempotent,
    /// Carried out twice, it creates two things: once its body was sent completely and no response says what became of
    /// it, it is not sent again.
    Creates,
}

impl Effect {
    /// How much of the body must have been sent that the service may have carried it out; `None` for one that only reads.
    pub fn ambiguous_from(self) -> Option<BodySent> {
        match self {
            Effect::ReadOnly => None,
            Effect::Idempotent => Some(BodySent::Partial),
            Effect::Creates => Some(BodySent::All),
        }
    }

    /// Whether the service may have carried it out although no response says so.
    pub fn is_ambiguous(self, body_sent: BodySent) -> bool {
        self.ambiguous_from().is_some_and(|from| body_sent >= from)
    }
}
