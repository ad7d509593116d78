//! The database servers on the monitoring page, where there are several.

use leptos::prelude::*;

use super::model::ServerNumbers;
use crate::ui::written;

pub fn servers(servers: &[ServerNumbers], may_steer: bool) -> AnyView {
    let rows = servers.iter().map(|server| {
        let lag = server.lag_ms.map(|lag| format!("{} ms", written::number(lag)));
        let [read, write] = server.breakers.map(|breaker| breaker.replace('_', "-"));
        view! {
            <tr>
                <td data-label="Server"><strong>{server.name}</strong> " " <code>{server.place.clone()}</code></td>
                <td data-label="Now">{now(server)} {(server.is_rival && may_steer).then(|| trust(server.name))}</td>
                <td class="number" data-label="Behind">{lag}</td>
                <td data-label="Breakers">{format!("{read}, {write}")}</td>
            </tr>
        }
    });
    view! {
        <table class="grid">
            <thead>
                <tr>
                    <th scope="col">"Server"</th>
                    <th scope="col">"Now"</th>
                    <th scope="col" class="number">"Behind"</th>
                    <th scope="col">"Breakers, reading and writing"</th>
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
    .into_any()
}

fn now(server: &ServerNumbers) -> &'static str {
    match server {
        ServerNumbers {
            takes_changes: true, ..
        } => "takes changes",
        ServerNumbers { answers: false, .. } => "does not answer",
        ServerNumbers { is_rival: true, .. } => {
            "left alone until it follows the primary: it would take changes, too, and may hold something else"
        }
        ServerNumbers { is_read_from: true, .. } => "is read from",
        ServerNumbers { is_barred: true, .. } => {
            "left alone until it follows the primary: it takes no changes, and may hold something else"
        }
        _ => "is not read from: it is late or follows another server, or that is not known",
    }
}

/// For whoever has looked at what it holds.
fn trust(server: &'static str) -> AnyView {
    view! {
        <form method="post" action="/api/database/trust">
            <input type="hidden" name="server" value=server />
            <button class="button" type="submit">"What it holds is what counts"</button>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_said_with_what_it_does_and_only_who_may_can_trust_one() {
        let barred = ServerNumbers {
            name: "main",
            place: "north:5432".to_owned(),
            answers: true,
            takes_changes: false,
            is_read_from: false,
            is_rival: true,
            is_barred: true,
            lag_ms: None,
            breakers: ["closed", "half_open"],
        };
        let primary = ServerNumbers {
            name: "standby1",
            takes_changes: true,
            is_rival: false,
            is_barred: false,
            ..barred.clone()
        };
        let replica = ServerNumbers {
            name: "replica1",
            is_read_from: true,
            is_rival: false,
            is_barred: false,
            lag_ms: Some(1_200),
            ..barred.clone()
        };
        let all = [barred, primary, replica];
        let drawn = |may_steer| Owner::new().with(|| servers(&all, may_steer).to_html());
        let html = drawn(true);
        for words in [
            "north:5432",
            "left alone",
            "takes changes",
            "is read from",
            "1,200 ms",
            "closed, half-open",
        ] {
            assert!(html.contains(words), "{words} is missing: {html}");
        }
        let trusting = "action=\"/api/database/trust\"";
        assert_eq!(
            (html.matches(trusting).count(), drawn(false).matches(trusting).count()),
            (1, 0)
        );
    }
}
