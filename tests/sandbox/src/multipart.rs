//! The form of an upload, read as it comes: the parts `purpose` and `file`, and whatever else the rules let pass.

use std::borrow::Cow;
use std::io::BufRead;

use percent_encoding::percent_decode_str;

use crate::rules::Rules;
use crate::sha256::Sha256;

/// Larger contents are hashed and forgotten.
const KEPT: usize = 64 << 20;
const LONGEST_HEAD: usize = 16 << 10;
const LONGEST_PURPOSE: usize = 256;

#[derive(Default)]
pub(crate) struct Form {
    pub(crate) purpose: Option<String>,
    /// Still encoded as it came, but without the quotes and the backslashes that quote.
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    /// Of the part `file`.
    pub(crate) bytes: u64,
    pub(crate) kept: Option<Vec<u8>>,
    pub(crate) sha256: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeTheForm,
    Head,
    Purpose,
    File,
    OtherPart,
    /// Behind a boundary: a line break or two dashes.
    Boundary,
    End,
}

pub(crate) struct Reader {
    form: Form,
    /// With the line break that belongs to it.
    boundary: Vec<u8>,
    rules: Rules,
    place: Place,
    parts: usize,
    unread: Vec<u8>,
    /// `None`: the content is neither hashed nor kept.
    hash: Option<Sha256>,
    /// What is off: the rest of the body is only counted then.
    error: Option<String>,
}

impl Reader {
    pub(crate) fn new(content_type: Result<&str, String>, count_only: bool, rules: Rules) -> Reader {
        let found = content_type.and_then(boundary);
        let (boundary, error) = match found {
            Ok(boundary) => (boundary, None),
            Err(error) => (String::new(), Some(error)),
        };
        Reader {
            form: Form { kept: (!count_only).then(Vec::new), ..Form::default() },
            boundary: format!("\r\n--{boundary}").into_bytes(),
            rules,
            place: Place::BeforeTheForm,
            parts: 0,
            // The line break of the first boundary, which needs none where the body starts with it.
            unread: b"\r\n".to_vec(),
            hash: (!count_only).then(Sha256::new),
            error,
        }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        let mut unread = std::mem::take(&mut self.unread);
        let mut rest = bytes;
        if !unread.is_empty() {
            unread.extend_from_slice(bytes);
            rest = &unread;
        }
        loop {
            match self.step(rest) {
                Ok(0) => break,
                Ok(length) => rest = &rest[length..],
                Err(error) => return self.error = Some(error),
            }
        }
        self.unread = rest.to_vec();
    }

    /// The closing boundary has come.
    pub(crate) fn is_at_end(&self) -> bool {
        self.place == Place::End
    }

    /// At the end of the body: the form, and what is off with it.
    pub(crate) fn finish(&mut self, whole: bool) -> (Form, Result<(), String>) {
        let ended = self.place == Place::End && self.unread.is_empty();
        if self.error.is_none() && !ended {
            self.error = Some(match self.parts {
                0 => "the body has no part".into(),
                _ if self.form.filename.is_none() => "part file is missing".into(),
                _ => "the body does not end with its boundary".into(),
            });
        }
        if whole && self.error.is_none() {
            self.form.sha256 = self.hash.take().map(Sha256::hex);
        }
        (std::mem::take(&mut self.form), self.error.take().map_or(Ok(()), Err))
    }

    /// Takes what it can from the start of `bytes`; 0: it needs more.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, String> {
        match self.place {
            Place::Boundary => {
                let Some(two) = bytes.get(..2) else { return Ok(0) };
                self.place = match two {
                    b"\r\n" => Place::Head,
                    b"--" if self.form.filename.is_none() => return Err("part file is missing".into()),
                    b"--" => Place::End,
                    _ => return Err("a boundary is not followed by a line break".into()),
                };
                Ok(2)
            }
            Place::Head => {
                let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                    return if bytes.len() > LONGEST_HEAD {
                        Err("the head of a part is too long".into())
                    } else {
                        Ok(0)
                    };
                };
                let head = String::from_utf8_lossy(&bytes[..end]);
                if self.rules.rest && matches!(head, Cow::Owned(_)) {
                    return Err("the head of a part is not UTF-8".into());
                }
                self.part(&head)?;
                Ok(end + 4)
            }
            Place::Purpose | Place::File | Place::OtherPart | Place::BeforeTheForm => self.data(bytes),
            Place::End if !self.rules.rest => Ok(bytes.len()),
            Place::End if bytes.is_empty() || bytes == b"\r" => Ok(0),
            Place::End if bytes == b"\r\n" => Ok(2),
            Place::End => Err("something follows the last boundary".into()),
        }
    }

    fn data(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let mut at = 0;
        loop {
            // A line break may be the start of a boundary that is not all there yet.
            let found = find_cr(&bytes[at..]).map(|place| at + place);
            let end = found.unwrap_or(bytes.len());
            let rest = &bytes[end..];
            if rest.starts_with(&self.boundary) {
                self.take(&bytes[..end])?;
                self.place = Place::Boundary;
                return Ok(end + self.boundary.len());
            }
            if self.boundary.starts_with(rest) {
                self.take(&bytes[..end])?;
                return Ok(end);
            }
            at = end + 1;
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.place == Place::BeforeTheForm && self.rules.rest && !bytes.is_empty() {
            return Err("the body does not start with its boundary".into());
        }
        if matches!(self.place, Place::BeforeTheForm | Place::OtherPart) {
            return Ok(());
        }
        if self.place == Place::Purpose {
            let purpose = self.form.purpose.get_or_insert_default();
            purpose.push_str(&String::from_utf8_lossy(bytes));
            return if purpose.len() > LONGEST_PURPOSE { Err("part purpose is too long".into()) } else { Ok(()) };
        }
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.form.bytes += bytes.len() as u64;
        match &mut self.form.kept {
            Some(kept) if kept.len() + bytes.len() <= KEPT => kept.extend_from_slice(bytes),
            kept => *kept = None,
        }
        Ok(())
    }

    fn part(&mut self, head: &str) -> Result<(), String> {
        let (mut disposition, mut content_type) = (None, None);
        for line in head.split("\r\n") {
            let (name, value) = line.split_once(':').ok_or("a header of a part has no colon")?;
            let place = match name.to_ascii_lowercase().as_str() {
                "content-disposition" => &mut disposition,
                "content-type" => &mut content_type,
                _ if self.rules.rest => return Err(format!("a part has a header {name}")),
                _ => continue,
            };
            if place.replace(value.trim().to_owned()).is_some() {
                return Err(format!("a part has {name} twice"));
            }
        }
        let disposition = disposition.ok_or("a part has no Content-Disposition")?;
        let (name, filename) = if self.rules.rest { strict_names(&disposition) } else { names(&disposition) }?;
        self.parts += 1;
        let Form { purpose, filename: known, .. } = &mut self.form;
        match name.as_str() {
            "purpose" if purpose.is_some() => Err("part purpose is one too many".into()),
            "purpose" if filename.is_some() => Err("part purpose has a filename".into()),
            "purpose" => {
                *purpose = Some(String::new());
                self.place = Place::Purpose;
                Ok(())
            }
            "file" if known.is_some() => Err("part file is one too many".into()),
            "file" if purpose.is_none() && self.rules.order => Err("part file comes before part purpose".into()),
            "file" if content_type.is_none() && self.rules.part_type => Err("part file has no Content-Type".into()),
            "file" => {
                *known = Some(filename.filter(|name| !name.is_empty()).ok_or("part file has no filename")?);
                self.form.content_type = content_type;
                self.place = Place::File;
                Ok(())
            }
            name if self.rules.rest => Err(format!("part {name} is one too many")),
            _ => {
                self.place = Place::OtherPart;
                Ok(())
            }
        }
    }
}

/// Where the next carriage return is. By way of the standard library, which is fast also in a debug build.
fn find_cr(mut bytes: &[u8]) -> Option<usize> {
    let all = bytes;
    let length = bytes.skip_until(b'\r').unwrap_or(0);
    (length > 0 && all[length - 1] == b'\r').then(|| length - 1)
}

fn boundary(content_type: &str) -> Result<String, String> {
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(format!("Content-Type {}: use multipart/form-data", media_type.trim()));
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
    });
    let boundary = boundary.filter(|boundary| !boundary.is_empty()).ok_or("Content-Type has no boundary")?;
    if boundary.len() > 70 { Err("the boundary is longer than 70 characters".into()) } else { Ok(boundary) }
}

/// The name and file name of a part, as any client may write them (RFC 6266 has the form `filename*`).
fn names(disposition: &str) -> Result<(String, Option<String>), String> {
    let (kind, mut rest) = disposition.split_once(';').unwrap_or((disposition, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err("the Content-Disposition of a part is not form-data".into());
    }
    let (mut name, mut filename, mut extended) = (None, None, None);
    while !rest.trim().is_empty() {
        let (key, after) = rest.split_once('=').ok_or(format!("Content-Disposition is not well-formed at {rest}"))?;
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (value, _) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), &after[value.len()..])
            }
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "name" => name = Some(value),
            "filename" => filename = Some(value),
            "filename*" => extended = Some(decoded(&value)),
            _ => {}
        }
        rest = after.trim_start();
        rest = match rest.strip_prefix(';') {
            Some(next) => next,
            None if rest.is_empty() => rest,
            None => return Err(format!("Content-Disposition is not well-formed at {rest}")),
        };
    }
    Ok((name.ok_or("a part has no name")?, extended.or(filename)))
}

/// Up to the closing quote, and what follows it. A backslash quotes a quote or another backslash.
fn unquoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' if matches!(characters.peek(), Some((_, '"' | '\\'))) => {
                value.extend(characters.next().map(|(_, quoted)| quoted));
            }
            other => value.push(other),
        }
    }
    Err("Content-Disposition has an open quote".into())
}

/// `UTF-8'en'%e5%a3%b0` as the text it stands for; other character sets are read as UTF-8, too.
fn decoded(extended: &str) -> String {
    let text = extended.splitn(3, '\'').last().unwrap_or_default();
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The same, with nothing but these two, between quotes.
fn strict_names(disposition: &str) -> Result<(String, Option<String>), String> {
    let mut rest = disposition.strip_prefix("form-data").ok_or("the Content-Disposition of a part is not form-data")?;
    let (mut name, mut filename) = (None, None);
    while !rest.is_empty() {
        let parameter = rest.strip_prefix(';').map(str::trim_start).and_then(|rest| rest.split_once("=\""));
        let (key, value) = parameter.ok_or(format!("Content-Disposition is not well-formed at {rest}"))?;
        let (value, after) = value.split_once('"').ok_or("Content-Disposition has an open quote")?;
        let place = match key {
            "name" => &mut name,
            "filename" => &mut filename,
            _ => return Err(format!("Content-Disposition has a parameter {key}")),
        };
        if place.replace(value.to_owned()).is_some() {
            return Err(format!("Content-Disposition has {key} twice"));
        }
        rest = after;
    }
    Ok((name.ok_or("a part has no name")?, filename))
}

/// Undoes what browsers do to a file name.
pub(crate) fn plain_name(filename: &str) -> String {
    filename.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}
