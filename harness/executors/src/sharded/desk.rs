//! Where one member answers the others, and asks them.

use super::{
    block::BlockRun,
    mailbox::{MemberId, Message, Published},
    owner::Owner,
};
use crate::{
    block_stm::{
        remote::{Answer, Place, Remote},
        scheduler::TransactionIndex,
        version::Position,
    },
    evm::ReadError,
};
use alloy_primitives::{
    B256,
    map::{B256Map, HashMap},
};
use lockstep_faults::sharding::{
    CODE_STAYS_AT_OWNER, OTHERS_UNCONFIRMED, READS_OF_FIRST_EXECUTION_COUNT, WRITES_ELSEWHERE_STAY,
};
use revm::state::Bytecode;
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};

/// Members beside the home of a transaction.
type Others = SmallVec<[MemberId; 4]>;

/// Who takes part in a transaction, beside its home.
#[derive(Default)]
struct Part {
    /// Those that were asked, or told what it wrote.
    all: Others,
    /// Those that were asked. The others have nothing to confirm.
    asked: Others,
}

fn add(member: MemberId, to: &mut Others) {
    if !to.contains(&member) {
        to.push(member);
    }
}

/// What one member has at hand.
pub(super) struct Desk<'a> {
    block: &'a BlockRun,
    id: MemberId,
    owner: RefCell<Owner>,
    /// By position.
    others: RefCell<HashMap<Position, Part>>,
    /// Codes that the block has deployed, as they came with their accounts.
    codes: RefCell<B256Map<Bytecode>>,
    /// A transaction of this member of which all below is final.
    is_next: Cell<Option<TransactionIndex>>,
    has_ended: Cell<bool>,
}

impl<'a> Desk<'a> {
    pub(super) fn of(block: &'a BlockRun, id: MemberId) -> Self {
        let owner = RefCell::new(Owner::of(block.memories[id].clone()));
        let (others, codes, is_next, has_ended) = Default::default();
        Self { block, id, owner, others, codes, is_next, has_ended }
    }

    pub(super) fn into_owner(self) -> Owner {
        self.owner.into_inner()
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// Takes the transaction that is to be committed by this member, if there is one.
    pub(super) fn take_next(&self) -> Option<TransactionIndex> {
        self.is_next.take()
    }

    /// Answers all that has arrived.
    pub(super) fn serve_arrived(&self) {
        while let Some(message) = self.block.mailboxes[self.id].try_receive() {
            self.serve(message);
        }
    }

    /// Waits for a message, and answers it.
    pub(super) fn serve_one(&self) {
        let message = self.receive();
        self.serve(message);
    }

    fn receive(&self) -> Message {
        self.block.mailboxes[self.id].receive(self.block.spins)
    }

    fn serve(&self, message: Message) {
        match message {
            Message::Read { from, position, place } => {
                let answer = self.owner.borrow_mut().read(position, place);
                self.block.mailboxes[from].send(Message::Answer(answer));
            }
            Message::Forget(position) => self.owner.borrow_mut().forget(position),
            Message::Publish(published) => self.owner.borrow_mut().publish(*published),
            Message::Confirm { from, position } => {
                let confirmed = self.owner.borrow().confirms(position);
                self.block.mailboxes[from].send(Message::Confirmed(confirmed));
            }
            Message::Commit(index) => self.is_next.set(Some(index)),
            Message::End => self.has_ended.set(true),
            Message::Answer(_) | Message::Confirmed(_) => {
                unreachable!("no question is outstanding")
            }
        }
    }

    /// Sends each owner what a transaction wrote there, and takes back what it wrote there before.
    pub(super) fn publish(
        &self,
        position: Position,
        parts: Vec<Option<Box<Published>>>,
        nothing: impl Fn() -> Box<Published>,
    ) {
        let mut others = self.others.borrow_mut();
        for (member, part) in parts.into_iter().enumerate() {
            if member == self.id {
                let own = part.unwrap_or_else(&nothing);
                self.owner.borrow_mut().publish(*own);
                continue;
            }
            let all = &mut others.entry(position).or_default().all;
            let part = match part {
                Some(part) => part,
                None if all.contains(&member) && !WRITES_ELSEWHERE_STAY.is_planted() => nothing(),
                None => continue,
            };
            add(member, all);
            self.block.mailboxes[member].send(Message::Publish(part));
        }
    }

    /// Whether all that the transaction has read would be read again. False too where the block has ended.
    pub(super) fn confirm(&self, position: Position) -> bool {
        let others = self.others.borrow().get(&position).map(|part| part.asked.clone());
        let others = others.unwrap_or_default();
        let from = self.id;
        if OTHERS_UNCONFIRMED.is_planted() {
            return self.owner.borrow().confirms(position);
        }
        for other in &others {
            self.block.mailboxes[*other].send(Message::Confirm { from, position });
        }
        let mut confirmed = self.owner.borrow().confirms(position);
        let mut outstanding = others.len();
        while outstanding > 0 && !self.has_ended() {
            match self.receive() {
                Message::Confirmed(by_owner) => {
                    confirmed &= by_owner;
                    outstanding -= 1;
                }
                message => self.serve(message),
            }
        }
        confirmed && outstanding == 0
    }

    fn ask(&self, position: Position, place: Place) -> Result<Answer, ReadError> {
        let owner = self.block.owner_of(place.address());
        if owner == self.id {
            return self.owner.borrow_mut().read(position, place);
        }
        let mut others = self.others.borrow_mut();
        let part = others.entry(position).or_default();
        add(owner, &mut part.all);
        add(owner, &mut part.asked);
        drop(others);
        let from = self.id;
        self.block.mailboxes[owner].send(Message::Read { from, position, place });
        // Once the block has ended nobody answers, and revm may ask again on its way out.
        while !self.has_ended() {
            match self.receive() {
                Message::Answer(answer) => return answer,
                message => self.serve(message),
            }
        }
        Err(ReadError::Stale)
    }
}

impl Remote for Desk<'_> {
    fn read(&self, position: Position, place: Place) -> Result<Answer, ReadError> {
        let answer = self.ask(position, place)?;
        if let Answer::Account(Some(info), Some(code)) = &answer
            && !(CODE_STAYS_AT_OWNER.is_planted()
                && self.block.owner_of(place.address()) != self.id)
        {
            self.codes.borrow_mut().insert(info.code_hash, code.clone());
        }
        Ok(answer)
    }

    fn forget(&self, position: Position) {
        if READS_OF_FIRST_EXECUTION_COUNT.is_planted() {
            return;
        }
        self.owner.borrow_mut().forget(position);
        for other in self.others.borrow().get(&position).iter().flat_map(|part| &part.all) {
            self.block.mailboxes[*other].send(Message::Forget(position));
        }
    }

    fn code(&self, hash: B256) -> Option<Bytecode> {
        self.codes.borrow().get(&hash).cloned()
    }
}
