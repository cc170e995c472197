//! Answers that hold no file: errors of the API, pages of gateways, refusals of a store.

use super::{Download, Ended};
use crate::api::{envelope, evidence, excerpt, store};
use crate::error::Status;
use crate::transport::attempt::{Head, HttpResponse};
use crate::transport::body::BodySent;
use crate::transport::client::CallResponse;
use crate::transport::exchange::{Exchange, Turn};

/// An error in JSON is shorter; a longer answer is a file.
pub(super) const MAX_ERROR_LEN: usize = 64 << 10;

impl<'a> Download<'a> {
    /// HTML and XML may be the page of a gateway or the error of a store: neither is the file.
    pub(super) fn check_markup(&mut self, head: &Head, body: &[u8]) -> Result<(), Ended> {
        let mut name = range::filename(&head.headers).or(self.filename.take());
        if name.is_none() {
            name = presigned::ask_for_name(&self.transfer, self.file_id, &self.options);
            self.check_process()?;
        }
        self.filename.clone_from(&name);
        if range::may_be_markup(&head.headers, name.as_deref()) {
            return Ok(());
        }
        let page = excerpt::page(self.transfer.client, body).unwrap_or_default();
        let text = format!("the answer is {page}, and not the file ({})", self.meta.describe());
        Err(self.error(Status::Protocol, &text).into())
    }

    /// A response that holds no file.
    pub(super) fn refused(&mut self, mut exchange: Exchange<'a>, head: Head, is_away: bool) -> Ended {
        let mut body = Vec::new();
        while body.len() < MAX_ERROR_LEN {
            match exchange.turn() {
                Ok(Turn::HaveData(data)) => body.extend_from_slice(&data[..data.len().min(MAX_ERROR_LEN - body.len())]),
                Ok(Turn::Done) => break,
                Ok(Turn::Head(_) | Turn::NeedData) => {}
                Err(failure) => return self.cut_or_failed(failure),
            }
        }
        if is_away && !envelope::is_refusal(self.transfer.client, &body) {
            let error = self.redacted(presigned::refusal(self.transfer.call.name, &self.meta));
            let has_expired = self.link.is_some() && matches!(head.http_status, 403 | 410);
            return if has_expired { Ended::Expired(error) } else { Ended::Failed(error) };
        }
        self.no_file(head, body)
    }

    pub(super) fn no_file(&self, head: Head, body: Vec<u8>) -> Ended {
        let response = CallResponse {
            response: HttpResponse { head, body },
            attempts: self.transfer.attempts(),
            body_sent: BodySent::All,
        };
        Ended::Failed(match envelope::read(self.transfer.client, &self.transfer.call, response) {
            Ok(response) => response.error(self.transfer.client, &self.transfer.call, "the answer holds no file"),
            Err(error) => error,
        })
    }
}
