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
    let limits = limits(&args.kind)?;
    let reference = factory(&command.executors, REFERENCE, Mode::Forced)?;
    let mut reference = reference(1).map_err(anyhow::Error::msg)?;
    let shown = args.out.display();
    files::make_out(&args.out)?;
    let mut write = |name: &str, block: &Runnable| {
        let block = travelling(block);
        let outcome = run(&mut *reference, &block)?;
        match args.format {
            ExportFormat::Fixture => write_fixture(&args.out, name, &block, &outcome)?,
            ExportFormat::T8n => write_t8n(&args.out, name, &block, &outcome)?,
        }
        Ok::<usize, anyhow::Error>(block.case.block.transactions.len())
    };
    let (mut blocks, mut transactions) = (0, 0);
    if let Some(path) = &args.case {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        (blocks, transactions) = (1, write(&name, &load_file(path, None)?)?);
    }
    for number in 0..args.blocks * u64::from(args.case.is_none()) {
        let seed = args.seed.wrapping_add(number);
        transactions += write(&seed.to_string(), &from_seed(seed, &limits).block)?;
        blocks += 1;
    }
    output::err(&format!("{blocks} blocks, {transactions} transactions: {shown}\n"));
    Ok(0)
}

fn run(reference: &mut dyn Executor, block: &Runnable) -> Result<Outcome> {
    let execution = reference.prepare(&block.case).and_then(|mut prepared| prepared.run());
    let execution = execution.with_context(|| format!("{}: the reference", block.case.id))?;
    Ok(execution.outcome)
}

fn write_fixture(folder: &Path, name: &str, block: &Runnable, outcome: &Outcome) -> Result<()> {
    let comment = format!("{}, filled by revm.", block.case.id);
    let about = Fixture { name: &format!("lockstep_{name}"), comment: &comment };
    files::write(&folder.join(format!("{name}.json")), &export::fixture(block, outcome, about)?)
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
