//! `download`: a file's bytes, to a file or to standard output.

use crate::args;
use crate::context::Context;
use crate::escape;
use crate::exit::Exit;
use crate::output::Unit;
use crate::pipe::Pipe;
use crate::stop::Stop;
use crate::table;
use mmx::api::download::{download_file, download_stream};
use std::io::{IsTerminal as _, stdout};
use std::path::Path;

pub(crate) fn run(args: &args::Download, context: &Context<'_>) -> Result<Exit, Stop> {
    // The service's name for it must not steer where it is written.
    let by_id = args.id.to_string();
    let path = args.output.as_deref().unwrap_or(Path::new(&by_id));
    let to_stdout = path == Path::new("-");
    if to_stdout && stdout().is_terminal() {
        return Err(Stop::Usage("a file's bytes could drive the terminal: send standard output elsewhere".into()));
    }
    let path = path.to_str().ok_or_else(|| Stop::Usage(format!("the path {} is not UTF-8", path.display())))?;
    let account = context.account()?;
    let bar = context.output.bar(Unit::Bytes, &by_id);
    let report = |done, total| bar.report(done, total);
    let options = context.call_options(Some(&report));
    let result = match to_stdout {
        true => {
            let mut pipe = Pipe::new(context.signals);
            let result = download_stream(&account.client, args.id, &mut pipe, false, &options);
            if pipe.is_unread() {
                return Err(Stop::Unread);
            }
            result
        }
        false => download_file(&account.client, args.id, path, false, &options),
    };
    drop(bar);
    let json = result?;
    match (context.output.json, to_stdout) {
        (true, false) => context.output.print_json_text(&json)?,
        // Standard output has the bytes.
        (true, true) => context.output.say(&escape::json(&json)),
        (false, false) => context.output.print(&table::name(path))?,
        (false, true) => {}
    }
    Ok(Exit::Done)
}
