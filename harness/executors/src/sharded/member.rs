//! One member: it executes the transactions whose home it is, ahead of time and then, where that was a wrong
//! guess, once more at their commit.

use super::{
    block::BlockRun,
    desk::Desk,
    mailbox::{MemberId, Message, Published},
};
use crate::{
    block_stm::{
        rewards::Owed,
        scheduler::TransactionIndex,
        transact::{Executed, Transactor, Unfinished},
        version::Writer,
        view::View,
    },
    sync::Ordering,
};
use alloy_primitives::map::HashMap;
use lockstep_model::ExecutorError;

/// A member at work.
struct Member<'a> {
    block: &'a BlockRun,
    id: MemberId,
    desk: &'a Desk<'a>,
    transactor: Transactor<'a>,
    /// Executed and not committed.
    executed: HashMap<TransactionIndex, Executed>,
    incarnations: HashMap<TransactionIndex, u32>,
}

/// Takes part in the block until it ends.
pub(super) fn work(block: &BlockRun, id: MemberId) {
    let desk = Desk::of(block, id);
    let view = View::new(block.memories[id].clone(), 0).asking(&desk);
    let mut member = Member {
        block,
        id,
        desk: &desk,
        transactor: Transactor::new(view, block.env.clone(), block.rules),
        executed: HashMap::default(),
        incarnations: HashMap::default(),
    };
    member.work();
    drop(member);
    block.hand_over(id, desk.into_owner());
}

impl Member<'_> {
    fn work(&mut self) {
        let block = self.block;
        let id = self.id;
        let mut homes = (0..).zip(&*block.homes).filter(|(_, home)| **home == id);
        while !self.desk.has_ended() {
            self.desk.serve_arrived();
            if let Some(index) = self.desk.take_next() {
                self.commit(index);
            } else if let Some((index, _)) = homes.next() {
                if !self.incarnations.contains_key(&index) {
                    self.execute(index);
                }
            } else if !self.desk.has_ended() {
                self.desk.serve_one();
            }
        }
    }

    fn execute(&mut self, index: TransactionIndex) {
        let (block, position) = (self.block, index + 1);
        block.counters.executions.fetch_add(1, Ordering::Relaxed);
        let incarnation = self.incarnations.entry(index).or_default();
        let writer = Writer { position, incarnation: *incarnation };
        *incarnation += 1;
        if writer.incarnation > 0 {
            block.counters.re_executions.fetch_add(1, Ordering::Relaxed);
        }
        self.executed.remove(&index);
        self.transactor.view().move_to(position, position);
        match self.transactor.run(&block.transactions[index as usize]) {
            Ok(executed) => {
                self.publish(writer, executed.owed);
                self.executed.insert(index, executed);
            }
            // It reads the fee recipient, and a reward below is not known yet: again at its commit.
            Err(Unfinished::Blocked(_)) => {
                block.counters.suspensions.fetch_add(1, Ordering::Relaxed);
            }
            // The block has ended meanwhile.
            Err(Unfinished::Stale) => {}
            Err(Unfinished::Broken(error)) => block.stop(Err(error)),
        }
    }

    /// Tells each owner what concerns it.
    fn publish(&mut self, writer: Writer, owed: Owed) {
        let block = self.block;
        let (writes, observed) = self.transactor.take_writes();
        let nothing = || {
            let (writes, observed) = Default::default();
            Box::new(Published { writer, writes, observed, owed: None })
        };
        let mut parts: Vec<Option<Box<Published>>> =
            (0..block.mailboxes.len()).map(|_| None).collect();
        for account in writes.accounts {
            let owner = block.owner_of(account.address);
            parts[owner].get_or_insert_with(nothing).writes.accounts.push(account);
        }
        for slot in writes.slots {
            let owner = block.owner_of(slot.0);
            parts[owner].get_or_insert_with(nothing).writes.slots.push(slot);
        }
        for address in observed {
            let owner = block.owner_of(address);
            parts[owner].get_or_insert_with(nothing).observed.push(address);
        }
        let paid = block.owner_of(block.beneficiary());
        parts[paid].get_or_insert_with(nothing).owed = Some(owed);
        // Whoever is told of an account may be asked for its code.
        for published in parts.iter_mut().flatten() {
            published.writes.codes.clone_from(&writes.codes);
        }
        self.desk.publish(writer.position, parts, nothing);
    }

    /// All transactions below are final.
    fn commit(&mut self, index: TransactionIndex) {
        let block = self.block;
        block.counters.validations.fetch_add(1, Ordering::Relaxed);
        if !self.executed.contains_key(&index) || !self.desk.confirm(index + 1) {
            if self.desk.has_ended() {
                return;
            }
            // Nothing below changes any more: what it reads now is final.
            self.execute(index);
        }
        let Some(executed) = self.executed.remove(&index) else {
            if !self.desk.has_ended() {
                let text = format!("transaction {index} waits for one below it that is final");
                block.stop(Err(ExecutorError::Broken(text)));
            }
            return;
        };
        if let Err(reason) = block.commit(index, executed) {
            block.stop(reason);
            return;
        }
        match block.homes.get(index as usize + 1) {
            Some(home) => block.mailboxes[*home].send(Message::Commit(index + 1)),
            None => block.end(),
        }
    }
}
