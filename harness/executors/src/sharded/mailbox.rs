//! What members tell one another.

use crate::{
    block_stm::{
        remote::{Answer, Place},
        rewards::Owed,
        scheduler::TransactionIndex,
        version::{Position, Writer},
        writes::WriteSet,
    },
    evm::ReadError,
    sync::{Condvar, Mutex, SPINS, lock, spin_loop, wait},
};
use alloy_primitives::Address;
use std::collections::VecDeque;

/// Looks into an empty mailbox before its member sleeps, and how long it waits between two of them: together about as long as
/// it takes to fall asleep and to be woken.
const MOST_LOOKS: u32 = 500;
const SPINS_A_LOOK: u32 = 4;

/// The number of a member.
pub(super) type MemberId = usize;

/// A message to a member.
pub(super) enum Message {
    /// A transaction of `from` at this position reads what the addressee owns.
    Read {
        from: MemberId,
        position: Position,
        place: Place,
    },
    /// The value that was asked for.
    Answer(Result<Answer, ReadError>),
    /// The transaction at this position begins anew.
    Forget(Position),
    /// A transaction has written what the addressee owns, or has ended its reads there.
    Publish(Box<Published>),
    /// Whether all that the transaction at this position has read here would be read again.
    Confirm {
        from: MemberId,
        position: Position,
    },
    Confirmed(bool),
    /// All transactions below this one are final. It is the addressee's.
    Commit(TransactionIndex),
    /// The block has ended.
    End,
}

/// A transaction as far as one member is concerned.
pub(super) struct Published {
    pub(super) writer: Writer,
    pub(super) writes: WriteSet,
    /// Accounts of which it has looked at the balance.
    pub(super) observed: Vec<Address>,
    /// Told to the owner of the fee recipient.
    pub(super) owed: Option<Owed>,
}

/// The messages to one member, in the order in which they were sent.
#[derive(Default)]
pub(super) struct Mailbox {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<Message>,
    /// Whether the member sleeps: to wake one that does not is a system call for nothing.
    sleeps: bool,
}

impl Mailbox {
    pub(super) fn send(&self, message: Message) {
        let mut inbox = lock(&self.inbox);
        inbox.messages.push_back(message);
        let sleeps = inbox.sleeps;
        drop(inbox);
        if sleeps {
            self.arrived.notify_one();
        }
    }

    pub(super) fn try_receive(&self) -> Option<Message> {
        lock(&self.inbox).messages.pop_front()
    }

    /// Waits for a message.
    pub(super) fn receive(&self, spins: bool) -> Message {
        for _ in 0..if spins { SPINS.min(MOST_LOOKS) } else { 0 } {
            if let Some(message) = self.try_receive() {
                return message;
            }
            // The lock is the sender's most of the time.
            (0..SPINS_A_LOOK).for_each(|_| spin_loop());
        }
        let mut inbox = lock(&self.inbox);
        loop {
            if let Some(message) = inbox.messages.pop_front() {
                return message;
            }
            inbox.sleeps = true;
            inbox = wait(&self.arrived, inbox);
            inbox.sleeps = false;
        }
    }
}
