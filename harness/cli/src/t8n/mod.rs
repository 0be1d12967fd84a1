//! `lockstep t8n`.

mod trace;

use crate::{Lockstep, args::T8nArgs, candidates, output};
use alloy_primitives::{U256, hex};
use lockstep_engine::Slot;
use lockstep_formats::t8n::{Documents, Failure, Target, Transition};
use lockstep_jobs::t8n::{Made, Options, make};
use serde_json::{Map, Value, json};
use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Runs the command; gives its exit status.
pub(crate) fn t8n(args: &T8nArgs, command: &Lockstep) -> u8 {
    match run(args, command) {
        Ok(()) => 0,
        Err(failure) => {
            output::err(&format!("{failure}\n"));
            failure.status
        }
    }
}

fn run(args: &T8nArgs, command: &Lockstep) -> Result<(), Failure> {
    let target = Target { fork: &args.fork, chain_id: args.chain_id };
    let transition = Transition::read(&documents(args)?, &target)?;
    let options = Options {
        reward: u128::try_from(args.reward).ok().map(U256::from),
        transactions_only: args.state_test,
        changes_by_transaction: args.trace || args.opcode_count.is_some(),
    };
    let made = make(&transition, &options, &mut slot(args, command)?)?;
    if args.trace || args.opcode_count.is_some() {
        trace::trace(args, &transition, &made)?;
    }
    write(args, &made)
}

/// The one executor.
fn slot(args: &T8nArgs, command: &Lockstep) -> Result<Slot, Failure> {
    let candidate = candidates::one(&command.executors, &args.executor, args.threads);
    Ok(Slot::new(&candidate.map_err(Failure::configuration)?))
}

/// The inputs, each from its file or all from one object on standard input.
fn documents(args: &T8nArgs) -> Result<Documents, Failure> {
    let named = [&args.input_alloc, &args.input_env, &args.input_txs];
    let from_stdin = named.into_iter().chain(&args.input_blob_params).any(|name| name == "stdin");
    let stdin = if from_stdin { stdin()? } else { Map::new() };
    let read = |name: &str, member: &str| match name {
        "stdin" => Ok(stdin.get(member).cloned().unwrap_or_default()),
        path => file(Path::new(path)),
    };
    let txs = match stdin.get("txsRlp") {
        Some(rlp) if args.input_txs == "stdin" => rlp.clone(),
        _ => read(&args.input_txs, "txs")?,
    };
    let blob_params = match &args.input_blob_params {
        Some(name) => Some(read(name, "blobParams")?),
        None => stdin.get("blobParams").cloned(),
    };
    let (alloc, env) = (read(&args.input_alloc, "alloc")?, read(&args.input_env, "env")?);
    Ok(Documents { alloc, env, txs, blob_params })
}

fn stdin() -> Result<Map<String, Value>, Failure> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(Failure::io)?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::json("stdin", error))
}

fn file(path: &Path) -> Result<Value, Failure> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| Failure::io(format!("{shown}: {error}")))?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::json(&shown.to_string(), error))
}

/// Where an output goes.
enum Place {
    Nowhere,
    Stdout,
    Stderr,
    File(PathBuf),
}

impl Place {
    fn of(name: &str, args: &T8nArgs) -> Self {
        match name {
            "" => Self::Nowhere,
            "stdout" => Self::Stdout,
            "stderr" => Self::Stderr,
            file => Self::File(in_base(args, Path::new(file))),
        }
    }
}

fn in_base(args: &T8nArgs, file: &Path) -> PathBuf {
    args.output_basedir.as_deref().map_or_else(|| file.to_owned(), |base| base.join(file))
}

fn write(args: &T8nArgs, made: &Made) -> Result<(), Failure> {
    let result = serde_json::to_value(&made.result).map_err(Failure::io)?;
    let outputs = [
        ("alloc", &args.output_alloc, made.alloc.clone()),
        ("result", &args.output_result, result),
        ("body", &args.output_body, json!(hex::encode_prefixed(&made.body))),
    ];
    let (mut stdout, mut stderr) = (Map::new(), Map::new());
    for (name, place, value) in outputs {
        match Place::of(place, args) {
            Place::Nowhere => {}
            Place::Stdout => drop(stdout.insert(name.to_owned(), value)),
            Place::Stderr => drop(stderr.insert(name.to_owned(), value)),
            Place::File(path) => write_file(&path, pretty(&value).as_bytes())?,
        }
    }
    if !stdout.is_empty() {
        output::out(&pretty(&stdout));
    }
    if !stderr.is_empty() {
        output::err(&pretty(&stderr));
    }
    Ok(())
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings and numbers") + "\n"
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    create(path)?.write_all(bytes).map_err(|error| named(path, &error))
}

fn create(path: &Path) -> Result<fs::File, Failure> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| fs::File::create(path)).map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("{}: {error}", path.display()))
}
