//! Reading answers: what is one, and what is only a failure of the way.

use resilient_core::connection::Report;
use resilient_core::submission::answer::{Answer, Outcome};
use resilient_core::submission::machine::events::DraftRefusal;

use crate::json::{Fields, Json};
use crate::wire;

/// What came back over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// 0 for a redirect that was not followed.
    pub status: u16,
    pub is_json: bool,
    /// Milliseconds, from `Retry-After` in seconds.
    pub retry_after_ms: Option<u64>,
    pub body: String,
}

/// The server's answer to a save. `None`: HTML, a proxy's page, a redirect elsewhere; nothing is
/// known of the submission.
pub fn answer(reply: &Reply) -> Option<Answer> {
    let mut answer = ours(reply).or_else(|| turned_away(reply.status))?;
    answer.retry_after_ms = answer.retry_after_ms.or(reply.retry_after_ms);
    Some(answer)
}

/// Two answers are heard whoever gives them, a proxy in between included: what is too large for it will be too large
/// the next time, and who sends too often has to wait. They say nothing of what was sent before.
fn turned_away(status: u16) -> Option<Answer> {
    let outcome = match status {
        413 => Outcome::TooLarge,
        429 => Outcome::RateLimited,
        _ => return None,
    };
    Some(Answer {
        on_the_way: true,
        ..Answer::new(outcome)
    })
}

fn ours(reply: &Reply) -> Option<Answer> {
    if !reply.is_json {
        return None;
    }
    let mut envelope = Json::read(&reply.body)?.object()?;
    if !is_ours(&mut envelope) {
        return None;
    }
    let whole = envelope.take("data").and_then(wire::answer);
    // A refusal from before the save was looked at has an error, and data of its own or none.
    whole.or_else(|| Some(Answer::new(wire::outcome(envelope.take("error")?)?)))
}

/// Every answer of ours says whether it succeeded; a proxy's JSON does not.
fn is_ours(envelope: &mut Fields) -> bool {
    envelope.take("success").and_then(Json::flag).is_some()
}

/// What became of a submission that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Answer(Box<Answer>),
    NeverSaved,
    Unanswered,
}

pub fn asked(reply: Option<&Reply>) -> Asked {
    match reply {
        Some(reply) if reply.status == 404 && is_from_us(reply) => Asked::NeverSaved,
        Some(reply) => answer(reply).map_or(Asked::Unanswered, |answer| Asked::Answer(Box::new(answer))),
        None => Asked::Unanswered,
    }
}

/// Whether the server itself answers, and not something on the way to it.
fn is_from_us(reply: &Reply) -> bool {
    let envelope = Json::read(&reply.body).filter(|_| reply.is_json).and_then(Json::object);
    envelope.is_some_and(|mut envelope| is_ours(&mut envelope))
}

/// Whether the server has dropped a draft, or never had it.
pub fn draft_dropped(reply: &Reply) -> bool {
    matches!(reply.status, 200 | 404 | 409 | 410) && is_from_us(reply)
}

/// The server's answer to a draft.
pub fn draft_taken(reply: Option<&Reply>) -> Result<(), DraftRefusal> {
    let Some(reply) = reply else {
        return Err(DraftRefusal::Unanswered);
    };
    if reply.status == 413 {
        // Whoever says it, a proxy in between included.
        return Err(DraftRefusal::TooLarge);
    }
    if !is_from_us(reply) {
        return Err(DraftRefusal::Unanswered);
    }
    match reply.status {
        200 | 201 => Ok(()),
        409 => Err(stored_instead(&reply.body).unwrap_or(DraftRefusal::Unanswered)),
        401 => Err(DraftRefusal::SignedOut),
        400 | 403 | 404 | 405 | 422 => Err(DraftRefusal::Refused),
        _ => Err(DraftRefusal::Unanswered),
    }
}

fn stored_instead(body: &str) -> Option<DraftRefusal> {
    let mut envelope = Json::read(body)?.object()?;
    if !is_ours(&mut envelope) {
        return None;
    }
    if envelope.maybe_text("error")?.as_deref() == Some("discarded") {
        return Some(DraftRefusal::Discarded);
    }
    let stored = match envelope.maybe("data") {
        Some(data) => Some(Box::new(wire::draft(data)?)),
        None => None,
    };
    Some(DraftRefusal::Stored(stored))
}

/// The answer to a probe. `None`: nothing of ours answered.
pub fn readiness(reply: Option<&Reply>) -> Option<Report> {
    let reply = reply.filter(|reply| reply.is_json && matches!(reply.status, 200 | 503))?;
    let mut data = Json::read(&reply.body)?.object()?.take("data")?.object()?;
    Some(report(&mut data, "drafts_kept_in"))
}

/// What the server says of itself; `drafts` is the name of the field that says where drafts are kept.
pub fn report(said: &mut Fields, drafts: &str) -> Report {
    let [database, drafts] = ["database", drafts].map(|part| said.text(part).unwrap_or_default());
    Report::read(&database, &drafts, said.number("retry_after_ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            is_json: true,
            retry_after_ms: None,
            body: body.into(),
        }
    }

    #[test]
    fn a_proxys_page_neither_keeps_nor_refuses_nor_drops_a_draft() {
        for status in [200, 403, 404, 409] {
            let page = Reply {
                status,
                is_json: false,
                body: "<html></html>".into(),
                ..Reply::default()
            };
            assert_eq!(draft_taken(Some(&page)), Err(DraftRefusal::Unanswered), "{status}");
            assert!(!draft_dropped(&page), "{status}");
            assert_eq!(
                draft_taken(Some(&reply(status, "{}"))),
                Err(DraftRefusal::Unanswered),
                "{status}"
            );
        }
        assert_eq!(draft_taken(Some(&reply(200, r#"{"success":true}"#))), Ok(()));
        assert!(draft_dropped(&reply(404, r#"{"success":false,"error":"not_found"}"#)));
    }

    #[test]
    fn a_proxys_page_is_no_answer() {
        let page = Reply {
            status: 502,
            is_json: false,
            body: "<html>Bad gateway</html>".into(),
            ..Reply::default()
        };
        assert_eq!(answer(&page), None);
        assert_eq!(answer(&reply(200, "{}")), None);
        assert_eq!(draft_taken(Some(&page)), Err(DraftRefusal::Unanswered));
        let page = Reply { status: 503, ..page };
        assert_eq!(readiness(Some(&page)), None);
    }

    #[test]
    fn a_proxy_that_finds_it_too_large_or_too_often_is_believed() {
        for (status, outcome) in [(413, Outcome::TooLarge), (429, Outcome::RateLimited)] {
            for is_json in [false, true] {
                let page = Reply {
                    status,
                    is_json,
                    retry_after_ms: Some(7_000),
                    body: "{}".into(),
                };
                let said = answer(&page).map(|said| (said.outcome, said.retry_after_ms, said.on_the_way));
                assert_eq!(said, Some((outcome, Some(7_000), true)));
            }
            let own = format!(r#"{{"success":false,"error":"{}","data":null}}"#, outcome.code());
            assert!(answer(&reply(status, &own)).is_some_and(|said| !said.on_the_way));
        }
    }

    #[test]
    fn a_proxys_json_ends_no_submission() {
        for (status, body) in [
            (404, r#"{"error":"gone"}"#),
            (404, "{}"),
            (403, r#"{"error":"forbidden"}"#),
        ] {
            assert_eq!(answer(&reply(status, body)), None);
            assert_eq!(asked(Some(&reply(status, body))), Asked::Unanswered);
        }
        let own = r#"{"success":false,"error":"not_found","data":null}"#;
        assert_eq!(asked(Some(&reply(404, own))), Asked::NeverSaved);
    }

    #[test]
    fn a_probes_answer_says_what_is_there() {
        let down = r#"{"success":false,"data":{"database":"down","drafts_kept_in":"spill","retry_after_ms":400}}"#;
        assert_eq!(
            readiness(Some(&reply(503, down))),
            Some(Report::read("down", "spill", Some(400)))
        );
        let up = r#"{"success":true,"data":{"database":"up","drafts_kept_in":"server","retry_after_ms":null}}"#;
        assert_eq!(readiness(Some(&reply(200, up))), Some(Report::ALL_UP));
        assert_eq!(readiness(None), None);
    }

    #[test]
    fn an_answer_carries_what_the_server_said() {
        let saved = answer(&reply(
            200,
            r#"{"success":true,"data":{"outcome":"saved","key":"7","version":"v2","current":{"a":null}}}"#,
        ));
        let saved = saved.expect("an answer");
        assert_eq!(
            (saved.outcome, saved.version.as_deref(), saved.current.get("a")),
            (Outcome::Saved, Some("v2"), Some(&None))
        );
        let mut kept = reply(
            503,
            r#"{"success":false,"error":"kept","data":{"outcome":"kept","reason":"database"}}"#,
        );
        kept.retry_after_ms = Some(4_000);
        assert_eq!(answer(&kept).and_then(|kept| kept.retry_after_ms), Some(4_000));
    }

    #[test]
    fn a_refusal_without_data_is_known_by_its_error() {
        let refused = answer(&reply(
            401,
            r#"{"success":false,"error":"unauthenticated","data":null}"#,
        ));
        assert_eq!(refused.map(|refused| refused.outcome), Some(Outcome::Unauthenticated));
    }

    #[test]
    fn a_draft_stored_in_between_is_named() {
        let body = r#"{"success":false,"error":"conflict","data":{"version":"v","base":{},"values":{"a":"x"},"seq":4,"writer":"w","on":null}}"#;
        let Err(DraftRefusal::Stored(Some(stored))) = draft_taken(Some(&reply(409, body))) else {
            panic!("a stored draft")
        };
        assert_eq!(stored.revision.seq, 4);
        assert_eq!(
            draft_taken(Some(&reply(409, r#"{"success":false,"data":null}"#))),
            Err(DraftRefusal::Stored(None))
        );
        assert_eq!(
            draft_taken(Some(&reply(409, r#"{"message":"a proxy's"}"#))),
            Err(DraftRefusal::Unanswered)
        );
    }
}
