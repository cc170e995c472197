//! The body of a download: held back until it is known to be a file, then handed to the sink.

use super::presigned;
use super::range::{self, Beginning};
use super::{Download, Ended, LONGEST_START, MAX_ERROR_LEN, cut};
use crate::api::response::excerpt;
use crate::error::{Error, Status};
use crate::transport::body::BodySent;
use crate::transport::exchange::{Exchange, Turn};
use crate::transport::response::Head;
use http::header::{CONTENT_TYPE, TRANSFER_ENCODING};

impl<'a> Download<'a> {
    /// The bytes of a good response.
    pub(super) fn receive(&mut self, mut exchange: Exchange<'a>, head: Head) -> Result<(), Ended> {
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        self.content_type = content_type.unwrap_or_default().to_owned();
        if self.written == 0 {
            self.validator = range::validator(&head.headers);
            self.length = None;
        }
        let total = self.length.or_else(|| range::length(&head.headers));
        self.length = total;
        self.has_end = total.is_some() || head.headers.contains_key(TRANSFER_ENCODING);
        if self.written == 0 {
            self.check_process()?; // The restart may have forked.
            self.transfer.progress.moved(0, total, BodySent::All).map_err(|failure| self.failed(failure))?;
            self.check_process()?;
        }
        // Held back until it is known to be a file.
        let mut held = if self.written == 0 { Some(Vec::new()) } else { None };
        loop {
            let data = match exchange.turn() {
                Ok(Turn::HaveData(data)) => data,
                Ok(Turn::Done) => break,
                Ok(Turn::Head(_) | Turn::NeedData) => continue,
                Err(failure) => return Err(self.cut_or_failed(failure)),
            };
            let Some(mut so_far) = held.take() else {
                self.write(&data, total)?;
                continue;
            };
            if so_far.is_empty() && range::beginning(&data) == Beginning::Bytes {
                self.write(&data, total)?;
                continue;
            }
            so_far.extend_from_slice(&data);
            match range::beginning(&so_far) {
                Beginning::Blank | Beginning::Json if so_far.len() <= MAX_ERROR_LEN => held = Some(so_far),
                Beginning::Markup if so_far.len() < LONGEST_START => held = Some(so_far),
                Beginning::Markup => {
                    self.check_markup(&head, &so_far)?;
                    self.write(&so_far, total)?;
                }
                _ => self.write(&so_far, total)?,
            }
        }
        if let Some(body) = held {
            match range::beginning(&body) {
                Beginning::Json if range::is_refusal(&body) => return Err(self.no_file(head, body)),
                Beginning::Markup => self.check_markup(&head, &body)?,
                _ => {}
            }
            self.write(&body, total)?;
        }
        if let Some(total) = total.filter(|total| *total != self.written) {
            if self.written > total {
                self.again("the service sent more than the rest")?;
            }
            return Err(cut("the service did not send the rest"));
        }
        self.transfer.progress.finished(self.written).map_err(|failure| self.failed(failure))?;
        // The last callbacks came after the last turn.
        exchange.check().map_err(|failure| self.failed(failure))?;
        Ok(())
    }

    pub(super) fn write(&mut self, data: &[u8], total: Option<u64>) -> Result<(), Ended> {
        if data.is_empty() {
            return Ok(());
        }
        let taken = self.sink.write(data);
        self.check_process()?;
        taken.map_err(|failure| self.sink_error(&failure))?;
        self.written += data.len() as u64;
        self.transfer.progress.moved(self.written, total, BodySent::All).map_err(|failure| self.failed(failure))
    }

    /// The bytes of a response that ended with its connection, against the size that retrieve knows.
    pub(super) fn check_length(&mut self) -> Result<(), Error> {
        let size = presigned::ask_for_file(&self.transfer, self.file_id, &self.options).map(|file| file.bytes);
        self.transfer.check_process()?;
        match size {
            Some(size) if u64::try_from(size) == Ok(self.written) && size > 0 => Ok(()),
            size => {
                let known = match size {
                    Some(size) if size > 0 => format!("retrieve says {size} bytes"),
                    _ => "retrieve doesn't say its size".into(),
                };
                let text = format!(
                    "the answer ended with its connection after {} bytes, and {known}: the file may not be whole",
                    self.written
                );
                Err(self.error(Status::Protocol, &text))
            }
        }
    }

    /// HTML and XML may be the page of a gateway or the error of a store: neither is the file.
    pub(super) fn check_markup(&mut self, head: &Head, body: &[u8]) -> Result<(), Ended> {
        let mut name = range::filename(&head.headers).or(self.filename.take());
        if name.is_none() {
            name = presigned::ask_for_file(&self.transfer, self.file_id, &self.options).map(|file| file.filename);
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
}
