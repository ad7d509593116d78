//! One test for each rule of what is drawn.

use resilient_core::draft::{Draft, Values};
use resilient_core::submission::answer::{Answer, Conflict};
use resilient_core::submission::form_body::{FormBody, PostedColumn};

use super::*;
use crate::records::fields::Control;
use crate::records::model::{ColumnKind, RecordKey};
use crate::records::sample::{column, nullable, record, table, text};

const FRESH: &str = "00000000-0000-4000-8000-00000000f4e5";
const FORM: &str = "00000000-0000-4000-8000-00000000f0f0";
const POSTED: &str = "00000000-0000-4000-8000-00000000aaaa";

/// `activity` 7: title "Pump", note NULL, due_on 2026-11-21, password set.
fn activity() -> RecordForm {
    let mut secret = nullable("password", ColumnKind::Text);
    secret.secret = true;
    let columns = vec![
        column("id", ColumnKind::Integer),
        column("title", ColumnKind::Text),
        nullable("note", ColumnKind::LongText),
        nullable("due_on", ColumnKind::Date),
        secret,
    ];
    let mut record = record(table("activity", columns), &[text("Pump"), None, text("2026-11-21")]);
    record.secrets_set = vec!["password".into()];
    record.editable = ["title", "note", "due_on", "password"].map(str::to_owned).to_vec();
    record
}

struct Case {
    record: RecordForm,
    readable: bool,
    target: Target,
    drafts: Vec<KeptDraft>,
    posted: Option<Posted>,
    saved: Option<SavedMark>,
    restore: Option<Restore>,
    created_before: bool,
    recreates: bool,
    /// What `version-opened` tells.
    changed_since: Vec<String>,
}

impl Case {
    fn new() -> Self {
        Self {
            record: activity(),
            readable: true,
            target: Target::Existing(RecordKey(vec!["7".into()])),
            drafts: Vec::new(),
            posted: None,
            saved: None,
            restore: None,
            created_before: false,
            recreates: false,
            changed_since: Vec::new(),
        }
    }

    fn view(&self) -> Option<FormView> {
        FormView::new(&FormSources {
            table: &self.record.table,
            target: self.target.clone(),
            record: self.readable.then_some(&self.record),
            drafts: &self.drafts,
            changed_since: &|version| (version == "version-opened").then(|| self.changed_since.clone()),
            posted: self.posted.as_ref(),
            saved: self.saved.as_ref(),
            restore: self.restore.clone(),
            page_writer: "page",
            submission_id: FRESH,
            created_before: self.created_before,
            recreates: self.recreates,
            targets: &[],
        })
    }

    fn drawn(&self) -> FormView {
        self.view().expect("a form")
    }
}

fn draft(seq: u64, writer: &str, values: &[(&str, Text, Text)]) -> KeptDraft {
    let values_of = |pick: fn(&(&str, Text, Text)) -> Text| -> Values {
        values.iter().map(|one| (one.0.to_owned(), pick(one))).collect()
    };
    KeptDraft {
        waits_to_be_saved: false,
        form_key: "activity/7".into(),
        draft: Draft {
            version: "version-then".into(),
            base: values_of(|one| one.1.clone()),
            values: values_of(|one| one.2.clone()),
            revision: Revision {
                seq,
                writer: writer.into(),
            },
            on: None,
        },
        changed_at_ms: 1,
    }
}

/// All controls as posted after typing "Pump 2" into the title.
fn posted(outcome: Outcome) -> Posted {
    let posted_column = |text: &str, null| PostedColumn {
        text: text.into(),
        null,
        base: None,
    };
    let columns = [
        ("title", posted_column("Pump 2", false)),
        ("note", posted_column("", true)),
        ("due_on", posted_column("2026-11-21", false)),
        ("password", posted_column("hunter2", false)),
    ];
    Posted {
        body: FormBody {
            account: None,
            id: Some(POSTED.into()),
            version: Some("version-posted".into()),
            revision: Some(Revision {
                seq: 0,
                writer: "before".into(),
            }),
            columns: columns
                .into_iter()
                .map(|(name, posted)| (name.to_owned(), posted))
                .collect(),
        },
        answer: Answer::new(outcome),
        changed: Some(vec!["title".into(), "password".into()]),
    }
}

fn field<'a>(view: &'a FormView, name: &str) -> &'a FieldView {
    let controls = view.fields.iter().filter_map(|field| match field {
        Field::Control(field) => Some(field),
        Field::Shown(_) => None,
    });
    controls
        .into_iter()
        .find(|field| field.column == name)
        .expect("the field")
}

#[test]
fn a_record_as_it_is_has_no_bases_and_names_this_page_load() {
    let view = Case::new().drawn();
    assert_eq!(view.state, FormState::Clean);
    assert_eq!(view.changed().count(), 0);
    assert_eq!(
        view.drawn,
        Revision {
            seq: 0,
            writer: "page".into()
        }
    );
    assert_eq!((view.id.as_str(), view.version.as_str()), (FRESH, "version-now"));
    assert_eq!(
        (view.form_key.as_str(), view.draft_url.as_str()),
        ("activity/7", "/api/drafts/activity/7")
    );
    assert_eq!(view.action, "/records/activity/7");
    assert!(
        matches!(&view.fields[0], Field::Shown(shown) if shown.text == text("7")),
        "the key is shown"
    );
    assert_eq!(field(&view, "note").null, Some(true));
    assert_eq!(field(&view, "title").null, None);
}

#[test]
fn a_new_form_is_its_own_submission() {
    let mut case = Case::new();
    case.record.key = None;
    case.target = Target::New(FORM.into());
    let view = case.drawn();
    assert_eq!(view.id, FORM);
    assert_eq!(view.form_key, format!("activity/new-{FORM}"));
    assert_eq!(view.action, format!("/records/activity/new?form={FORM}"));
    assert!(view.is_new());
}

#[test]
fn a_draft_that_still_fits_stands_in_the_form_with_the_records_value_as_base() {
    let mut case = Case::new();
    case.drafts = vec![draft(3, "tab", &[("title", text("Pump"), text("Pump A"))])];
    let view = case.drawn();
    assert_eq!(view.state, FormState::Dirty);
    assert_eq!(
        view.drawn,
        Revision {
            seq: 3,
            writer: "tab".into()
        }
    );
    let title = field(&view, "title");
    assert_eq!(
        (title.text.as_str(), &title.base, title.restored),
        ("Pump A", &Some(text("Pump")), true)
    );
    assert_eq!(field(&view, "due_on").base, None);
    assert_eq!(view.version, "version-now");
    assert!(matches!(&view.notices[..], [Notice::Restored { .. }]));
    assert_eq!(view.words, "Unsaved changes, kept on the server");
}

#[test]
fn a_draft_to_null_has_its_base_too() {
    let mut case = Case::new();
    case.drafts = vec![draft(
        3,
        "tab",
        &[("note", None, text("")), ("due_on", text("2026-11-21"), None)],
    )];
    let view = case.drawn();
    assert_eq!(
        (field(&view, "note").null, &field(&view, "note").base),
        (Some(false), &Some(None))
    );
    assert_eq!(
        (field(&view, "due_on").text.as_str(), &field(&view, "due_on").base),
        ("", &Some(text("2026-11-21")))
    );
}

#[test]
fn a_draft_on_a_record_that_changed_since_stays_beside_the_form() {
    let mut case = Case::new();
    case.drafts = vec![draft(3, "tab", &[("title", text("Old pump"), text("Pump A"))])];
    let view = case.drawn();
    assert_eq!((view.state, view.drawn.seq), (FormState::Clean, 0));
    assert_eq!(field(&view, "title").text, "Pump");
    let [
        Notice::Beside {
            draft,
            reason: BesideReason::RecordChanged,
        },
    ] = &view.notices[..]
    else {
        panic!("beside")
    };
    let title = BesideColumn {
        column: "title".into(),
        label: "title".into(),
        mine: text("Pump A"),
        now: Some(text("Pump")),
        before: Some(text("Old pump")),
    };
    assert_eq!(draft.columns, [title]);
}

#[test]
fn a_changed_column_the_draft_does_not_touch_is_no_hindrance() {
    let mut case = Case::new();
    case.drafts = vec![draft(3, "tab", &[("title", text("Pump"), text("Pump A"))])];
    case.record.values.insert("due_on".into(), text("2027-01-01"));
    assert_eq!(case.drawn().drawn.seq, 3);
}

#[test]
fn a_draft_without_bases_fits_as_its_version_tells() {
    let mut case = Case::new();
    let mut kept = draft(3, "tab", &[("title", None, text("Pump A"))]);
    kept.draft.base.clear();
    case.drafts = vec![kept.clone()];
    assert_eq!(case.drawn().drawn.seq, 0, "nobody can tell");
    kept.draft.version = "version-opened".into();
    case.drafts = vec![kept];
    let view = case.drawn();
    assert_eq!((view.drawn.seq, &field(&view, "title").base), (3, &Some(text("Pump"))));
    case.changed_since = vec!["due_on".into()];
    assert_eq!(case.drawn().drawn.seq, 3);
    case.changed_since = vec!["title".into()];
    assert_eq!(case.drawn().drawn.seq, 0);
}

#[test]
fn a_draft_that_says_what_the_record_says_is_not_worth_a_word() {
    let mut case = Case::new();
    case.drafts = vec![draft(3, "tab", &[("title", text("Old"), text("Pump"))])];
    let view = case.drawn();
    assert_eq!((view.state, view.notices.len()), (FormState::Clean, 0));
}

#[test]
fn line_ends_do_not_make_a_draft_differ_from_the_record() {
    let mut case = Case::new();
    case.record.values.insert("note".into(), text("Loud\r\nand hot"));
    case.drafts = vec![draft(3, "tab", &[("note", text("Loud"), text("Loud\nand hot"))])];
    assert_eq!(case.drawn().notices.len(), 0, "the record says it");
    case.drafts = vec![draft(3, "tab", &[("note", text("Loud\nand hot"), text("Mine"))])];
    assert_eq!(case.drawn().drawn.seq, 3, "typed over what the record still says");
}

#[test]
fn what_was_there_before_both_is_told_where_null_and_the_empty_text_are_two_values() {
    let mut case = Case::new();
    case.record.values.insert("due_on".into(), None);
    let typed = [
        ("title", text("Old pump"), text("Pump A")),
        ("note", text(""), text("Mine")),
        ("due_on", text(""), text("2027-01-01")),
    ];
    case.drafts = vec![draft(3, "tab", &typed)];
    let view = case.drawn();
    let [Notice::Beside { draft, .. }] = &view.notices[..] else {
        panic!("beside")
    };
    let before = |column: &str| {
        draft
            .columns
            .iter()
            .find(|one| one.column == column)
            .expect(column)
            .before
            .clone()
    };
    assert_eq!(before("note"), Some(text("")), "it is NULL now");
    assert_eq!(before("due_on"), None, "an empty date is NULL");
}

#[test]
fn of_two_drafts_that_went_separate_ways_one_is_in_the_form_and_one_beside_it() {
    let mut case = Case::new();
    case.drafts = vec![
        draft(2, "phone", &[("title", text("Pump"), text("Pump P"))]),
        draft(9, "tab", &[("title", text("Pump"), text("Pump T"))]),
    ];
    let view = case.drawn();
    assert_eq!(view.drawn.writer, "phone");
    assert!(
        matches!(&view.notices[1], Notice::Beside { reason: BesideReason::Diverged, draft } if draft.revision.writer == "tab")
    );
}

#[test]
fn a_field_restored_by_its_link_does_not_take_the_rest_of_its_draft_with_it() {
    let mut case = Case::new();
    let values = [
        ("title", text("Old"), text("Pump A")),
        ("note", text("x"), text("mine")),
    ];
    case.drafts = vec![draft(3, "tab", &values)];
    let revision = Revision {
        seq: 3,
        writer: "tab".into(),
    };
    case.restore = Some(Restore {
        revision: revision.clone(),
        columns: Some(vec!["note".into()]),
    });
    let view = case.drawn();
    assert_eq!(
        (field(&view, "title").text.as_str(), field(&view, "note").text.as_str()),
        ("Pump", "mine")
    );
    assert_eq!(
        view.drawn.seq, 0,
        "a save must not delete a draft that is only partly in the form"
    );
    assert!(
        view.notices
            .iter()
            .any(|notice| matches!(notice, Notice::Beside { .. }))
    );
    case.restore = Some(Restore {
        revision,
        columns: None,
    });
    let view = case.drawn();
    assert_eq!(
        (view.drawn.seq, field(&view, "title").base.clone()),
        (3, Some(text("Pump")))
    );
}

#[test]
fn typed_text_without_a_column_is_kept_readable() {
    let mut case = Case::new();
    case.drafts = vec![draft(
        3,
        "tab",
        &[
            ("title", text("Pump"), text("Pump A")),
            ("gone~2eby", None, text("words")),
        ],
    )];
    let view = case.drawn();
    assert_eq!(field(&view, "title").text, "Pump A");
    assert!(
        view.notices
            .contains(&Notice::WithoutField(vec![("gone.by".into(), text("words"))]))
    );
}

#[test]
fn a_record_that_cannot_be_read_is_drawn_from_its_draft_alone() {
    let mut case = Case::new();
    case.readable = false;
    assert_eq!(case.view(), None);
    case.drafts = vec![draft(3, "tab", &[("title", text("Old pump"), text("Pump A"))])];
    let view = case.drawn();
    assert!(view.without_record);
    assert_eq!(view.fields.len(), 1, "what is absent is unchanged");
    assert_eq!(field(&view, "title").base, Some(text("Old pump")));
    assert_eq!((view.version.as_str(), view.drawn.seq), ("version-then", 3));
    assert_eq!(view.state, FormState::Dirty);
}

#[test]
fn after_kept_the_id_and_the_version_are_the_same_bytes() {
    let mut case = Case::new();
    let mut kept = posted(Outcome::Kept);
    kept.answer.kept_in = Some("server".into());
    case.posted = Some(kept);
    for readable in [true, false] {
        case.readable = readable;
        let view = case.drawn();
        assert_eq!((view.id.as_str(), view.version.as_str()), (POSTED, "version-posted"));
        assert_eq!(view.state, FormState::Queued);
        assert_eq!(field(&view, "title").text, "Pump 2");
        assert!(view.words.contains("Press Save again"), "{}", view.words);
    }
}

#[test]
fn after_a_failure_only_changed_columns_show_what_was_typed() {
    let mut case = Case::new();
    case.record.values.insert("due_on".into(), text("2027-01-01"));
    case.posted = Some(posted(Outcome::Kept));
    let view = case.drawn();
    assert_eq!(
        (field(&view, "title").text.as_str(), &field(&view, "title").base),
        ("Pump 2", &Some(text("Pump")))
    );
    assert_eq!(
        (field(&view, "due_on").text.as_str(), &field(&view, "due_on").base),
        ("2027-01-01", &None)
    );
}

#[test]
fn without_the_record_a_changed_column_is_never_taken_for_the_records_own_value() {
    let mut case = Case::new();
    case.readable = false;
    case.posted = Some(posted(Outcome::Kept));
    let view = case.drawn();
    assert_ne!(field(&view, "title").base, None);
    assert_eq!(field(&view, "due_on").base, None);
    case.drafts = vec![draft(1, "plain", &[("title", text("Pump"), text("Pump 2"))])];
    let answer = &mut case.posted.as_mut().expect("posted").answer;
    (answer.seq, answer.writer) = (1, "plain".into());
    let view = case.drawn();
    assert_eq!(
        field(&view, "title").base,
        Some(text("Pump")),
        "the draft made of the post knows it"
    );
    assert_eq!(
        view.drawn,
        Revision {
            seq: 1,
            writer: "plain".into()
        }
    );
}

#[test]
fn a_typed_secret_is_never_drawn_back() {
    for outcome in [Outcome::Kept, Outcome::Invalid, Outcome::Conflict] {
        let mut case = Case::new();
        case.posted = Some(posted(outcome));
        for readable in [true, false] {
            case.readable = readable;
            let view = case.drawn();
            assert!(!format!("{view:?}").contains("hunter2"));
            assert!(view.notices.contains(&Notice::RetypeSecrets(vec!["password".into()])));
            assert_eq!(field(&view, "password").control, Control::Secret);
        }
    }
}

#[test]
fn invalid_says_so_at_the_field_and_keeps_the_version() {
    let mut case = Case::new();
    let mut invalid = posted(Outcome::Invalid);
    invalid
        .answer
        .errors
        .insert("title".into(), "Another activity has this title.".into());
    case.posted = Some(invalid);
    let view = case.drawn();
    assert_eq!(view.state, FormState::Invalid);
    assert_eq!(
        field(&view, "title").error.as_deref(),
        Some("Another activity has this title.")
    );
    assert_eq!((view.id.as_str(), view.version.as_str()), (FRESH, "version-posted"));
}

#[test]
fn null_beside_another_text_is_drawn_again_as_it_was_posted() {
    let mut case = Case::new();
    let mut invalid = posted(Outcome::Invalid);
    invalid.body.columns.insert(
        "note".into(),
        PostedColumn {
            text: "words".into(),
            null: true,
            base: None,
        },
    );
    invalid.changed = Some(vec!["note".into()]);
    case.posted = Some(invalid);
    let view = case.drawn();
    assert_eq!(
        (field(&view, "note").text.as_str(), field(&view, "note").null),
        ("words", Some(true))
    );
    assert_eq!(field(&view, "note").base, Some(None));
}

#[test]
fn a_conflict_keeps_mine_in_the_form_on_the_records_present_version() {
    let mut case = Case::new();
    case.record.values.insert("title".into(), text("Pump of theirs"));
    let mut conflict = posted(Outcome::Conflict);
    let (mine, theirs) = (text("Pump 2"), text("Pump of theirs"));
    conflict.answer.conflicts = vec![Conflict {
        column: "title".into(),
        base: None,
        mine,
        theirs,
    }];
    case.posted = Some(conflict);
    let view = case.drawn();
    assert_eq!(view.state, FormState::Conflict);
    assert_eq!((view.id.as_str(), view.version.as_str()), (FRESH, "version-now"));
    assert_eq!(
        (field(&view, "title").text.as_str(), &field(&view, "title").base),
        ("Pump 2", &Some(text("Pump of theirs")))
    );
    assert_eq!(view.conflicts[0].theirs, text("Pump of theirs"));
}

#[test]
fn a_version_that_cannot_be_opened_makes_every_difference_a_conflict() {
    let mut case = Case::new();
    case.record.values.insert("due_on".into(), text("2027-01-01"));
    let mut expired = posted(Outcome::Expired);
    expired.changed = None;
    case.posted = Some(expired);
    let view = case.drawn();
    let columns: Vec<&str> = view.conflicts.iter().map(|conflict| conflict.column.as_str()).collect();
    assert_eq!(columns, ["due_on", "title"]);
    assert_eq!(view.state, FormState::Conflict);
    assert_eq!(field(&view, "due_on").text, "2026-11-21", "mine stays in the form");
    assert_eq!(view.version, "version-now");
}

#[test]
fn a_create_that_was_saved_goes_on_as_the_record_it_made() {
    let mut case = Case::new();
    let mut mismatch = posted(Outcome::Mismatch);
    mismatch.answer.key = Some("7".into());
    case.posted = Some(mismatch);
    case.created_before = true;
    let view = case.drawn();
    assert_eq!(view.action, "/records/activity/7");
    assert_eq!((view.id.as_str(), view.version.as_str()), (FRESH, "version-now"));
    assert_eq!(field(&view, "title").text, "Pump 2");
    assert!(view.notices.contains(&Notice::AlreadyCreated));
}

#[test]
fn a_deleted_record_is_offered_as_a_new_one_with_all_that_was_posted() {
    let mut case = Case::new();
    case.record = record(
        table("activity", activity().table.columns.clone()),
        &[text(""), None, None],
    );
    case.record.key = None;
    case.target = Target::New(FRESH.into());
    case.posted = Some(posted(Outcome::Gone));
    let view = case.drawn();
    assert!(view.is_new());
    assert_eq!(field(&view, "due_on").text, "2026-11-21", "unchanged columns, too");
    assert_eq!(view.version, "version-now", "of the new form");
}

#[test]
fn a_draft_of_a_deleted_record_goes_into_the_form_of_a_new_one_and_stays_where_it_is() {
    let mut case = Case::new();
    case.target = Target::New(FRESH.into());
    case.recreates = true;
    case.drafts = vec![draft(
        3,
        "tab",
        &[("title", text("Of the record that is gone"), text("Mine"))],
    )];
    let view = case.drawn();
    assert_eq!(view.notices[0], Notice::Recreates);
    assert_eq!((field(&view, "title").text.as_str(), view.drawn.seq), ("Mine", 0));
    assert_eq!(view.copied.as_ref(), Some(&case.drafts[0].draft.revision));
}

#[test]
fn only_all_of_a_draft_of_another_form_is_a_copy_of_it() {
    let mut case = Case::new();
    case.drafts = vec![draft(
        3,
        "tab",
        &[("title", None, text("Mine")), ("notes", None, text("And mine"))],
    )];
    assert_eq!(case.drawn().copied, None, "it is this form's own");
    case.target = Target::New(FRESH.into());
    case.recreates = true;
    case.restore = Some(Restore {
        revision: case.drafts[0].draft.revision.clone(),
        columns: Some(vec!["title".into()]),
    });
    assert_eq!(case.drawn().copied, None);
}

#[test]
fn the_page_after_a_save_names_what_was_saved() {
    let mut case = Case::new();
    let mark = SavedMark {
        form_key: "activity/7".into(),
        revision: Revision {
            seq: 4,
            writer: "before".into(),
        },
        merged: vec!["due_on".into()],
    };
    case.saved = Some(mark.clone());
    let view = case.drawn();
    assert_eq!((view.state, view.saved.as_ref()), (FormState::Saved, Some(&mark)));
    assert_eq!(
        view.notices,
        [Notice::Saved {
            merged: vec!["due_on".into()]
        }]
    );
    assert_eq!(view.words, "All changes saved");
}

#[test]
fn typing_after_a_save_is_dirty_not_saved() {
    let mut case = Case::new();
    let revision = Revision {
        seq: 4,
        writer: "before".into(),
    };
    case.saved = Some(SavedMark {
        form_key: "activity/7".into(),
        revision,
        merged: Vec::new(),
    });
    case.drafts = vec![draft(5, "before", &[("title", text("Pump"), text("Pump A"))])];
    assert_eq!(case.drawn().state, FormState::Dirty);
}
