use resilient_core::draft::{Draft, Revision, Text, Values};

use super::*;
use crate::drafts::comparing::{Compared, Difference, DraftState};
use crate::records::sample::text;

fn kept(form_key: &str, seq: u64) -> KeptDraft {
    KeptDraft {
        form_key: form_key.into(),
        draft: Draft {
            version: "v".into(),
            base: Values::new(),
            values: Values::from([("name".into(), text("North"))]),
            revision: Revision {
                seq,
                writer: "w1".into(),
            },
            on: None,
        },
        changed_at_ms: 0,
        waits_to_be_saved: false,
    }
}

fn drawn(drafts: &[KeptDraft], state: DraftState, differences: Vec<Difference>) -> String {
    let compared = Compared {
        state,
        differences,
        same: 0,
    };
    let card = FormCard {
        form_key: &drafts[0].form_key,
        title: "North site".into(),
        subtitle: Some("Site 7".into()),
        may_insert: true,
        drafts: drafts.iter().map(|kept| (kept, compared.clone())).collect(),
        more: 0,
        sent: Vec::new(),
        place: 3,
    };
    Owner::new().with(|| form_card(&card).to_html())
}

fn difference(now: Option<Text>, mine: &str) -> Difference {
    Difference {
        label: "Name".into(),
        mine: text(mine),
        now,
        changed_meanwhile: false,
    }
}

#[test]
fn texts_of_one_form_stand_together_in_the_order_of_their_latest_change() {
    let drafts = [kept("site/1", 1), kept("site/2", 2), kept("site/1", 3)];
    let forms: Vec<Vec<u64>> = by_form(&drafts)
        .iter()
        .map(|form| form.drafts.iter().map(|kept| kept.draft.revision.seq).collect())
        .collect();
    assert_eq!(forms, [vec![1, 3], vec![2]]);
}

#[test]
fn a_page_has_so_many_forms_and_one_beyond_the_last_is_the_last() {
    let shown = |asked, forms| {
        let shown = Shown::of(asked, forms);
        (shown.page, shown.from, shown.to)
    };
    assert_eq!(shown(None, 0), (1, 0, 0));
    assert_eq!(shown(Some("2"), 41), (2, 20, 40));
    assert_eq!(shown(Some("9"), 41), (3, 40, 41));
    for odd in ["0", "-1", "x", "99999999999999999999999"] {
        assert_eq!(shown(Some(odd), 41), (1, 0, 20), "{odd}");
    }
}

#[test]
fn the_record_s_text_and_mine_stand_beside_each_other_with_the_words_marked() {
    let html = drawn(
        &[kept("site/7", 4)],
        DraftState::Typed,
        vec![difference(Some(text("Northern <site>")), "Southern <site>")],
    );
    assert!(
        html.contains("<mark>Northern</mark>") && html.contains("<mark>Southern</mark>"),
        "{html}"
    );
    assert!(html.contains("&lt;site&gt;") && !html.contains("<site>"), "{html}");
    assert!(html.contains(r#"href="/records/site/7""#), "{html}");
    assert!(
        html.contains("/drafts/export?form_key=site/7&amp;seq=4&amp;writer=w1"),
        "{html}"
    );
}

#[test]
fn discarding_is_asked_about_first_and_names_the_text() {
    let html = drawn(&[kept("site/7", 4)], DraftState::Typed, Vec::new());
    let (before, asked) = html.split_once("popover=\"auto\"").expect("a question");
    assert!(!before.contains("<form"), "{html}");
    assert!(asked.contains(r#"action="/drafts/discard""#), "{html}");
    assert!(asked.contains(r#"name="writer" value="w1""#), "{html}");
}

#[test]
fn one_of_several_texts_is_opened_by_its_name_and_a_gone_record_is_made_anew() {
    let drafts = [kept("site/7", 4), kept("site/7", 5)];
    let html = drawn(&drafts, DraftState::RecordGone, Vec::new());
    assert!(html.contains("?restore=5-w1"), "{html}");
    assert!(
        html.contains("2 different texts") && html.contains("Create as new"),
        "{html}"
    );
    let unknown = drawn(&drafts[..1], DraftState::TableUnknown, Vec::new());
    assert!(!unknown.contains(">Open"), "{unknown}");
}

#[test]
fn only_who_sees_everything_is_told_that_nothing_waits() {
    let drawn = |complete| {
        let seen = SeenDrafts {
            drafts: Vec::new(),
            unreadable: Vec::new(),
            complete,
        };
        let html = Owner::new().with(|| view! { {incomplete(seen.complete)} {nothing(&seen, false)} }.to_html());
        (html.contains("Nothing is waiting."), html.contains("There may be more"))
    };
    assert_eq!(drawn(true), (true, false));
    assert_eq!(drawn(false), (false, true));
}
