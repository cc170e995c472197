use std::sync::Arc;
use std::time::Duration;
#[derive(Debug, Default)]
pub struct Limiter {}
impl Limiter {
    pub async fn acquire(self: &Arc<Self>, _ceiling: Option<u32>) {}
    pub fn try_acquire(self: &Arc<Self>, _ceiling: Option<u32>) -> bool {
        true
    }
    pub fn throttled(&self, _retry_after: Option<Duration>) {}
    pub fn succeeded(&self) {}
}
