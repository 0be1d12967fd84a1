//! A file of lines that grows.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

/// A file, read up to its last whole line.
#[derive(Debug)]
pub(super) struct Follow {
    path: PathBuf,
    read: u64,
    /// The file's number on its device: another file of the same name has another one.
    inode: Option<u64>,
}

/// What a file says that it did not say before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Further lines.
    Lines(String),
    /// It was written anew: these are all lines that it has.
    Anew(String),
}

impl Follow {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, read: 0, inode: None }
    }

    /// The whole lines that have come since the last call; `None` where there are none.
    pub(super) fn news(&mut self) -> io::Result<Option<News>> {
        let mut file = File::open(&self.path)?;
        let facts = file.metadata()?;
        let is_other = self.inode.replace(facts.ino()).is_some_and(|inode| inode != facts.ino());
        let is_anew = is_other || facts.len() < self.read;
        if is_anew {
            self.read = 0;
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // A line that is not complete is read when it is.
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.read += end as u64;
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        Ok(match (is_anew, text.is_empty()) {
            (true, _) => Some(News::Anew(text)),
            (false, true) => None,
            (false, false) => Some(News::Lines(text)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_whole_lines_count_and_a_file_may_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        fs::write(&path, "one\ntw").unwrap();
        let mut follow = Follow::new(path.clone());
        assert_eq!(follow.news().unwrap(), Some(News::Lines("one\n".to_owned())));
        assert_eq!(follow.news().unwrap(), None);
        fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(follow.news().unwrap(), Some(News::Lines("two\nthree\n".to_owned())));
        fs::write(&path, "a\n").unwrap();
        assert_eq!(follow.news().unwrap(), Some(News::Anew("a\n".to_owned())));
        fs::write(folder.path().join("new"), "b\nc\n").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(follow.news().unwrap(), Some(News::Anew("b\nc\n".to_owned())));
        fs::remove_file(&path).unwrap();
        assert!(follow.news().is_err());
    }
}
