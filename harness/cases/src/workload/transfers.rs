//! Native transfers.

use super::{Scene, draft::Draft};
use alloy_primitives::{Address, Bytes};

const GAS_LIMIT: u64 = 21_000;

/// Each sender sends once, to one of as many recipients.
pub(super) struct Transfers {
    recipients: Vec<Address>,
    sent: usize,
}

impl Transfers {
    pub(super) fn scene(draft: &mut Draft, transactions: usize) -> Box<dyn Scene> {
        let recipients = (0..transactions).map(|_| draft.recipient()).collect();
        Box::new(Self { recipients, sent: 0 })
    }
}

impl Scene for Transfers {
    fn act(&mut self, draft: &mut Draft) {
        let (from, own) = (draft.sender(), self.sent % self.recipients.len());
        let to = self.recipients[draft.choose_or(own, self.recipients.len())];
        self.sent += 1;
        draft.send(from, to, 1_000, (Bytes::new(), GAS_LIMIT));
    }

    fn deploy(self: Box<Self>, _: &mut Draft) {}
}

/// Each sends on what the one before has sent.
pub(super) struct Chain(Address);

impl Chain {
    pub(super) fn scene(draft: &mut Draft, _: usize) -> Box<dyn Scene> {
        Box::new(Self(draft.sender()))
    }
}

impl Scene for Chain {
    fn act(&mut self, draft: &mut Draft) {
        let to = draft.sender();
        draft.send(self.0, to, 1_000, (Bytes::new(), GAS_LIMIT));
        self.0 = to;
    }

    fn deploy(self: Box<Self>, _: &mut Draft) {}
}
