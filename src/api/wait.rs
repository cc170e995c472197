//! Waits until a file is there: the id of a task's result is known before retrieve knows the file.

use crate::api::response::envelope;
use crate::api::response::listing::Keep;
use crate::api::response::model;
use crate::api::retrieve;
use crate::error::Error;
use crate::transport::client::{CallOptions, Client};
use crate::transport::log::Level;
use std::time::Duration;

pub const CALL: &str = "wait_file";
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Retrieves a file until the service knows it, and returns its response as it came. Other failures end the wait.
pub fn wait(client: &Client, file_id: i64, options: &CallOptions<'_>) -> Result<String, Error> {
    model::check_id(CALL, file_id)?;
    let max_attempts = options.max_attempts;
    envelope::drive(client, CALL, options, |attempts| async move {
        let call = retrieve::call(CALL, file_id);
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match envelope::repeat(&mut attempts.renewed(max_attempts), &call, Keep::Files).await {
                Ok(response) => return Ok(retrieve::checked(client, response, &call, file_id)?.json),
                Err(error) => error,
            };
            if !retrieve::is_not_there(&error) {
                return Err(error);
            }
            attempts.log().event(Level::Debug, "not_there", || {
                [("file_id", file_id.into()), ("wait_ms", (pause.as_millis() as u64).into())]
            });
            attempts.wait(pause, "waiting for the file to be there").await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    })
}
