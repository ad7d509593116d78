//! `inkfast health-check`: asks a running server how it is, and ends with a code that says it.

mod verdict;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use http::Method;
use http::uri::PathAndQuery;

use self::verdict::Checked;
pub use self::verdict::Verdict;
use super::asking::{self, Output, Server, Writing};
use crate::clock::now_ms;
use crate::config::{ListenSettings, environment};
use crate::startup;

const CODES: &str = "\
Exit codes:
  0  healthy
  1  degraded: it works, and something is missing or slow
  2  unhealthy: the database cannot be reached, or the server failed
  3  not reachable: no answer within 5 seconds
  4  not checked: wrong arguments or settings, an address that says nothing about health,
     or a file that cannot be written

The server is asked at the address of INKFAST_LISTEN (or on this machine, where that means every
address), by plain http. Where INKFAST_PUBLIC_URL is https, what does the https in front of it is
not asked.";

#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct HealthCheckArguments {
    /// Check again and again until interrupted, and end with the code of the last check.
    #[arg(long)]
    continuous: bool,
    /// Pause between two checks of --continuous.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,
    /// A line for people, or one with a JSON object, for each check.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Write there instead of printing. A single check replaces the file, --continuous adds lines to it.
    #[arg(long)]
    file: Option<PathBuf>,
    /// What is asked. To one that is named here, INKFAST_API_TOKEN is sent along.
    #[arg(long, value_name = "PATH", value_parser = endpoint)]
    endpoint: Option<PathAndQuery>,
}

fn endpoint(path: &str) -> Result<PathAndQuery, String> {
    let read = path.starts_with('/').then(|| path.parse().ok()).flatten();
    read.ok_or_else(|| "it takes a path on the server, as in /health/detailed".to_owned())
}

pub fn run(arguments: &HealthCheckArguments) -> ExitCode {
    let listen = match ListenSettings::from_env(&environment) {
        Ok(listen) => listen,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            return Verdict::NotChecked.into();
        }
    };
    // Whoever listens there gets it, so it is sent only where it was asked for.
    let token = arguments
        .endpoint
        .as_ref()
        .and_then(|_| environment("INKFAST_API_TOKEN"));
    let endpoint = arguments.endpoint.clone();
    let server = Server {
        at: asking::reachable(listen.address).to_string(),
        host: listen.public_url.authority,
        token,
    };
    let endpoint = endpoint.unwrap_or_else(|| PathAndQuery::from_static("/health"));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return Verdict::NotChecked.into();
        }
    };
    match runtime.block_on(check(arguments, &server, &endpoint)) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            let place = arguments.file.as_deref().unwrap_or(Path::new("the output"));
            eprintln!("{} cannot be written: {error}.", place.display());
            Verdict::NotChecked.into()
        }
    }
}

/// Once, or until told to stop; what the last check said.
async fn check(arguments: &HealthCheckArguments, server: &Server, endpoint: &PathAndQuery) -> io::Result<Verdict> {
    let mut verdict = tell(arguments, &check_once(server, endpoint).await)?;
    if !arguments.continuous {
        return Ok(verdict);
    }
    let interval = Duration::from_secs(arguments.interval);
    let mut stopped = pin!(startup::told_to_stop());
    loop {
        let next = async {
            tokio::time::sleep(interval).await;
            check_once(server, endpoint).await
        };
        tokio::select! {
            () = &mut stopped => return Ok(verdict),
            checked = next => verdict = tell(arguments, &checked)?,
        }
    }
}

fn tell(arguments: &HealthCheckArguments, checked: &Checked) -> io::Result<Verdict> {
    let mut line = match arguments.output {
        Output::Text => checked.to_string(),
        Output::Json => checked.to_json().to_string(),
    };
    line.push('\n');
    let writing = if arguments.continuous {
        Writing::MoreLines
    } else {
        Writing::Whole
    };
    asking::write(arguments.file.as_deref(), writing, &line)?;
    Ok(checked.verdict)
}

async fn check_once(server: &Server, endpoint: &PathAndQuery) -> Checked {
    let (at_ms, began) = (now_ms(), Instant::now());
    let answered = server.ask(Method::GET, endpoint.as_str(), None).await;
    let took = began.elapsed();
    let endpoint = endpoint.to_string();
    match answered {
        Ok((status, body)) => Checked {
            verdict: Verdict::of(status, &body),
            at_ms,
            took,
            endpoint,
            status: Some(status.as_u16()),
            answer: serde_json::from_slice(&body).ok(),
            problem: None,
        },
        Err(problem) => Checked {
            verdict: Verdict::Unreachable,
            at_ms,
            took,
            endpoint,
            status: None,
            answer: None,
            problem: Some(problem),
        },
    }
}
