//! The contestant `reqwest::blocking`, one client for all threads: bench-reqwest FIRST_ID THREADS WARM_UP CALLS. The last
//! two are for each thread.
//!
//! Server, key and roots are in MINIMAX_BASE_URL, MINIMAX_API_KEY and SSL_CERT_FILE. Prints one line of JSON.
#![allow(unsafe_code)] // getrusage

use reqwest::Certificate;
use reqwest::blocking::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::mem::MaybeUninit;
use std::sync::Barrier;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Serialize)]
struct Request {
    file_id: i64,
    purpose: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    base_resp: BaseResp,
}

#[derive(Deserialize)]
struct BaseResp {
    status_code: i64,
}

#[derive(Serialize)]
struct Outcome {
    about: &'static str,
    wall_ns: u64,
    cpu_ns: u64,
    peak_rss_kib: i64,
    call_ns: Vec<u64>,
}

struct Contestant {
    client: Client,
    url: String,
    authorization: String,
}

impl Contestant {
    fn new() -> Result<Contestant> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots = Certificate::from_pem_bundle(&fs::read(env::var("SSL_CERT_FILE")?)?)?;
        let client = Client::builder().tls_certs_only(roots).no_proxy().timeout(Duration::from_secs(60)).build()?;
        Ok(Contestant {
            client,
            url: format!("{}/v1/files/delete", env::var("MINIMAX_BASE_URL")?),
            authorization: format!("Bearer {}", env::var("MINIMAX_API_KEY")?),
        })
    }

    fn delete(&self, file_id: i64) -> Result<()> {
        let body = serde_json::to_vec(&Request { file_id, purpose: "voice_clone" })?;
        let request = self.client.post(&self.url).header(AUTHORIZATION, &self.authorization);
        let answer = request.header(CONTENT_TYPE, "application/json").body(body).send()?;
        let (status, text) = (answer.status(), answer.text()?);
        let answer: Answer = serde_json::from_str(&text)?;
        if status != 200 || answer.base_resp.status_code != 0 {
            return Err(format!("{status}: {text}").into());
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let numbers: Vec<i64> = env::args().skip(1).map(|word| word.parse()).collect::<std::result::Result<_, _>>()?;
    let &[first_id, threads, warm_up, calls] = numbers.as_slice() else {
        return Err("usage: bench-reqwest FIRST_ID THREADS WARM_UP CALLS".into());
    };
    let contestant = Contestant::new()?;
    let barrier = Barrier::new(usize::try_from(threads)? + 1);
    let worker = |number: i64| -> Result<Vec<u64>> {
        let first = first_id + number * (warm_up + calls);
        (first..first + warm_up).try_for_each(|id| contestant.delete(id))?;
        barrier.wait();
        barrier.wait();
        let mut times = Vec::with_capacity(usize::try_from(calls)?);
        for id in first + warm_up..first + warm_up + calls {
            let began = Instant::now();
            contestant.delete(id)?;
            times.push(nanoseconds(began.elapsed()));
        }
        barrier.wait();
        Ok(times)
    };
    // The others wait at the barrier for one that has failed.
    let or_end = |result: Result<Vec<u64>>| {
        result.unwrap_or_else(|error| {
            eprintln!("{error}");
            process::exit(1);
        })
    };
    let outcome = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|number| scope.spawn(move || or_end(worker(number)))).collect();
        barrier.wait();
        let (cpu, began) = (usage().0, Instant::now());
        barrier.wait();
        barrier.wait();
        let wall = began.elapsed();
        let (cpu_after, peak_rss_kib) = usage();
        let times = workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default());
        Outcome {
            about: "reqwest::blocking 0.13 with rustls",
            wall_ns: nanoseconds(wall),
            cpu_ns: nanoseconds(cpu_after - cpu),
            peak_rss_kib,
            call_ns: times.collect(),
        }
    });
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

/// CPU time and peak memory of the process.
fn usage() -> (Duration, i64) {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage fills the struct, for which all zero is a value too.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let duration = |time: libc::timeval| Duration::from_micros(time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64);
    (duration(usage.ru_utime) + duration(usage.ru_stime), usage.ru_maxrss)
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
