//! `lockstep profile`.

use crate::{
    args::{ProfileArgs, ProfileFormat},
    blocks::{Source, each_block},
    files, output,
};
use anyhow::{Context, Result};
use lockstep_cases::layouts::Layouts;
use lockstep_jobs::profile::{Sources, profile as profile_block};
use lockstep_report::profile::{Profile, markdown, page, terminal};
use std::fs;

/// What a profile is made of.
pub(crate) const SOURCES: Sources = Sources {
    contention: lockstep_executors::contention,
    preimages: lockstep_executors::preimages,
};

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
    let mut profiles = Vec::new();
    let status = each_block(&Source::of(&args.blocks), &mut |block, progress| {
        let profile =
            profile_block(block, &SOURCES, &layouts).map_err(|error| error.to_string())?;
        progress.suspend(|| print(&profile, args.format));
        profiles.push(profile);
        Ok(())
    })?;
    if profiles.is_empty() {
        output::error("nothing was profiled");
        return Ok(status);
    }
    if let Some(path) = &args.html {
        files::write(path, &page(&profiles))?;
    }
    Ok(status)
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
