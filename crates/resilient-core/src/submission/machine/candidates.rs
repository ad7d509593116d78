//! Which of the device's drafts may go into the form.

use super::effects::{DeviceDraft, JustSaved};
use super::keeping::covers;
use crate::draft::Revision;
use crate::submission::Submission;
use crate::submission::answer::Answer;

/// A device draft as it may go into the form.
#[derive(Clone)]
pub struct Candidate {
    pub draft: DeviceDraft,
    /// It was put on the version that a save made; the device's copy has yet to follow.
    pub moved: bool,
}

impl Candidate {
    pub fn revision(&self) -> &Revision {
        &self.draft.draft.revision
    }

    pub fn covers(&self, earlier: &Revision) -> bool {
        covers(self.revision(), &self.draft.lineage, earlier)
    }
}

/// Drafts that no other of these was built on.
pub fn heads(drafts: Vec<Candidate>) -> Vec<Candidate> {
    let superseded = |one: &Candidate| {
        drafts
            .iter()
            .any(|other| other.revision() != one.revision() && other.covers(one.revision()))
    };
    drafts.iter().filter(|draft| !superseded(draft)).cloned().collect()
}

pub fn is_saved(draft: &DeviceDraft, saves: &[JustSaved]) -> bool {
    saves.iter().any(|save| {
        let saved = &save.submission.revision;
        draft.draft.revision.writer == saved.writer && draft.draft.revision.seq <= saved.seq
    })
}

/// Puts a draft built on the version that a saved submission was sent on upon the version that the save made, for the
/// columns it wrote: my own save is never somebody else's change. `false`: it was built on another, or nothing was
/// written, and the draft is as it was.
pub fn rebase(device: &mut DeviceDraft, submission: &Submission, answer: &Answer) -> bool {
    let draft = &mut device.draft;
    if submission.version != draft.version || submission.values.is_empty() {
        return false;
    }
    for (column, sent) in &submission.values {
        let stored = answer.current.get(column).unwrap_or(sent).clone();
        draft.base.insert(column.clone(), stored);
    }
    if let Some(version) = &answer.version {
        draft.version.clone_from(version);
    }
    true
}

/// The draft on top of all that was saved meanwhile.
pub fn rebased(mut draft: DeviceDraft, saves: &[JustSaved]) -> Candidate {
    let mut moved = false;
    for save in saves {
        moved |= rebase(&mut draft, &save.submission, &save.answer) || rebase_what_grew(&mut draft, save);
    }
    Candidate { draft, moved }
}

/// The same for a text that grew from what was saved, in a page that was drawn meanwhile: its version is another, and
/// what it found in a column may be what the press had found there.
fn rebase_what_grew(device: &mut DeviceDraft, save: &JustSaved) -> bool {
    let JustSaved {
        submission,
        base,
        answer,
    } = save;
    if !covers(&device.draft.revision, &device.lineage, &submission.revision) {
        return false;
    }
    let mut moved = false;
    for (column, sent) in &submission.values {
        if let Some(found) = device.draft.base.get_mut(column)
            && base.get(column) == Some(found)
        {
            found.clone_from(answer.current.get(column).unwrap_or(sent));
            moved = true;
        }
    }
    moved
}
