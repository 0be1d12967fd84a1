//! Transition tools: a process a block.

use crate::{
    config::{ClientConfig, Mode, Transactions},
    process::{self, Limits, ended, excerpt},
};
use lockstep_formats::t8n::{Answer, Inputs};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// The inputs as one object.
pub(crate) fn input(client: &ClientConfig, inputs: &Inputs) -> Value {
    let txs = match client.transactions {
        Transactions::Objects => inputs.objects(),
        Transactions::Rlp => inputs.rlp(),
    };
    json!({ "alloc": inputs.alloc, "env": inputs.env, "txs": txs })
}

fn options(inputs: &Inputs) -> Vec<String> {
    let mut options = vec![
        format!("--state.fork={}", inputs.fork),
        format!("--state.chainid={}", inputs.chain_id),
        format!("--state.reward={}", inputs.reward),
    ];
    options.extend(inputs.transactions_only.then(|| "--state-test".to_owned()));
    options
}

/// The tool's answer.
pub(crate) fn ask(client: &ClientConfig, inputs: &Inputs, folder: &Path) -> Result<Answer, String> {
    match client.mode() {
        Mode::Files => by_files(client, inputs, folder),
        _ => by_streams(client, inputs, folder),
    }
}

fn by_streams(client: &ClientConfig, inputs: &Inputs, folder: &Path) -> Result<Answer, String> {
    let mut words = client.words();
    words.extend(["alloc", "txs", "env"].map(|name| format!("--input.{name}=stdin")));
    words.extend(["result", "alloc", "body"].map(|name| format!("--output.{name}=stdout")));
    words.extend(options(inputs));
    let text = input(client, inputs).to_string();
    let limits = Limits { time: client.timeout };
    let output = process::run_in(client, &words, text.as_bytes(), limits, Some(folder))?;
    let line = process::shown(client, &words);
    if !output.status.success() {
        return Err(format!("`{line}`: {}", ended(output.status, &output.stderr)));
    }
    answer(&output.stdout).map_err(|problem| format!("`{line}`: {problem}"))
}

fn by_files(client: &ClientConfig, inputs: &Inputs, folder: &Path) -> Result<Answer, String> {
    let folder = tempfile::tempdir_in(folder).map_err(|error| error.to_string())?;
    let folder = folder.path();
    let mut words = client.words();
    let input = input(client, inputs);
    for name in ["alloc", "env", "txs"] {
        let path = folder.join(format!("{name}.json"));
        process::write(&path, &input[name].to_string())?;
        words.push(format!("--input.{name}={}", path.display()));
    }
    let out = folder.join("out");
    fs::create_dir(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    words.push(format!("--output.basedir={}", out.display()));
    words.extend(["result", "alloc"].map(|name| format!("--output.{name}={name}.json")));
    words.extend(options(inputs));
    let limits = Limits { time: client.timeout };
    let output = process::run_in(client, &words, &[], limits, Some(folder))?;
    let line = process::shown(client, &words);
    if !output.status.success() {
        return Err(format!("`{line}`: {}", ended(output.status, &output.stderr)));
    }
    let read = |name: &str| {
        let path = out.join(name);
        let read = fs::read(&path).map_err(|error| format!("{name}: {error}"));
        let json = read.and_then(|bytes| {
            serde_json::from_slice(&bytes).map_err(|error| format!("{name}: {error}"))
        });
        json.map_err(|problem| format!("`{line}`: {problem}: {}", excerpt(&output.stderr)))
    };
    Ok(Answer { alloc: read("alloc.json")?, result: read("result.json")? })
}

/// An answer out of what a tool wrote, which may start with warnings.
pub(crate) fn answer(text: &str) -> Result<Answer, String> {
    let object = json_line(text, '{').ok_or_else(|| {
        format!("expected an object with `alloc` and `result`, found `{}`", excerpt(text))
    })?;
    let part = |name: &str| match object.get(name) {
        Some(part) if !part.is_null() => Ok(part.clone()),
        _ => Err(format!("expected an object with `{name}`, found `{}`", excerpt(text))),
    };
    Ok(Answer { alloc: part("alloc")?, result: part("result")? })
}

/// The first JSON value that starts a line with this character.
pub(crate) fn json_line(text: &str, start: char) -> Option<Value> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(start) {
            let mut values =
                serde_json::Deserializer::from_str(&text[offset..]).into_iter::<Value>();
            if let Some(Ok(value)) = values.next() {
                return Some(value);
            }
        }
        offset += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_before_an_answer_are_passed_over() {
        let text = "warning: {old}\n{broken\n{\n \"alloc\": {}, \"result\": {\"a\": 1}\n}\n";
        assert_eq!(answer(text).unwrap().result["a"], 1);
        for nothing in ["", "{}", "{\"alloc\": {}}", "[1]", "{\"alloc\": {}, \"result\": null}"] {
            assert!(answer(nothing).unwrap_err().contains("expected an object"), "{nothing}");
        }
    }
}
