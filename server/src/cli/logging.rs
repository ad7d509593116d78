//! How log lines are written: one line each, whatever is in them.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::config::environment;

/// `RUST_LOG` chooses what is logged, `INKFAST_LOG=json` how.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let logging = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| OneLine(io::stderr()));
    if environment("INKFAST_LOG").as_deref() == Some("json") {
        logging.json().flatten_event(true).with_span_list(false).init();
    } else {
        logging.init();
    }
}

/// A line break inside a line would let what was sent to us forge the next one.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// Called once for each whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let mut escaped = Vec::with_capacity(line.len());
        for byte in content {
            match byte {
                b'\n' => escaped.extend(b"\\n"),
                b'\r' => escaped.extend(b"\\r"),
                other => escaped.push(*other),
            }
        }
        escaped.extend(&line[content.len()..]);
        self.0.write_all(&escaped)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let kept = Kept::default();
        let writer = kept.clone();
        let logging = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || OneLine(writer.clone()));
        tracing::subscriber::with_default(logging.finish(), || {
            let sent = "an id\r\n2026-01-01 ERROR forged";
            tracing::warn!(%sent, "a message\nof two lines");
            tracing::warn!("the next");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.ends_with('\n'));
        assert!(text.contains("\\r\\n2026-01-01 ERROR forged"), "{text}");
    }
}
