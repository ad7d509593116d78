//! Which of the device's drafts may go into the form.

use super::effects::DeviceDraft;
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

pub fn is_saved(draft: &DeviceDraft, resolved: &[(Submission, Answer)]) -> bool {
    resolved.iter().any(|(submission, _)| {
        let saved = &submission.revision;
        draft.draft.revision.writer == saved.writer && draft.draft.revision.seq <= saved.seq
    })
}

/// Puts a draft built on the version that a saved submission was sent on upon the version that the save made, for the
/// columns it wrote: my own save is never somebody else's change. `false`: it was built on another.
pub fn rebase(device: &mut DeviceDraft, submission: &Submission, answer: &Answer) -> bool {
    let draft = &mut device.draft;
    if submission.version != draft.version {
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
pub fn rebased(mut draft: DeviceDraft, resolved: &[(Submission, Answer)]) -> Candidate {
    let mut moved = false;
    for (submission, answer) in resolved {
        moved |= rebase(&mut draft, submission, answer);
    }
    Candidate { draft, moved }
}
