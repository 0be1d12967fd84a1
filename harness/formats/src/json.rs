//! JSON with errors that name the place.

use super::{File, SourceError, hex::Ordered};
use serde::{
    Deserializer as _,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// Reads a file. On failure it is read again, slower, to learn the path of the place.
pub(crate) fn read<T: DeserializeOwned>(file: &File) -> Result<T, SourceError> {
    let bytes = file.content.bytes();
    serde_json::from_slice(&bytes).map_err(|_| {
        explain::<T>(&bytes, &bytes).map_or_else(|wrong| wrong.in_file(file, ""), |_| twice(file))
    })
}

/// Reads a file that is what a node answers, or the result alone.
pub(crate) fn read_answer<T: DeserializeOwned>(file: &File) -> Result<T, SourceError> {
    /// JSON-RPC 2.0: a response has one of the two.
    #[derive(serde::Deserialize)]
    struct Answer<'a> {
        #[serde(rename = "jsonrpc")]
        _version: serde::de::IgnoredAny,
        #[serde(borrow)]
        result: Option<&'a RawValue>,
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    let bytes = file.content.bytes();
    let Ok(Answer { result, error, .. }) = serde_json::from_slice(&bytes) else {
        return read(file);
    };
    match (result, error) {
        (Some(result), None) if result.get() != "null" => {
            explain(result.get().as_bytes(), &bytes).map_err(|wrong| wrong.in_file(file, "result"))
        }
        (_, Some(error)) => {
            let problem = format!("expected a result, found an error of the node: {}", error.get());
            Err(SourceError::place(&file.path, "error", problem))
        }
        _ => Err(SourceError::place(
            &file.path,
            "result",
            "expected a result, found none: the node does not know the block",
        )),
    }
}

/// Reads a file of tests by name. A test that cannot be read is an error beside those that can.
pub(crate) fn suite<T: DeserializeOwned>(file: &File) -> (Vec<(String, T)>, Vec<SourceError>) {
    let bytes = file.content.bytes();
    match serde_json::from_slice::<Ordered<String, T>>(&bytes) {
        Ok(suite) => (suite.0, Vec::new()),
        Err(_) => one_by_one(file, &bytes),
    }
}

fn one_by_one<T: DeserializeOwned>(
    file: &File,
    bytes: &[u8],
) -> (Vec<(String, T)>, Vec<SourceError>) {
    let mut raw = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let whole = json.deserialize_map(Members(&mut raw)).and_then(|()| json.end());
    let (mut tests, mut errors) = (Vec::new(), Vec::new());
    for (name, value) in raw {
        match test(&name, value.get(), bytes) {
            Ok(test) => tests.push((name, test)),
            Err(wrong) => errors.push(wrong.in_file(file, &name)),
        }
    }
    errors.extend(whole.err().map(|error| Wrong::new("", &error, bytes, bytes).in_file(file, "")));
    (tests, errors)
}

fn test<T: DeserializeOwned>(name: &str, text: &str, whole: &[u8]) -> Result<T, Wrong> {
    let what = match text.as_bytes().first() {
        Some(b'{') if !name.starts_with('_') => {
            return explain::<T>(text.as_bytes(), whole);
        }
        Some(b'{') => "an object whose name begins with `_`",
        Some(b'"') => "a string",
        Some(b'[') => "a list",
        Some(b'n') => "null",
        _ => "a number or a truth value",
    };
    let (line, column) = position(whole, text.as_bytes(), 1, 1);
    Err(Wrong {
        path: String::new(),
        line,
        column,
        problem: format!("expected a test, found {what}"),
    })
}

/// The members of an object, as far as they can be read.
struct Members<'a, 'de>(&'a mut Vec<(String, &'de RawValue)>);

impl<'de> Visitor<'de> for Members<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tests")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_entry()? {
            self.0.push(member);
        }
        Ok(())
    }
}

/// The error, and its place in the file.
struct Wrong {
    path: String,
    line: usize,
    column: usize,
    problem: String,
}

impl Wrong {
    fn new(path: &str, error: &serde_json::Error, part: &[u8], whole: &[u8]) -> Self {
        let (line, column) = position(whole, part, error.line(), error.column());
        Self { path: path.to_owned(), line, column, problem: without_position(error) }
    }

    fn in_file(self, file: &File, test: &str) -> SourceError {
        let position = format!("line {} column {}", self.line, self.column);
        let path = match (test, self.path.as_str()) {
            ("", path) => path.to_owned(),
            (test, "") => test.to_owned(),
            (test, path) => format!("{test}.{path}"),
        };
        let place = if path.is_empty() { position } else { format!("{path} ({position})") };
        SourceError::place(&file.path, place, self.problem)
    }
}

/// The message of serde_json, without the position that it appends.
pub(super) fn without_position(error: &serde_json::Error) -> String {
    let problem = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    problem.strip_suffix(&position).map_or(problem.clone(), ToOwned::to_owned)
}

/// A position in a part of the file, in the file.
fn position(whole: &[u8], part: &[u8], line: usize, column: usize) -> (usize, usize) {
    let offset = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    let before = &whole[..offset.min(whole.len())];
    let lines = memchr::memchr_iter(b'\n', before).count();
    let start = before.len() - memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    (line + lines, if line <= 1 { column + start } else { column })
}

/// Reads a part of a file, slowly.
fn explain<T: DeserializeOwned>(part: &[u8], whole: &[u8]) -> Result<T, Wrong> {
    let mut json = serde_json::Deserializer::from_slice(part);
    let value: Result<T, _> = serde_path_to_error::deserialize(&mut json);
    let value = value.map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        Wrong::new(path, error.inner(), part, whole)
    })?;
    json.end().map_err(|error| Wrong::new("", &error, part, whole))?;
    Ok(value)
}

fn twice(file: &File) -> SourceError {
    SourceError::file(&file.path, "could not be read twice alike")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_test_costs_one_test() {
        let text = "{\n \"a\": {\"x\": 1},\n \"_c\": {},\n \"b\": {\"x\":\n  \"y\"},\n \"n\": 7, \"d\": {\"x\": 2}\n}";
        let file = File::of_text("f.json", text);
        let (tests, errors) = suite::<std::collections::BTreeMap<String, u8>>(&file);
        let names: Vec<&str> = tests.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "d"]);
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(errors[0].contains("at _c (line 3 column 8): expected a test"), "{errors:?}");
        assert!(errors[1].contains("at b.x (line 5 column 5): invalid type: string"), "{errors:?}");
        assert!(
            errors[2].contains("at n (line 6 column 7): expected a test, found a number"),
            "{errors:?}"
        );
    }

    #[test]
    fn a_file_that_breaks_off_keeps_the_tests_before() {
        let file = File::of_text("f.json", "{\"a\": 1, \"b\": 2, \"c\": ");
        let (tests, errors) = suite::<u8>(&file);
        assert!(tests.is_empty(), "tests are objects");
        assert!(errors.last().unwrap().to_string().contains("EOF while parsing"));
        let file = File::of_text("f.json", "{\"a\": {}, \"b\": {");
        let (tests, errors) = suite::<std::collections::BTreeMap<String, u8>>(&file);
        assert_eq!((tests.len(), errors.len()), (1, 1));
        assert_eq!(errors[0].to_string().matches("line 1").count(), 1);
    }
}
