//! `lockstep export`.

use crate::{
    Lockstep,
    args::{ExportArgs, ExportFormat},
    candidates::factory,
    defaults::REFERENCE,
    fuzz::limits,
    output,
};
use anyhow::{Context, Result, bail};
use lockstep_model::{Executor, Mode, Outcome};
use lockstep_runner::{
    export::{self, Fixture, travelling},
    generate::from_seed,
    test::Runnable,
};
use std::{fs, path::Path};

/// Runs the command; gives its exit status.
pub(crate) fn export(args: &ExportArgs, command: &Lockstep) -> Result<u8> {
    if args.blocks == 0 {
        bail!("--blocks 0: expected at least 1");
    }
    let limits = limits(&args.fork, &args.features, args.transactions)?;
    let reference = factory(&command.executors, REFERENCE, Mode::Forced)?;
    let mut reference = reference(1).map_err(anyhow::Error::msg)?;
    let shown = args.out.display();
    fs::create_dir_all(&args.out).with_context(|| format!("--out {shown}: cannot be made"))?;
    let mut transactions = 0;
    for number in 0..args.blocks {
        let seed = args.seed.wrapping_add(number);
        let block = travelling(&from_seed(seed, &limits).block);
        let outcome = run(&mut *reference, &block)?;
        transactions += block.case.block.transactions.len();
        match args.format {
            ExportFormat::Fixture => write_fixture(&args.out, seed, &block, &outcome)?,
            ExportFormat::T8n => write_t8n(&args.out, seed, &block, &outcome)?,
        }
    }
    output::err(&format!("{} blocks, {transactions} transactions: {shown}\n", args.blocks));
    Ok(0)
}

fn run(reference: &mut dyn Executor, block: &Runnable) -> Result<Outcome> {
    let execution = reference.prepare(&block.case).and_then(|mut prepared| prepared.run());
    let execution = execution.with_context(|| format!("{}: the reference", block.case.id))?;
    Ok(execution.outcome)
}

fn write_fixture(folder: &Path, seed: u64, block: &Runnable, outcome: &Outcome) -> Result<()> {
    let comment = format!("The block that lockstep fuzz makes of seed {seed}, filled by revm.");
    let about = Fixture { name: &format!("generated_{seed}"), comment: &comment };
    write(&folder.join(format!("{seed}.json")), &export::fixture(block, outcome, about)?)
}

fn write_t8n(folder: &Path, seed: u64, block: &Runnable, outcome: &Outcome) -> Result<()> {
    let folder = folder.join(seed.to_string());
    fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let export::T8n { alloc, env, txs, expected } = export::t8n(block, outcome)?;
    for (name, value) in [("alloc", alloc), ("env", env), ("txs", txs), ("expected", expected)] {
        let text = serde_json::to_string_pretty(&value)? + "\n";
        write(&folder.join(format!("{name}.json")), &text)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))
}
