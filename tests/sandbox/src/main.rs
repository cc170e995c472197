//! The stand-in server as a program.

use std::process::ExitCode;
use std::{env, io, thread};

use mmx_sandbox::{API_KEY, Options, Sandbox, seeded_files};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

const USAGE: &str = "\
Usage: mmx-sandbox [--http-port N] [--https-port N] [--ready-json] [--stop-with-stdin] [--strict]

Serves a stand-in for the MiniMax file API on 127.0.0.1 until Ctrl-C or SIGTERM. The end of its standard input doesn't
stop it, unless --stop-with-stdin is given, so it can be started in the background.

  --http-port N      the port for HTTP; without it, a free one
  --https-port N     the port for HTTPS; without it, a free one
  --ready-json       prints one line of JSON with the addresses once it is up, instead of the welcome
  --stop-with-stdin  stops, too, when standard input ends: a test harness that holds a pipe to it leaves no server
                     behind, however the harness ends
  --strict           refuses what the service takes but a careful client never sends, such as an upload whose file comes
                     before its purpose, or a delete without a purpose. Without it, the server takes what the service
                     takes. The settings of an account may say otherwise

The accounts, and how to script what goes wrong: curl http://127.0.0.1:PORT/control/help
";

#[derive(Default)]
struct Arguments {
    options: Options,
    ready_json: bool,
    stop_with_stdin: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        let mut port = || {
            let value = words.next().ok_or(format!("{word} needs a port"))?;
            value.parse().map_err(|_| format!("{word}: {value} is not a port"))
        };
        match word.as_str() {
            "--http-port" => arguments.options.http_port = port()?,
            "--https-port" => arguments.options.https_port = port()?,
            "--ready-json" => arguments.ready_json = true,
            "--stop-with-stdin" => arguments.stop_with_stdin = true,
            "--strict" => arguments.options.strict = true,
            "--help" | "-h" => return Err(String::new()),
            _ => return Err(format!("unknown argument {word}")),
        }
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) if error.is_empty() => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("mmx-sandbox: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mmx-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before anything is printed: whoever reads it may stop us at once.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let sandbox = Sandbox::start_on(arguments.options)?;
        let (ended, end) = oneshot::channel();
        if arguments.ready_json {
            println!("{}", ready(&sandbox));
        } else {
            print!("{}", welcome(&sandbox));
        }
        if arguments.stop_with_stdin {
            thread::spawn(move || {
                let _ = io::copy(&mut io::stdin(), &mut io::sink());
                let _ = ended.send(());
            });
        }
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            // Never without --stop-with-stdin: nothing is sent then.
            Ok(()) = end => {}
        }
        drop(sandbox);
        Ok(())
    })
}

fn ready(sandbox: &Sandbox) -> serde_json::Value {
    serde_json::json!({
        "http_url": sandbox.http_url(),
        "https_url": sandbox.https_url(),
        "proxy_url": sandbox.proxy_url(),
        "https_tls12_url": sandbox.https_tls12_url(),
        "https_expired_url": sandbox.https_expired_url(),
        "https_wrong_host_url": sandbox.https_wrong_host_url(),
        "https_unknown_ca_url": sandbox.https_unknown_ca_url(),
        "https_self_signed_url": sandbox.https_self_signed_url(),
        "https_no_intermediate_url": sandbox.https_no_intermediate_url(),
        "self_signed_file": sandbox.self_signed_file(),
        "store_url": sandbox.store_url(),
        "https_store_url": sandbox.https_store_url(),
        "ca_file": sandbox.ca_file(),
        "api_key": API_KEY,
    })
}

fn welcome(sandbox: &Sandbox) -> String {
    let files: String = seeded_files().iter().map(|(id, purpose)| format!("  {id:>19}  {purpose}\n")).collect();
    let http = sandbox.http_url();
    let https = sandbox.https_url();
    let ca_file = sandbox.ca_file().display();
    format!(
        r#"
MiniMax file API, stand-in
==========================

  HTTP      {http}/t/NAME
  HTTPS     {https}/t/NAME
  CA        {ca_file}
  API key   {API_KEY}

NAME is an account: choose any; it is made on first use and holds these files.

              file_id  purpose
  -------------------  ----------------
{files}
Delete a file of the account "demo"

  curl {http}/t/demo/v1/files/delete -H 'Authorization: Bearer {API_KEY}' \
    -H 'Content-Type: application/json' -d '{{"file_id":176844028768320,"purpose":"voice_clone"}}'

The same over HTTPS

  curl --cacert {ca_file} {https}/t/demo/v1/files/delete -H 'Authorization: Bearer {API_KEY}' \
    -H 'Content-Type: application/json' -d '{{"file_id":176844028768321,"purpose":"prompt_audio"}}'

Let the next call meet the rate limit

  curl -d '{{"code":1002,"headers":{{"Retry-After":"1"}}}}' {http}/control/demo/faults

Carry out the next call, but lose its answer

  curl -d '{{"close_before_answer":"rst"}}' {http}/control/demo/faults

See what arrived, and start over

  curl {http}/control/demo/journal
  curl -X POST {http}/control/demo/reset

All faults: curl {http}/control/help
Ctrl-C stops the server.
"#
    )
}
