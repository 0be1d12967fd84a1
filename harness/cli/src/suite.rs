//! `lockstep suite`.

use crate::{
    Lockstep,
    args::SuiteArgs,
    candidates::{Chosen, candidates, factory},
    files, interrupt, output,
    progress::Progress,
};
use anyhow::{Context, Result, bail};
use lockstep_executors::{access_list::mutants, dependencies};
use lockstep_formats::export;
use lockstep_jobs::suite::{
    Draft, Filler, LeftOut, Manifest, Member, NotFilled, SuitePlan, collect,
};
use lockstep_model::Mode;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Exit status where an implementation disagrees.
const EXIT_DISPUTED: u8 = 1;

/// A suite that a client's repository can hold.
const MOST_BYTES: usize = 100_000_000;

/// A fixture of more is left out: it would be most of the suite.
const MOST_BYTES_OF_ONE: usize = 250_000;

/// Runs the command; gives its exit status.
pub(crate) fn suite(args: &SuiteArgs, command: &Lockstep) -> Result<u8> {
    make_empty(&args.out)?;
    let plan = plan(args, command)?;
    let interrupted = interrupt::flag();
    let progress = Progress::new();
    let drafts = collect(&plan, &mut |what| progress.say(what)).map_err(anyhow::Error::msg)?;
    let mut filled = fill(&plan, drafts, &progress, &interrupted);
    progress.finish();
    if interrupted.load(Ordering::SeqCst) {
        output::error("interrupted: nothing was written");
        return Ok(interrupt::EXIT_INTERRUPTED);
    }
    filled.manifest.made_by = concat!("lockstep ", env!("CARGO_PKG_VERSION")).to_owned();
    filled.manifest.confirmers.clone_from(&args.confirm);
    let bytes = filled.write(&args.out)?;
    output::err(&filled.summary(&args.out, bytes));
    Ok(if filled.manifest.left_out.is_empty() { 0 } else { EXIT_DISPUTED })
}

/// What is there already would be taken for part of the suite.
fn make_empty(folder: &Path) -> Result<()> {
    files::make_out(folder)?;
    let shown = folder.display();
    let mut entries = fs::read_dir(folder).with_context(|| format!("{shown}: cannot be read"))?;
    if entries.next().is_some() {
        bail!("--out {shown}: expected a folder that is empty or not there");
    }
    Ok(())
}

fn plan(args: &SuiteArgs, command: &Lockstep) -> Result<SuitePlan> {
    for path in &args.packed {
        if !path.exists() {
            bail!("{}: no such file or folder", path.display());
        }
    }
    let chosen = Chosen { names: &args.confirm, threads: &[1], mode: Mode::Forced };
    let confirmers = if args.confirm.is_empty() {
        Vec::new()
    } else {
        candidates(&command.executors, &chosen, &[])?
    };
    Ok(SuitePlan {
        reference: factory(&command.executors, &command.reference, Mode::Forced)?,
        confirmers,
        mutators: mutants::all(),
        dependencies,
        packed: args.packed.clone(),
        packed_blocks: args.packed_blocks,
    })
}

/// Tests by the file that they stand in.
type Files = BTreeMap<String, Vec<(String, Value)>>;

/// Everything that is to be written.
#[derive(Default)]
struct Filled {
    manifest: Manifest,
    blockchain: Files,
    engine: Files,
    /// Why others were left out, and how often.
    unfit: BTreeMap<String, usize>,
}

fn fill(
    plan: &SuitePlan,
    drafts: Vec<Draft>,
    progress: &Progress,
    interrupted: &AtomicBool,
) -> Filled {
    let (mut filler, mut filled) = (Filler::new(plan), Filled::default());
    let all = drafts.len();
    for (number, draft) in drafts.into_iter().enumerate() {
        if interrupted.load(Ordering::SeqCst) {
            break;
        }
        progress.say(&format!("{number} of {all} blocks filled in"));
        let present = filled.blockchain.get(&draft.path()).map_or(0, Vec::len);
        if present >= draft.wanted() {
            continue;
        }
        let id = draft.id();
        match filler.fill(draft) {
            Ok(member) => filled.add(id, member),
            Err(why) => filled.leave_out(id, why),
        }
    }
    filled
}

impl Filled {
    fn add(&mut self, id: String, member: Member) {
        if member.blockchain.to_string().len() > MOST_BYTES_OF_ONE {
            let why = format!("more than {MOST_BYTES_OF_ONE} bytes");
            return self.leave_out(id, NotFilled::Unfit(why));
        }
        self.manifest.add(&member);
        let path = member.draft.path();
        if let Some(engine) = member.engine {
            self.engine.entry(path.clone()).or_default().push((id.clone(), engine));
        }
        self.blockchain.entry(path).or_default().push((id, member.blockchain));
    }

    fn leave_out(&mut self, id: String, why: NotFilled) {
        // What was never possible is counted; what might have been is named.
        match why {
            NotFilled::Unfit(why) => *self.unfit.entry(why).or_default() += 1,
            NotFilled::Disputed(why) => self.manifest.left_out.push(LeftOut { id, why }),
        }
    }

    /// Writes everything; gives how many bytes that is.
    fn write(&mut self, out: &Path) -> Result<usize> {
        let mut bytes = 0;
        for (folder, tests) in [
            ("blockchain_tests", std::mem::take(&mut self.blockchain)),
            ("blockchain_tests_engine", std::mem::take(&mut self.engine)),
        ] {
            for (path, tests) in tests {
                let path = out.join(folder).join(path);
                if let Some(parent) = path.parent() {
                    files::make_out(parent)?;
                }
                let text = export::file(tests);
                bytes += text.len();
                files::write(&path, &text)?;
            }
        }
        let meta = out.join(".meta");
        files::make_out(&meta)?;
        let manifest = serde_json::to_string_pretty(&self.manifest)? + "\n";
        files::write(&meta.join("manifest.json"), &manifest)?;
        bytes += manifest.len();
        if bytes > MOST_BYTES {
            bail!("{}: {bytes} bytes, expected at most {MOST_BYTES}", out.display());
        }
        Ok(bytes)
    }

    fn summary(&self, out: &Path, bytes: usize) -> String {
        let tests = &self.manifest.tests;
        let invalid = tests.iter().filter(|test| test.invalid.is_some()).count();
        let mut text = format!(
            "{}: {} blocks, {invalid} of them invalid, {:.1} MB; {} confirmed by an independent implementation\n",
            out.display(),
            tests.len(),
            bytes as f64 / 1e6,
            self.manifest.confirmed(),
        );
        for (why, count) in &self.unfit {
            text += &format!("{count} left out: {why}\n");
        }
        for LeftOut { id, why } in &self.manifest.left_out {
            text += &format!("{id}: left out, somebody disagrees: {why}\n");
        }
        text
    }
}
