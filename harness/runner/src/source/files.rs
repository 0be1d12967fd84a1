//! From paths to files: files, folders and archives, in a stable order.

use super::{
    SourceError,
    archive::{self, Compression, MAX_FILE, is_json},
};
use std::{
    borrow::Cow,
    fs,
    io::{Read, Seek},
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that is read into memory.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path: within its archive or, outside of one, as it was found.
    pub path: String,
    /// What the user named to get here: the archive, folder or file.
    pub origin: String,
    /// Its content.
    pub content: Content,
}

/// The content of a file that waits to be read.
#[derive(Debug, Clone)]
pub enum Content {
    /// As it is.
    Plain(Arc<[u8]>),
    /// Compressed again, fast. An archive can so be read to its end, and its window of up to
    /// 128 MiB be freed, long before the last file of it is needed.
    Packed {
        /// One zstd frame.
        frame: Arc<[u8]>,
        /// Its size unpacked.
        size: usize,
    },
}

/// zstd's own scale: the negative levels are the fast ones.
const FAST: i32 = -1;

impl Content {
    /// Compresses the content. What does not shrink stays as it is.
    pub(crate) fn packed(bytes: &[u8]) -> Self {
        match zstd::bulk::compress(bytes, FAST) {
            Ok(frame) if frame.len() < bytes.len() => {
                Self::Packed { frame: frame.into(), size: bytes.len() }
            }
            _ => Self::Plain(bytes.into()),
        }
    }

    /// The bytes.
    ///
    /// # Panics
    /// Never: a frame is what `Content::packed` has made.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Plain(bytes) => Cow::Borrowed(bytes),
            Self::Packed { frame, size } => {
                let bytes = zstd::bulk::decompress(frame, *size);
                Cow::Owned(bytes.expect("a frame that was just made"))
            }
        }
    }

    /// Bytes held in memory.
    pub fn held(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Packed { frame, .. } => frame.len(),
        }
    }
}

/// What the walk finds.
#[derive(Debug, Clone)]
pub enum Item {
    /// A file.
    File(File),
    /// Something that cannot be read. The walk goes on.
    Unreadable(SourceError),
}

/// Walks all paths and calls `emit` with every item. `emit` returns false to stop.
pub fn files(paths: &[PathBuf], emit: &mut dyn FnMut(Item) -> bool) {
    let mut go_on = true;
    for path in paths {
        let origin = path.display().to_string();
        let mut emit = |found: Result<File, SourceError>| {
            go_on = emit(found.map_or_else(Item::Unreadable, Item::File));
            go_on
        };
        walk(path, &origin, &mut emit);
        if !go_on {
            return;
        }
    }
}

fn walk(path: &Path, origin: &str, emit: &mut dyn FnMut(Result<File, SourceError>) -> bool) {
    match fs::metadata(path) {
        Err(error) => {
            emit(Err(SourceError::file(origin, format!("expected a file or folder: {error}"))));
        }
        Ok(metadata) if metadata.is_dir() => walk_folder(path, origin, emit),
        Ok(_) => {
            read_file(path, origin, Named::ByUser, emit);
        }
    }
}

fn walk_folder(
    folder: &Path,
    origin: &str,
    emit: &mut dyn FnMut(Result<File, SourceError>) -> bool,
) {
    // Sorted, so that partitions and seeds mean the same on every machine. Links are not followed.
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let go_on = match entry {
            Ok(entry) if entry.file_type().is_file() => {
                read_file(entry.path(), origin, Named::ByFolder, emit)
            }
            Ok(_) => true,
            Err(error) => emit(Err(SourceError::file(origin, error))),
        };
        if !go_on {
            return;
        }
    }
}

/// A folder holds files that are none of ours; what the user names must be one.
#[derive(Clone, Copy, PartialEq)]
enum Named {
    ByUser,
    ByFolder,
}

/// Returns whether to go on.
fn read_file(
    path: &Path,
    origin: &str,
    named: Named,
    emit: &mut dyn FnMut(Result<File, SourceError>) -> bool,
) -> bool {
    let name = path.display().to_string();
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) => return emit(Err(SourceError::file(name, error))),
    };
    let mut start = Vec::new();
    if let Err(error) = (&mut file).take(512).read_to_end(&mut start).and_then(|_| file.rewind()) {
        return emit(Err(SourceError::file(name, error)));
    }
    if let Some(compression) = archive::recognise(&start) {
        return read_archive(&name, file, compression, emit);
    }
    if named == Named::ByFolder && !is_json(&name) {
        return true;
    }
    emit(read_plain(&name, origin, file))
}

fn read_archive(
    name: &str,
    file: fs::File,
    compression: Compression,
    emit: &mut dyn FnMut(Result<File, SourceError>) -> bool,
) -> bool {
    let mut go_on = true;
    archive::read_archive(name, file, compression, &mut |found| {
        go_on = emit(found);
        go_on
    });
    go_on
}

fn read_plain(name: &str, origin: &str, file: fs::File) -> Result<File, SourceError> {
    let mut bytes = Vec::new();
    let wrong = |error: std::io::Error| SourceError::file(name, error);
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() as u64 > MAX_FILE {
        let limit = MAX_FILE >> 20;
        return Err(SourceError::file(name, format!("expected at most {limit} MiB")));
    }
    let content = Content::Plain(bytes.into());
    Ok(File { path: name.to_owned(), origin: origin.to_owned(), content })
}
