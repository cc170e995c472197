//! Waiting for something to happen, without polling.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Waits until `number` answers `Ok`, looking whenever `changed` is told; else the last `Err` when time is up.
pub(crate) async fn until(
    changed: &Notify,
    time: Duration,
    mut number: impl FnMut() -> Result<u64, u64>,
) -> Result<u64, u64> {
    let end = Instant::now() + time;
    loop {
        let told = changed.notified();
        tokio::pin!(told);
        // From here on nothing is missed, even what happens while `number` looks.
        told.as_mut().enable();
        let last = number();
        if last.is_ok() {
            return last;
        }
        tokio::select! {
            () = &mut told => {}
            () = sleep_until(end) => return last,
        }
    }
}
