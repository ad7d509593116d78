//! Which of the device's drafts may go into the form.

use super::effects::{DeviceDraft, JustSaved};
use super::keeping::covers;
use crate::draft::Revision;

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

/// Puts a draft upon what a save made of the columns it wrote: my own save is never somebody else's change. That is a
/// draft built on the version that the save was sent on; or a text that grew from what was saved in a page drawn
/// meanwhile, whose version is another, where it found in a column what the press had found there. `false`: it is
/// neither, and is as it was.
pub fn rebase(device: &mut DeviceDraft, save: &JustSaved) -> bool {
    let JustSaved {
        submission,
        base,
        answer,
    } = save;
    let draft = &mut device.draft;
    let is_of_version = submission.version == draft.version;
    if !is_of_version && !covers(&draft.revision, &device.lineage, &submission.revision) {
        return false;
    }
    let mut moved = is_of_version;
    for (column, sent) in &submission.values {
        let found = draft.base.get(column);
        if is_of_version || found.is_some() && found == base.get(column) {
            let stored = answer.current.get(column).unwrap_or(sent).clone();
            draft.base.insert(column.clone(), stored);
            moved = true;
        }
    }
    if let (true, Some(version)) = (is_of_version, &answer.version) {
        draft.version.clone_from(version);
    }
    moved
}

/// The draft on top of all that was saved meanwhile. A save that wrote nothing makes no other text of it.
pub fn rebased(mut draft: DeviceDraft, saves: &[JustSaved]) -> Candidate {
    let mut moved = false;
    for save in saves {
        moved |= rebase(&mut draft, save) && !save.submission.values.is_empty();
    }
    Candidate { draft, moved }
}
