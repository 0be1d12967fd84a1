//! `lockstep profile`.

use crate::{
    EXIT_NOTHING, EXIT_USAGE,
    args::{ProfileArgs, ProfileFormat},
    blocks::{Found, Source, blocks},
    files, interrupt, output,
    progress::Progress,
};
use anyhow::{Context, Result};
use lockstep_cases::layouts::Layouts;
use lockstep_jobs::profile::{Sources, profile as profile_block};
use lockstep_report::profile::{Profile, markdown, page, terminal};
use std::{fs, sync::atomic::Ordering};

/// Runs the command; gives its exit status.
pub(crate) fn profile(args: &ProfileArgs) -> Result<u8> {
    output::set_color(args.color);
    lockstep_executors::remember();
    if let Some(path) = &args.html {
        files::can_be_written(path)?;
    }
    let mut layouts = Layouts::built_in();
    for (address, path) in &args.layout {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("{shown}: cannot be read"))?;
        layouts.add(*address, &text).with_context(|| {
            format!(
                "{shown}: expected a storage layout: an object with `storage`, a list of variables"
            )
        })?;
    }
    let sources = Sources {
        contention: lockstep_executors::contention,
        preimages: lockstep_executors::preimages,
    };
    let (mut profiles, mut status) = (Vec::new(), 0);
    let progress = Progress::new();
    let interrupted = interrupt::flag();
    blocks(&Source::of(&args.blocks), &mut |found| {
        if interrupted.load(Ordering::SeqCst) {
            return Ok(());
        }
        match found {
            Ok(Found::Block(block)) => {
                progress.say(&block.case.id);
                match profile_block(&block, &sources, &layouts) {
                    Ok(profile) => {
                        progress.suspend(|| print(&profile, args.format));
                        profiles.push(profile);
                    }
                    Err(error) => progress.suspend(|| left_out(&block.case.id, &error.to_string())),
                }
            }
            Ok(Found::Skipped(id, reason)) => progress.suspend(|| left_out(&id, &reason)),
            Err(error) => {
                status = EXIT_USAGE;
                progress.suspend(|| output::error(&error.to_string()));
            }
        }
        Ok(())
    })?;
    progress.finish();
    if profiles.is_empty() {
        output::error("nothing was profiled");
        return Ok(if status == 0 { EXIT_NOTHING } else { status });
    }
    if let Some(path) = &args.html {
        files::write(path, &page(&profiles))?;
    }
    Ok(status)
}

fn left_out(id: &str, reason: &str) {
    output::err(&format!("skipped {id}: {reason}\n"));
}

fn print(profile: &Profile, format: ProfileFormat) {
    match format {
        ProfileFormat::Human => output::out(&format!("{}\n", terminal(profile))),
        ProfileFormat::Markdown => output::out(&format!("{}\n", markdown(profile))),
        ProfileFormat::Json => {
            let line = serde_json::to_string(profile).expect("plain data");
            output::out(&format!("{line}\n"));
        }
    }
}
