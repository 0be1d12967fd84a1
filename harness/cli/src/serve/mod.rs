//! `lockstep serve`: records in a browser, followed as they grow.
//!
//! * `folders`: what is in the folders, as a view. * `follow`: a file of lines that grows.

mod folders;
mod follow;

use crate::{args::ServeArgs, interrupt, live};
use anyhow::{Result, bail};
use folders::Folders;
use lockstep_live::{Control, Live};
use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

/// How often the folders are read.
const READ_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether the user wants it to end.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the command; gives its exit status.
pub(crate) fn serve(args: &ServeArgs) -> Result<u8> {
    for folder in &args.folders {
        if !folder.is_dir() {
            bail!(
                "{}: expected a folder, as `--out` of fuzz, check or bench names it",
                folder.display()
            );
        }
    }
    let stop = interrupt::flag();
    let mut folders = Folders::new(&args.folders);
    let live = Live::new(folders.view(), Control::default());
    live::serve_at(&live, args.address, "--address")?;
    while !stop.load(Ordering::SeqCst) {
        let read = Instant::now();
        while read.elapsed() < READ_EVERY && !stop.load(Ordering::SeqCst) {
            thread::sleep(LOOK);
        }
        if let Some(change) = folders.read_again() {
            live.update(change);
        }
    }
    Ok(0)
}
