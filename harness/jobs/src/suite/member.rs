//! A block of the suite.

use alloy_eip7928::BlockAccessList;
use lockstep_formats::export::{Filled, Fixture, UnknownKey};
use lockstep_judge::runnable::Runnable;
use lockstep_model::{BlockOutcome, Case, Rule};
use serde_json::Value;

/// Makes a list wrong; false where it has nothing that can be made wrong in this way.
pub type Mutate = fn(&mut BlockAccessList, &Case) -> bool;

/// A way of making an access list wrong, with its name.
pub type Mutator = (&'static str, Mutate);

/// A block that is wanted in the suite.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The folder.
    pub family: &'static str,
    /// The name of its file, without `.json`.
    pub file: String,
    /// What tells it from others in the file.
    pub label: String,
    /// What it stands for, in one line.
    pub stands_for: String,
    /// The fault that it is kept for.
    pub fault: Option<String>,
    /// The block.
    pub block: Runnable,
    /// How its list is to be made wrong.
    pub wrong_list: Option<Mutate>,
    /// Whether the header alone states the wrong list, and the right one comes with the block.
    pub wrong_hash: bool,
}

/// A block of the suite, with how it ends.
#[derive(Debug, Clone)]
pub struct Member {
    /// Where it comes from; its block is the first one of a chain.
    pub draft: Draft,
    /// How it ends.
    pub ending: Ending,
    /// Who says the same.
    pub confirmed_by: Vec<String>,
    /// As a `blockchain_test`.
    pub blockchain: Value,
    /// As a `blockchain_test_engine`, from Paris on.
    pub engine: Option<Value>,
}

/// What the header of a block states, and how the block must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What the header states. Of a block with an invalid transaction: as if that one were not in it, so that to pass
    /// over it is to accept the block.
    pub stated: BlockOutcome,
    /// The rule that it breaks.
    pub broken: Option<Rule>,
    /// The list that comes with it, where it is not the one that the header states.
    pub listed: Option<BlockAccessList>,
}

impl Draft {
    /// Its name among tests.
    pub fn id(&self) -> String {
        let Self { family, file, label, .. } = self;
        format!("lockstep/{family}/{file}[{label}]")
    }

    /// The name of its file in either folder.
    pub fn path(&self) -> String {
        format!("{}/{}.json", self.family, self.file)
    }
}

impl Member {
    /// Writes its tests down.
    ///
    /// # Errors
    /// A transaction that cannot be signed.
    pub(super) fn new(
        draft: Draft,
        ending: Ending,
        confirmed_by: Vec<String>,
    ) -> Result<Self, UnknownKey> {
        let id = draft.id();
        let about = Fixture { name: &id, comment: &draft.stands_for, confirmed_by: &confirmed_by };
        let Ending { stated, broken, listed } = &ending;
        let (broken, listed) = (broken.as_ref(), listed.as_deref());
        let filled = Filled { block: &draft.block, stated, broken, listed };
        let (blockchain, mut engine) = (filled.blockchain_test(about)?, filled.engine_test(about)?);
        if listed.is_some() {
            // A payload has no hash of the list: there the block would have another hash than it says.
            engine = None;
        }
        Ok(Self { draft, ending, confirmed_by, blockchain, engine })
    }
}
