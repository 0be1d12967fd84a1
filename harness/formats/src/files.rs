//! From paths to files: files, folders and archives, in a stable order.

use super::{
    OtherFile, SourceError,
    archive::{self, MAX_FILE, is_ours},
    form::{self, BYTE_ORDER_MARK, Compression, Stream},
    networks::Network,
};
use std::{
    borrow::Cow,
    collections::HashMap,
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that is read into memory.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path: within its archive or, outside of one, as it was found.
    pub path: String,
    /// The path that the user named to get here: the archive, folder or file.
    pub origin: String,
    /// Its content.
    pub content: Content,
    /// Whether its tests name a genesis that stands in a file of its own (EEST's engine-x tests).
    pub names_pre_alloc: bool,
}

impl File {
    pub(super) fn new(
        path: String,
        origin: &str,
        bytes: &[u8],
        content: impl FnOnce(&[u8]) -> Content,
    ) -> Self {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let names_pre_alloc = memchr::memmem::find(bytes, b"\"preHash\"").is_some();
        Self { path, origin: origin.to_owned(), content: content(bytes), names_pre_alloc }
    }

    /// Whether the path is one within an archive.
    pub(crate) fn is_in_archive(&self) -> bool {
        !self.origin.is_empty()
            && self.origin != self.path
            && !Path::new(&self.path).starts_with(&self.origin)
    }

    /// The file, with its archive where it is in one.
    pub fn shown(&self) -> String {
        if self.is_in_archive() {
            format!("{}: {}", self.origin, self.path)
        } else {
            self.path.clone()
        }
    }

    /// A file that is there as text.
    pub fn of_text(path: impl Into<String>, text: &str) -> Self {
        Self::of_bytes(path, text.as_bytes())
    }

    /// A file whose content is in memory, whatever it is.
    pub fn of_bytes(path: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(path.into(), "", bytes, |bytes| Content::Plain(bytes.into()))
    }
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
    /// Compresses the content. Incompressible content stays as it is.
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

/// Paths to walk, and the options of the walk.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// Files, folders and archives.
    pub paths: Vec<PathBuf>,
    /// Whether symbolic links inside of folders are followed.
    pub follow_links: bool,
    /// Files with what could be read only once from a path.
    pub copies: HashMap<PathBuf, PathBuf>,
    /// The network of real blocks, where the user names it.
    pub network: Option<Arc<Network>>,
}

impl Walk {
    /// The paths, links in folders not followed.
    pub fn new(paths: impl Into<Vec<PathBuf>>) -> Self {
        Self { paths: paths.into(), ..Self::default() }
    }
}

/// An item that the walk finds.
#[derive(Debug, Clone)]
pub enum Item {
    /// A file.
    File(File),
    /// A file without tests for us.
    Other(OtherFile),
    /// Something that cannot be read. The walk goes on.
    Unreadable(SourceError),
}

/// Walks all paths and calls `emit` with every item. `emit` returns false to stop.
pub fn files(walk: &Walk, emit: &mut dyn FnMut(Item) -> bool) {
    for path in &walk.paths {
        let origin = path.display().to_string();
        let go_on = match fs::metadata(path) {
            Err(error) => {
                let problem = format!("expected a file or folder: {error}");
                emit(Item::Unreadable(SourceError::file(origin, problem)))
            }
            Ok(metadata) if metadata.is_dir() => {
                walk_folder(path, &origin, walk.follow_links, emit)
            }
            Ok(_) => {
                let source = walk.copies.get(path).unwrap_or(path);
                read_file(source, &origin, &origin, Named::ByUser, emit)
            }
        };
        if !go_on {
            return;
        }
    }
}

fn walk_folder(
    folder: &Path,
    origin: &str,
    follow_links: bool,
    emit: &mut dyn FnMut(Item) -> bool,
) -> bool {
    // Sorted, so that partitions and seeds mean the same on every machine. walkdir tells a link that
    // leads back to one of its own folders.
    let entries = walkdir::WalkDir::new(folder).follow_links(follow_links).sort_by_file_name();
    for entry in entries {
        let go_on = match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let name = entry.path().display().to_string();
                read_file(entry.path(), &name, origin, Named::ByFolder, emit)
            }
            Ok(entry) if entry.file_type().is_dir() => true,
            // The folder itself may be named by a link.
            Ok(entry) if entry.depth() == 0 => true,
            Ok(entry) => emit(Item::Unreadable(not_a_file(&entry))),
            Err(error) => emit(Item::Unreadable(SourceError::file(origin, error))),
        };
        if !go_on {
            return false;
        }
    }
    true
}

fn not_a_file(entry: &walkdir::DirEntry) -> SourceError {
    let shown = entry.path().display().to_string();
    if entry.path_is_symlink() {
        let to = fs::read_link(entry.path()).unwrap_or_default();
        let problem = format!(
            "a symbolic link to {}, which was not followed: --follow-links does",
            to.display()
        );
        return SourceError::file(shown, problem);
    }
    SourceError::file(shown, "expected a plain file or a folder, found neither")
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
    name: &str,
    origin: &str,
    named: Named,
    emit: &mut dyn FnMut(Item) -> bool,
) -> bool {
    let opened = fs::File::open(path).and_then(|file| form::peek(Box::new(file)));
    let (start, source) = match opened {
        Ok(opened) => opened,
        Err(error) => return emit(Item::Unreadable(SourceError::file(name, error))),
    };
    let decompressed = match Compression::recognise(&start) {
        Some(compression) => compression.decoder(source).and_then(form::peek),
        None => Ok((start, source)),
    };
    match decompressed {
        Ok((start, source)) if form::is_tar(&start) => archive::read_archive(name, source, emit),
        Ok((start, source)) => emit(single(name, origin, named, &start, source)),
        Err(error) => {
            let problem =
                format!("expected a whole compressed file: the archive ends in an error: {error}");
            emit(Item::Unreadable(SourceError::file(name, problem)))
        }
    }
}

/// A file that is no archive.
fn single(name: &str, origin: &str, named: Named, start: &[u8], source: Stream<'_>) -> Item {
    let is_wanted = named == Named::ByUser || is_ours(without_compression(name));
    if !is_wanted && !form::may_hold_tests(start) {
        return Item::Other(OtherFile::new(name, OtherFile::NOT_JSON));
    }
    if named == Named::ByFolder && form::is_lfs_pointer(start) {
        return Item::Other(OtherFile::new(name, OtherFile::LFS_POINTER));
    }
    if let Some(what) = form::foreign(start) {
        return Item::Unreadable(SourceError::file(name, format!("expected JSON, found {what}")));
    }
    match read_plain(source) {
        Ok(bytes) => {
            let keep = |bytes: &[u8]| Content::Plain(bytes.into());
            Item::File(File::new(name.to_owned(), origin, &bytes, keep))
        }
        Err(error) => Item::Unreadable(SourceError::file(name, error)),
    }
}

/// The name of a file without the suffix of its compression.
pub(super) fn without_compression(name: &str) -> &str {
    name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name)
}

fn read_plain(source: Stream<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        let limit = MAX_FILE >> 20;
        return Err(io::Error::other(format!("expected at most {limit} MiB")));
    }
    Ok(bytes)
}
