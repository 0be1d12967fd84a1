//! Archives, read as streams.
//!
//! Nothing is unpacked to disk, and nothing in an archive can make us write, follow a link, or
//! hold more than one file of the largest size.

use super::{Content, File, SourceError};
use std::{
    cell::Cell,
    io::{self, BufReader, Read},
    path::Component,
    rc::Rc,
};

/// The largest file that is read.
pub(crate) const MAX_FILE: u64 = 128 << 20;

/// The most bytes between two files of an archive (headers, long names) beyond what is skipped.
const MAX_BETWEEN: u64 = 1 << 20;

/// The most bytes that an archive may unpack to.
const MAX_ARCHIVE: u64 = 64 << 30;

/// After this many wrong entries the rest of an archive is not looked at.
const MOST_WRONG: usize = 1000;

/// zstd windows up to 128 MiB, what `zstd --long=27` writes.
const ZSTD_WINDOW_LOG: u32 = 27;

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Zstd,
    Gzip,
    None,
}

/// Recognises an archive by its first bytes.
pub(crate) fn recognise(start: &[u8]) -> Option<Compression> {
    if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Some(Compression::Zstd)
    } else if start.starts_with(&[0x1f, 0x8b]) {
        Some(Compression::Gzip)
    } else if start.get(257..262) == Some(b"ustar") {
        Some(Compression::None)
    } else {
        None
    }
}

/// Calls `emit` with every file of the archive, or with what is wrong with it. `emit` returns
/// false to stop.
pub(crate) fn read_archive(
    archive: &str,
    source: impl Read,
    compression: Compression,
    emit: &mut dyn FnMut(Result<File, SourceError>) -> bool,
) {
    let outcome = match compression {
        Compression::Zstd => zstd::Decoder::new(source).and_then(|mut decoder| {
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            read_tar(archive, decoder, emit)
        }),
        Compression::Gzip => {
            read_tar(archive, flate2::read::MultiGzDecoder::new(BufReader::new(source)), emit)
        }
        Compression::None => read_tar(archive, source, emit),
    };
    if let Err(error) = outcome {
        emit(Err(SourceError::file(archive, format!("the archive ends in an error: {error}"))));
    }
}

/// Counts what is read, and ends the stream where an allowance is used up.
struct Metered<R> {
    inner: R,
    allowance: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.allowance.get().checked_sub(read as u64);
        let left =
            left.ok_or_else(|| io::Error::other("more bytes than an archive may have here"))?;
        self.allowance.set(left);
        Ok(read)
    }
}

fn read_tar(
    archive: &str,
    source: impl Read,
    emit: &mut dyn FnMut(Result<File, SourceError>) -> bool,
) -> io::Result<()> {
    let allowance = Rc::new(Cell::new(MAX_BETWEEN));
    let mut tar = tar::Archive::new(Metered { inner: source, allowance: allowance.clone() });
    let (mut total, mut wrong) = (0, 0);
    for entry in tar.entries()? {
        let entry = entry?;
        let size = entry.size();
        // A header has its size too: a stream of empty entries must end somewhere.
        total += size + 512;
        if total > MAX_ARCHIVE {
            let limit = MAX_ARCHIVE >> 30;
            return Err(io::Error::other(format!("it unpacks to more than {limit} GiB")));
        }
        // Enough to read or skip this file, and to find the next.
        allowance.set(size + MAX_BETWEEN);
        let file = read_entry(archive, entry);
        wrong += usize::from(file.is_err());
        if wrong > MOST_WRONG {
            return Err(io::Error::other(format!(
                "more than {MOST_WRONG} of its entries are wrong"
            )));
        }
        if let Some(file) = file.transpose()
            && !emit(file)
        {
            return Ok(());
        }
    }
    Ok(())
}

/// The file of an entry; `None` for folders and for files of no interest.
fn read_entry<R: Read>(
    archive: &str,
    mut entry: tar::Entry<'_, R>,
) -> Result<Option<File>, SourceError> {
    let kind = entry.header().entry_type();
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let wrong = |problem: String| SourceError::file(format!("{archive}: {name}"), problem);
    if kind.is_dir() || kind.is_pax_global_extensions() {
        return Ok(None);
    }
    if !kind.is_file() {
        return Err(wrong(format!("expected a plain file or a folder, found {kind:?}")));
    }
    let path = std::path::Path::new(&name);
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if !path.components().all(inside) {
        return Err(wrong("expected a name below the archive's top, without `..`".to_owned()));
    }
    if !is_json(&name) {
        return Ok(None);
    }
    if entry.size() > MAX_FILE {
        let (size, limit) = (entry.size() >> 20, MAX_FILE >> 20);
        return Err(wrong(format!("expected at most {limit} MiB, found {size} MiB")));
    }
    let mut bytes = Vec::with_capacity(entry.size() as usize);
    entry.read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 != entry.size() {
        return Err(wrong(format!("expected {} bytes, found {}", entry.size(), bytes.len())));
    }
    let path = name.trim_start_matches("./").to_owned();
    Ok(Some(File { path, origin: archive.to_owned(), content: Content::packed(&bytes) }))
}

/// Only JSON files are of interest; fixtures come with licences, checksums and the like.
pub(crate) fn is_json(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("json"))
}
