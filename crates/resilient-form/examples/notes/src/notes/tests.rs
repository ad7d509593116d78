use super::*;

const ID: &str = "5d0e3e34-93a1-4b52-a8a5-4a1b56d4cf6b";

async fn notes() -> (tempfile::TempDir, Notes) {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = Notes::open(&folder.path().join("notes.db")).await.expect("a file");
    (folder, notes)
}

async fn note(notes: &Notes) -> Note {
    notes.find(1).await.expect("readable").expect("there")
}

fn posted(id: &str, version: &str, columns: &[(&str, &str)]) -> FormBody {
    let own = [("_id", id), ("_version", version), ("_seq", "3"), ("_writer", "w")];
    let columns = columns.iter().map(|(column, text)| (format!("v.{column}"), *text));
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), *value));
    FormBody::from_pairs(own.chain(columns))
}

#[tokio::test]
async fn a_second_press_with_the_same_id_changes_nothing_and_has_the_same_answer() {
    let (_folder, notes) = notes().await;
    let version = version::of(&note(&notes).await.values);
    let press = posted(ID, &version, &[("text", "Bread and milk")]);
    let first = notes.save(1, &press).await.expect("saved");
    let second = notes.save(1, &press).await.expect("answered");
    assert_eq!(first.outcome, Outcome::Saved);
    assert_eq!(
        second,
        Answer {
            replayed: true,
            ..first.clone()
        }
    );
    assert_eq!(notes.answered(ID).await.expect("readable"), Some(first));
    let note = note(&notes).await;
    assert_eq!((note.text_of("text"), note.saves), ("Bread and milk", 1));
}

#[tokio::test]
async fn without_script_all_columns_are_posted_and_it_is_the_same_press() {
    let (_folder, notes) = notes().await;
    let version = version::of(&note(&notes).await.values);
    let with_script = posted(ID, &version, &[("text", "Milk")]);
    let without = posted(ID, &version, &[("title", "Shopping"), ("text", "Milk")]);
    notes.save(1, &with_script).await.expect("saved");
    assert!(notes.save(1, &without).await.expect("answered").replayed);
}

#[tokio::test]
async fn another_text_under_a_known_id_is_not_written() {
    let (_folder, notes) = notes().await;
    let version = version::of(&note(&notes).await.values);
    notes
        .save(1, &posted(ID, &version, &[("text", "Milk")]))
        .await
        .expect("saved");
    let other = notes
        .save(1, &posted(ID, &version, &[("text", "Beer")]))
        .await
        .expect("answered");
    assert_eq!(other.outcome, Outcome::Mismatch);
    assert_eq!(note(&notes).await.text_of("text"), "Milk");
}

#[tokio::test]
async fn changes_in_two_fields_are_both_kept_and_in_one_field_nothing_is_overwritten() {
    let (_folder, notes) = notes().await;
    let version = version::of(&note(&notes).await.values);
    let press = |last: char, column, text| {
        let id = format!("{}{last}", &ID[..35]);
        posted(&id, &version, &[(column, text)])
    };
    notes.save(1, &press('1', "title", "Market")).await.expect("saved");
    let merged = notes.save(1, &press('2', "text", "Milk")).await.expect("saved");
    assert_eq!(
        (merged.outcome, merged.merged),
        (Outcome::Saved, vec!["title".to_owned()])
    );
    assert_eq!(merged.current, Values::from([("title".into(), Some("Market".into()))]));
    let conflict = notes.save(1, &press('3', "text", "Beer")).await.expect("answered");
    assert_eq!(conflict.outcome, Outcome::Conflict);
    assert_eq!(conflict.conflicts[0].theirs.as_deref(), Some("Milk"));
    let now = note(&notes).await;
    assert_eq!(
        (now.text_of("title"), now.text_of("text"), now.saves),
        ("Market", "Milk", 2)
    );
}

#[tokio::test]
async fn what_may_not_be_is_said_at_its_field_and_can_be_saved_after_all() {
    let (_folder, notes) = notes().await;
    let version = version::of(&note(&notes).await.values);
    let refused = notes
        .save(1, &posted(ID, &version, &[("title", "")]))
        .await
        .expect("answered");
    assert_eq!(refused.outcome, Outcome::Invalid);
    assert!(refused.errors.contains_key("title"));
    let mended = notes
        .save(1, &posted(ID, &version, &[("title", "Market")]))
        .await
        .expect("saved");
    assert_eq!(mended.outcome, Outcome::Saved);
}

#[tokio::test]
async fn a_version_that_is_none_overwrites_nothing() {
    let (_folder, notes) = notes().await;
    let answer = notes
        .save(1, &posted(ID, "nonsense", &[("text", "Milk")]))
        .await
        .expect("answered");
    assert_eq!(answer.outcome, Outcome::Conflict);
    let without_id = posted("", &version::of(&note(&notes).await.values), &[("text", "Milk")]);
    assert_eq!(
        notes.save(1, &without_id).await.expect("answered").outcome,
        Outcome::Malformed
    );
}
