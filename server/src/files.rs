//! Small files in the data directory, replaced whole: a crash leaves the old one or the new one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` beside `path`, syncs, and moves it into place.
///
/// # Errors
/// Those of the file system; `path` is then what it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
