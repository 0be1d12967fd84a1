//! `lockstep export`.

use crate::{
    Lockstep,
    args::{ExportArgs, ExportFormat},
    candidates::factory,
    defaults::REFERENCE,
    files,
    fuzz::limits,
    one_case::load_file,
    output,
};
use anyhow::{Context, Result, bail};
use lockstep_cases::{
    generate::from_seed,
    pack::{MOST_GAS, Sampled, sampled},
};
use lockstep_formats::{
    Walk,
    export::{self, Fixture, rebased},
};
use lockstep_judge::{
    definition::{Body, Test},
    runnable::Runnable,
};
use lockstep_model::{BlockOutcome, Executor, Mode, Outcome, RunOptions};
use std::{fmt::Write as _, fs, path::Path};

/// A block, and the name of its file or folder.
type Named = (String, Runnable);

/// Runs the command; gives its exit status.
pub(crate) fn export(args: &ExportArgs, command: &Lockstep) -> Result<u8> {
    let reference = factory(&command.executors, REFERENCE, Mode::Forced)?;
    let mut reference = reference(1).map_err(anyhow::Error::msg)?;
    let all = blocks(args)?;
    files::make_out(&args.out)?;
    let (mut count, mut transactions) = (0, 0);
    let (mut left_out, mut rejected) = (0, 0);
    for block in all {
        let (name, block) = block?;
        if export::may_overflow(&block.case) {
            left_out += 1;
            continue;
        }
        let block = rebased(&block);
        let outcome = run(&mut *reference, &block)?;
        match args.format {
            ExportFormat::Fixture => write_fixture(&args.out, &name, &block, &outcome)?,
            ExportFormat::T8n => write_t8n(&args.out, &name, &block, &outcome)?,
            ExportFormat::RealBlock => {
                let Some(accepted) = outcome.accepted() else {
                    rejected += 1;
                    continue;
                };
                write_real_block(&args.out, &name, &block, accepted)?;
            }
        }
        count += 1;
        transactions += block.case.block.transactions.len();
    }
    let mut more = String::new();
    if left_out > 0 {
        more = format!("; {left_out} left out: rewards may overflow the fee recipient's balance");
    }
    if rejected > 0 {
        let _ = write!(more, "; {rejected} left out: they are rejected, and no chain has them");
    }
    output::err(&format!(
        "{count} blocks, {transactions} transactions: {}{more}\n",
        args.out.display()
    ));
    Ok(0)
}

/// The blocks that are asked for, one after the other.
fn blocks(args: &ExportArgs) -> Result<Box<dyn Iterator<Item = Result<Named>>>> {
    let (seed, count) = (args.seed.unwrap_or(1), args.blocks.unwrap_or(1));
    if count == 0 {
        bail!("--blocks 0: expected at least 1");
    }
    match (&args.case, args.pack) {
        (Some(path), Some(size)) => {
            if args.format == ExportFormat::Fixture {
                bail!("--pack: expected --format t8n, a packed block has no chain to stand in");
            }
            let blocks = packed(path, size, seed)?.into_iter().take(count.try_into()?);
            Ok(Box::new(blocks.map(Ok)))
        }
        (Some(path), None) => {
            if args.seed.or(args.blocks).is_some() {
                bail!("--seed and --blocks: expected no CASE beside them, or --pack");
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Ok(Box::new(std::iter::once(Ok((name, load_file(path, None, None)?)))))
        }
        (None, _) => {
            let limits = limits(&args.kind)?;
            let seeds = (0..count).map(move |number| seed.wrapping_add(number));
            Ok(Box::new(
                seeds.map(move |seed| Ok((seed.to_string(), from_seed(seed, &limits).block))),
            ))
        }
    }
}

/// State tests in blocks, in an order that the seed decides.
fn packed(path: &Path, size: usize, seed: u64) -> Result<Vec<Named>> {
    if size < 2 {
        bail!("--pack {size}: expected at least 2, a block of one is what a state test is");
    }
    let Sampled { tests, packing, left_out } = sampled(&Walk::new([path.to_owned()]), size, seed)?;
    let mut blocks: Vec<Named> = tests.into_iter().enumerate().filter_map(assembled).collect();
    let all = blocks.len();
    blocks.retain(|(_, block)| !export::has_too_many_blobs(&block.case));
    if blocks.is_empty() {
        bail!("{}: expected state tests that can be packed, found none", path.display());
    }
    output::err(&format!(
        "{} blocks of {} tests; {} tests that cannot be packed, {left_out} that may use more than \
         {MOST_GAS} gas, {} blocks with more blobs than one may have\n",
        blocks.len(),
        packing.packable,
        packing.not_packable,
        all - blocks.len()
    ));
    Ok(blocks)
}

fn assembled((number, test): (usize, Test)) -> Option<Named> {
    match test.body {
        Body::Pack(recipe) => Some((format!("packed-{number}"), recipe.assemble(&test.id))),
        _ => None,
    }
}

fn run(reference: &mut dyn Executor, block: &Runnable) -> Result<Outcome> {
    let execution = reference
        .prepare(&block.case, &RunOptions::of(&block.case))
        .and_then(|mut prepared| prepared.run());
    let execution = execution.with_context(|| format!("{}: the reference", block.case.id))?;
    Ok(execution.outcome)
}

fn write_fixture(folder: &Path, name: &str, block: &Runnable, outcome: &Outcome) -> Result<()> {
    let path = folder.join(format!("{name}.json"));
    let comment = format!("{}, filled by revm.", block.case.id);
    let name = format!("lockstep_{name}");
    let about = Fixture { name: &name, comment: &comment, confirmed_by: &[] };
    files::write(&path, &export::fixture(block, outcome, about)?)
}

fn write_real_block(
    folder: &Path,
    name: &str,
    block: &Runnable,
    outcome: &BlockOutcome,
) -> Result<()> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let files = export::real_block(block, outcome)?;
    files::write(&folder.join("block.rlp"), &files.block)?;
    files::write(&folder.join("witness.json"), &files.witness)?;
    files::write(&folder.join("genesis.json"), &files.genesis)
}

fn write_t8n(folder: &Path, name: &str, block: &Runnable, outcome: &Outcome) -> Result<()> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let export::T8n { alloc, env, txs, expected } = export::t8n(block, outcome)?;
    for (name, value) in [("alloc", alloc), ("env", env), ("txs", txs), ("expected", expected)] {
        let text = serde_json::to_string_pretty(&value)? + "\n";
        files::write(&folder.join(format!("{name}.json")), &text)?;
    }
    Ok(())
}
