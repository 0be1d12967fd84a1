//! Executors that are other programs.

use crate::{Lockstep, args::PartiesArgs, candidates::factory, defaults::Known};
use anyhow::{Result, bail};
use lockstep_engine::{Factory, isolation::is_worker};
use lockstep_external::{Client, ClientConfig, MakeReference, check_version, read};
use lockstep_model::{Executor, Mode};
use std::{sync::Arc, time::Duration};

/// A client has so long besides the time that its program may take: a server is started, say.
const GRACE: Duration = Duration::from_secs(10);

/// The command with the clients and the reference that were asked for.
pub(crate) fn with_parties(mut command: Lockstep, parties: &PartiesArgs) -> Result<Lockstep> {
    if let Some(file) = &parties.clients {
        let make_reference = make_reference(&command)?;
        for config in read(file).map_err(anyhow::Error::msg)? {
            if command.executors.iter().any(|known| known.name == config.name) {
                bail!("{}: client `{}`: an executor has that name", file.display(), config.name);
            }
            // One process asks for all of them.
            if !is_worker() {
                check_version(&config).map_err(anyhow::Error::msg)?;
            }
            command.executors.push(known(config, make_reference.clone()));
        }
    }
    // An unknown name is said here, once.
    factory(&command.executors, &parties.reference, Mode::Forced)?;
    command.reference.clone_from(&parties.reference);
    Ok(command)
}

fn make_reference(command: &Lockstep) -> Result<MakeReference> {
    let reference = factory(&command.executors, crate::defaults::REFERENCE, Mode::Forced)?;
    Ok(Arc::new(move || reference(1)))
}

fn known(config: ClientConfig, make_reference: MakeReference) -> Known {
    let (name, timeout) = (config.name.clone(), config.timeout);
    let config = Arc::new(config);
    let factory: Factory = Arc::new(move |_threads| {
        let client = Client::new(config.clone(), make_reference.clone())?;
        Ok(Box::new(client) as Box<dyn Executor>)
    });
    Known { is_single: true, client: Some(timeout + GRACE), ..Known::new(&name, factory) }
}
