//! Archives, read as streams.
//!
//! Nothing is unpacked to disk, and nothing in an archive can make us write, follow a link, or
//! hold more than one file of the largest size.

use super::{
    Content, File, Item, OtherFile, SourceError,
    form::{self, Stream},
};
use std::{
    cell::Cell,
    io::{self, Read},
    path::Component,
    rc::Rc,
};

/// The largest file that is read.
pub(super) const MAX_FILE: u64 = 128 << 20;

/// The most bytes between two files of an archive (headers, long names), beside skipped content.
const MAX_BETWEEN: u64 = 1 << 20;

/// The most bytes that an archive may unpack to.
const MAX_ARCHIVE: u64 = 64 << 30;

/// After this many wrong entries the rest of an archive is not looked at.
const MOST_WRONG: usize = 1000;

/// Calls `emit` with every file of a tar stream and every error in it. `emit` returns false to stop.
pub(super) fn read_archive(
    archive: &str,
    source: Stream<'_>,
    emit: &mut dyn FnMut(Item) -> bool,
) -> bool {
    match read_tar(archive, source, emit) {
        Ok(go_on) => go_on,
        Err(error) => {
            let problem = format!("the archive ends in an error: {error}");
            emit(Item::Unreadable(SourceError::file(archive, problem)))
        }
    }
}

/// Counts the bytes read, and fails when an allowance is used up.
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

/// Returns whether to go on.
fn read_tar(
    archive: &str,
    source: impl Read,
    emit: &mut dyn FnMut(Item) -> bool,
) -> io::Result<bool> {
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
        let item = read_entry(archive, entry).unwrap_or_else(|error| Some(Item::Unreadable(error)));
        wrong += usize::from(matches!(item, Some(Item::Unreadable(_))));
        if wrong > MOST_WRONG {
            return Err(io::Error::other(format!(
                "more than {MOST_WRONG} of its entries are wrong"
            )));
        }
        if let Some(item) = item
            && !emit(item)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The file of an entry; `None` for folders.
fn read_entry<R: Read>(
    archive: &str,
    mut entry: tar::Entry<'_, R>,
) -> Result<Option<Item>, SourceError> {
    let kind = entry.header().entry_type();
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let shown = format!("{archive}: {name}");
    let wrong = |problem: String| SourceError::file(&shown, problem);
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
    if !is_ours(&name) {
        return Ok(Some(Item::Other(OtherFile::new(shown, OtherFile::NOT_JSON))));
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
    if form::is_lfs_pointer(&bytes) {
        return Ok(Some(Item::Other(OtherFile::new(shown, OtherFile::LFS_POINTER))));
    }
    if let Some(what) = form::foreign(&bytes[..bytes.len().min(form::START)]) {
        return Err(wrong(format!("expected JSON, found {what}")));
    }
    let path = name.trim_start_matches("./").to_owned();
    Ok(Some(Item::File(File::new(path, archive, &bytes, Content::packed))))
}

/// JSON files are of interest, and the RLP of real blocks; fixtures come with licences, checksums and the like.
pub(super) fn is_ours(name: &str) -> bool {
    let path = std::path::Path::new(name);
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"))
        || path.file_name().is_some_and(|name| name == "block.rlp")
}
