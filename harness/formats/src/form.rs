//! Recognises compression and encodings by the first bytes of a file, before anything is parsed.

use std::io::{self, Read};

/// Bytes that decide: a tar header is that long.
pub(super) const START: usize = 512;

/// zstd windows up to 128 MiB, what `zstd --long=27` writes.
const ZSTD_WINDOW_LOG: u32 = 27;

/// How a file or an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Zstd,
    Gzip,
}

impl Compression {
    pub(super) fn recognise(start: &[u8]) -> Option<Self> {
        if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Some(Self::Zstd)
        } else if start.starts_with(&[0x1f, 0x8b]) {
            Some(Self::Gzip)
        } else {
            None
        }
    }

    /// The decompressed bytes.
    pub(super) fn decoder<'a>(self, source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        match self {
            Self::Zstd => {
                let mut decoder = zstd::Decoder::new(source)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Ok(Box::new(decoder))
            }
            Self::Gzip => Ok(Box::new(flate2::read::MultiGzDecoder::new(source))),
        }
    }
}

/// Whether these are the first bytes of a tar archive: a header, or the end of an empty one.
pub(super) fn is_tar(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
        || start.len() == START && start.iter().all(|byte| *byte == 0)
}

/// A stream of bytes.
pub(super) type Stream<'a> = Box<dyn Read + 'a>;

/// The first bytes of a stream, and the whole stream. Nothing is rewound: a pipe cannot be.
pub(super) fn peek(mut source: Stream<'_>) -> io::Result<(Vec<u8>, Stream<'_>)> {
    let mut start = Vec::with_capacity(START);
    source.by_ref().take(START as u64).read_to_end(&mut start)?;
    let whole = io::Cursor::new(start.clone()).chain(source);
    Ok((start, Box::new(whole)))
}

/// The first line of a Git LFS pointer.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// A UTF-8 byte-order mark.
pub(super) const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Whether these are the first bytes of a Git LFS pointer: the file itself is kept elsewhere.
pub(super) fn is_lfs_pointer(start: &[u8]) -> bool {
    start.starts_with(LFS_POINTER)
}

/// The kind of a file that is neither JSON nor a supported container of it, by its first bytes.
pub(super) fn foreign(start: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 7] = [
        (b"PK\x03\x04", "a zip archive: unpack it first"),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"\xfd7zXZ\0", "an xz-compressed file: decompress it first, or use zstd or gzip"),
        (b"BZh", "a bzip2-compressed file: decompress it first, or use zstd or gzip"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
        (&[0xff, 0xfe], "text in UTF-16: save it as UTF-8"),
        (&[0xfe, 0xff], "text in UTF-16: save it as UTF-8"),
    ];
    if start.is_empty() {
        return Some("an empty file");
    }
    if is_lfs_pointer(start) {
        return Some("a Git LFS pointer: fetch the file itself with `git lfs pull`");
    }
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(what);
    }
    let text = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).trim_ascii_start();
    match text {
        [] => Some("a file of nothing but white space"),
        [b'<', ..] => Some("a web page or other markup: save the raw file, not the page around it"),
        // JSON begins with an ASCII character, and in UTF-16 every other byte of it is zero.
        [0, _, ..] | [_, 0, ..] => Some("text in UTF-16, or binary data"),
        _ => None,
    }
}

/// Whether a file of this kind may hold tests that we cannot get at.
pub(super) fn may_hold_tests(start: &[u8]) -> bool {
    [&b"PK\x03\x04"[..], b"\xfd7zXZ\0", b"BZh", b"7z\xbc\xaf\x27\x1c"]
        .iter()
        .any(|magic| start.starts_with(magic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_first_bytes() {
        let is = |start: &[u8], word: &str| foreign(start).unwrap().contains(word);
        assert!(is(b"PK\x03\x04abc", "zip"));
        assert!(is(b"\xfd7zXZ\0\0", "xz"));
        assert!(is(b"BZh91AY", "bzip2"));
        assert!(is(b"\xff\xfe{\0", "UTF-16"));
        assert!(is(b"{\0\"\0", "UTF-16"));
        assert!(is(b"", "empty"));
        assert!(is(b" \n", "white space"));
        assert!(is(b"\n<!DOCTYPE html>", "web page"));
        assert!(is(b"version https://git-lfs.github.com/spec/v1\noid", "LFS"));
        assert_eq!(foreign(b"{}"), None);
        assert_eq!(foreign(b"\xef\xbb\xbf{}"), None);
        assert_eq!(foreign(b"7"), None);
    }
}
