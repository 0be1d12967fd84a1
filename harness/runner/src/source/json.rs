//! JSON with errors that name the place.

use super::{File, SourceError};
use serde::de::DeserializeOwned;

/// Reads a file. On failure it is read again, slower, to learn the path of the place.
pub(crate) fn read<T: DeserializeOwned>(file: &File) -> Result<T, SourceError> {
    let bytes = file.content.bytes();
    serde_json::from_slice(&bytes).map_err(|_| explain::<T>(file, &bytes))
}

fn explain<T: DeserializeOwned>(file: &File, bytes: &[u8]) -> SourceError {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let outcome: Result<T, _> = serde_path_to_error::deserialize(&mut json);
    let (path, error) = match outcome {
        Err(error) => (error.path().to_string(), error.into_inner()),
        Ok(_) => match json.end() {
            Err(error) => (".".to_owned(), error),
            Ok(()) => return SourceError::file(&file.path, "could not be read twice alike"),
        },
    };
    let position = format!("line {} column {}", error.line(), error.column());
    let place = if path == "." { position } else { format!("{path} ({position})") };
    let problem = error.to_string();
    // serde_json appends the position, which the place already has.
    let problem = problem.split(" at line ").next().unwrap_or(&problem);
    SourceError::place(&file.path, place, problem)
}
