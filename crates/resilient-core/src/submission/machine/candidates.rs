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

/// A draft built on the version that a saved submission was sent on goes on that submission's
/// version for the columns it wrote: my own save is never somebody else's change.
pub fn rebased(mut draft: DeviceDraft, resolved: &[(Submission, Answer)]) -> Candidate {
    let mut moved = false;
    for (submission, answer) in resolved {
        if submission.version != draft.draft.version {
            continue;
        }
        for (column, sent) in &submission.values {
            let stored = answer.current.get(column).unwrap_or(sent).clone();
            draft.draft.base.insert(column.clone(), stored);
        }
        if let Some(version) = &answer.version {
            draft.draft.version.clone_from(version);
        }
        moved = true;
    }
    Candidate { draft, moved }
}
