//! Brotli and gzip twins, made once here so that the server never compresses an asset.

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes `{path}.br` and `{path}.gz`, unless they are there: a released file's name changes with its content.
pub fn write_twins(path: &Path, content: &[u8]) -> Result<Vec<PathBuf>> {
    let brotli = with_ending(path, "br");
    let gzip = with_ending(path, "gz");
    if !is_newer(&brotli, path) {
        fs::write(&brotli, in_brotli(content)?)?;
    }
    if !is_newer(&gzip, path) {
        fs::write(&gzip, in_gzip(content)?)?;
    }
    Ok(vec![brotli, gzip])
}

fn in_brotli(content: &[u8]) -> Result<Vec<u8>> {
    let strongest = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &strongest)?;
    Ok(compressed)
}

fn in_gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn is_newer(twin: &Path, original: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    matches!((changed(twin), changed(original)), (Ok(twin), Ok(original)) if twin >= original)
}

/// Bytes on the disk and over the wire.
pub struct Sizes {
    raw: u64,
    brotli: u64,
    gzip: u64,
}

impl Sizes {
    pub fn of(path: &Path, twins: &[PathBuf]) -> Result<Sizes> {
        let size = |path: &Path| fs::metadata(path).map(|metadata| metadata.len());
        Ok(Sizes {
            raw: size(path)?,
            brotli: size(&twins[0])?,
            gzip: size(&twins[1])?,
        })
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kb = |bytes: u64| bytes as f64 / 1000.0;
        write!(
            f,
            "{:.1} kB, {:.1} kB brotli, {:.1} kB gzip",
            kb(self.raw),
            kb(self.brotli),
            kb(self.gzip)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn both_twins_hold_the_same_text() {
        let text = b"the same text, again and again; the same text, again and again".repeat(20);
        let mut from_brotli = Vec::new();
        brotli::BrotliDecompress(&mut &in_brotli(&text).unwrap()[..], &mut from_brotli).unwrap();
        let mut from_gzip = Vec::new();
        flate2::read::GzDecoder::new(&in_gzip(&text).unwrap()[..])
            .read_to_end(&mut from_gzip)
            .unwrap();
        assert_eq!((from_brotli, from_gzip), (text.clone(), text));
    }

    #[test]
    fn a_twin_is_named_after_the_whole_file_name() {
        assert_eq!(
            with_ending(Path::new("pkg/inkfast.js"), "br"),
            Path::new("pkg/inkfast.js.br")
        );
    }
}
