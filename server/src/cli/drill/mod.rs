//! `inkfast drill`: lets the database of a running server fail for a while, and ends with a code that says whether
//! anything was lost.

mod told;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use app::monitoring::model::{DRILL_SECONDS, DrillKind};
use clap::Args;
use http::{Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::asking::{self, Output, Server, Writing};
use crate::config::{ListenSettings, environment};
use crate::startup;

const CODES: &str = "\
The kinds:
  refuse, hang, slow   it is away, or takes its time
  deadlock             whatever writes is undone in favour of another transaction
  kill                 connections break in the middle of work, and at COMMIT
  readonly, full       it takes no changes: as a standby, or because its disk is full

Exit codes:
  0  nothing was lost: every save that was called saved is there, once
  1  something was lost, or done twice
  2  it could not be run, or not be checked

The server has to run with --drills. It is asked with INKFAST_API_TOKEN at the address of INKFAST_LISTEN (or on
this machine, where that means every address), by plain http. Interrupted, the drill is stopped and checked.";

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// From the end of a drill to the end of its check: the database has a minute to come back.
const CHECKED_WITHIN: Duration = Duration::from_secs(90);

#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct DrillArguments {
    /// What the database does.
    #[arg(value_parser = kind)]
    kind: DrillKind,
    /// For how long.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(DRILL_SECONDS))]
    seconds: u64,
    /// The server, as in http://127.0.0.1:3000, instead of that of the settings.
    #[arg(long, value_name = "URL", value_parser = server_at)]
    endpoint: Option<String>,
    /// Lines for people, or a JSON object.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Write the report there instead of printing it.
    #[arg(long)]
    file: Option<PathBuf>,
}

fn kind(word: &str) -> Result<DrillKind, String> {
    let kinds = || format!("it is one of {}", DrillKind::ALL.map(DrillKind::word).join(", "));
    DrillKind::from_word(word).ok_or_else(kinds)
}

/// Host and port of a plain http address.
fn server_at(url: &str) -> Result<String, String> {
    let read = || {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let is_http = uri.scheme_str() == Some("http");
        (is_http && is_bare).then(|| format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)))
    };
    read().ok_or_else(|| "it takes an address without a path, as in http://127.0.0.1:3000".to_owned())
}

/// Why there is no report.
struct NotRun(String);

/// What the report comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Healthy = 0,
    Lost = 1,
    NotRun = 2,
}

pub fn run(arguments: &DrillArguments) -> ExitCode {
    let ended = server(arguments).and_then(|server| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| NotRun(error.to_string()))?;
        runtime.block_on(drill(arguments, &server))
    });
    let verdict = ended
        .and_then(|report| tell(arguments, &report))
        .unwrap_or_else(|NotRun(why)| {
            eprintln!("{why}");
            Verdict::NotRun
        });
    ExitCode::from(verdict as u8)
}

fn server(arguments: &DrillArguments) -> Result<Server, NotRun> {
    let token = environment("INKFAST_API_TOKEN");
    let token = token.ok_or_else(|| NotRun("INKFAST_API_TOKEN is not set: the server asks for it.".to_owned()))?;
    let (at, host) = match &arguments.endpoint {
        Some(endpoint) => (endpoint.clone(), endpoint.clone()),
        None => {
            let listen = ListenSettings::from_env(&environment).map_err(|problems| NotRun(problems.join("\n")))?;
            let at = asking::reachable(listen.address).to_string();
            (at, listen.public_url.authority)
        }
    };
    Ok(Server {
        at,
        host,
        token: Some(token),
    })
}

/// Begins it and follows it to the end of its check.
async fn drill(arguments: &DrillArguments, server: &Server) -> Result<Value, NotRun> {
    // Listened for from the start: a drill that is begun is never left behind. (Nor is one whose beginning was never
    // heard of here: the server ends it when nobody asks.)
    let mut interrupted = tokio::spawn(startup::told_to_stop());
    let wanted = json!({ "kind": arguments.kind.word(), "seconds": arguments.seconds, "followed": true });
    let begun = asked(server, Method::POST, "/api/drills", Some(&wanted))
        .await
        .map_err(NotRun)?;
    let id = begun["id"]
        .as_u64()
        .ok_or_else(|| NotRun("The server did not say which drill it began.".to_owned()))?;
    eprintln!("Drill {id}: {} for {} s.", arguments.kind.word(), arguments.seconds);
    let (address, limit) = (
        format!("/api/drills/{id}"),
        Instant::now() + Duration::from_secs(arguments.seconds) + CHECKED_WITHIN,
    );
    let mut is_stopped = false;
    loop {
        tokio::select! {
            _ = &mut interrupted, if !is_stopped => {
                is_stopped = true;
                asked(server, Method::POST, &format!("{address}/stop"), None).await.map_err(NotRun)?;
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let problem = match asked(server, Method::GET, &address, None).await {
            Ok(drill) if drill["state"] == "done" => return Ok(drill),
            Ok(_) => "The drill did not come to its end in time.".to_owned(),
            Err(problem) => problem,
        };
        if Instant::now() > limit {
            return Err(NotRun(problem));
        }
    }
}

/// `data` of a good answer.
async fn asked(server: &Server, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let (status, body) = server.ask(method, path, body).await?;
    let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(answer["data"].take());
    }
    Err(match (status, answer["message"].as_str()) {
        (StatusCode::UNAUTHORIZED, _) => "The server takes another INKFAST_API_TOKEN, or none.".to_owned(),
        (_, Some(message)) => message.to_owned(),
        _ => format!("The server answered {status}: is that an Inkfast?"),
    })
}

fn tell(arguments: &DrillArguments, report: &Value) -> Result<Verdict, NotRun> {
    let text = match arguments.output {
        Output::Text => told::lines(report),
        Output::Json => format!("{report}\n"),
    };
    let place = arguments.file.as_deref();
    asking::write(place, Writing::Whole, &text).map_err(|error| {
        let place = place.unwrap_or(Path::new("the output"));
        NotRun(format!("{} cannot be written: {error}.", place.display()))
    })?;
    Ok(match report["verdict"].as_str() {
        Some("healthy") => Verdict::Healthy,
        Some("lost") => Verdict::Lost,
        _ => Verdict::NotRun,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_host_and_port() {
        assert_eq!(server_at("http://127.0.0.1:3000"), Ok("127.0.0.1:3000".to_owned()));
        assert_eq!(server_at("http://panel.example/"), Ok("panel.example:80".to_owned()));
        assert_eq!(server_at("http://[::1]:81"), Ok("[::1]:81".to_owned()));
        for wrong in [
            "https://panel.example",
            "127.0.0.1:3000",
            "http://a/b",
            "http://u:p@a",
            "http://a?b",
        ] {
            assert!(server_at(wrong).is_err(), "{wrong}");
        }
    }
}
