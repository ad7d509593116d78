//! Data of a server that never ran: made once in a process, copied by each of its servers. Making
//! them takes ten times as long as copying.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::ServerError;

/// One for each kind of server.
pub struct Template {
    made: Mutex<Option<PathBuf>>,
}

impl Template {
    pub const fn new() -> Self {
        Self { made: Mutex::new(None) }
    }

    /// The directory with the data, made by `make` where this is the first server of the process.
    pub fn directory(&self, make: impl FnOnce(&Path) -> Result<(), ServerError>) -> Result<PathBuf, ServerError> {
        // Held while making: whoever starts a server meanwhile waits for the same data.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(directory) = &*made {
            return Ok(directory.clone());
        }
        let directory = tempfile::Builder::new().prefix("private-template-").tempdir()?;
        make(directory.path())?;
        remove_with_this_process(directory.path())?;
        Ok(made.insert(directory.keep()).clone())
    }
}

/// Nothing static is dropped when a process ends, and it may be killed. So somebody else waits for
/// that: the end of this process is the end of its standard input.
fn remove_with_this_process(directory: &Path) -> Result<(), ServerError> {
    let mut remover = Command::new("sh");
    remover.args(["-c", "cat > /dev/null; rm -rf -- \"$0\""]).arg(directory);
    // Away from what is sent to this process's group, and from its output, which somebody may read to its end.
    std::os::unix::process::CommandExt::process_group(&mut remover, 0);
    let remover = remover
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Closed by nobody but the kernel.
    std::mem::forget(remover.stdin);
    Ok(())
}
