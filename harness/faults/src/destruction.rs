//! Family C: SELFDESTRUCT, CREATE2 and revival.

crate::family! {
    C1 DESTROYED_ACCOUNT_READABLE Must Candidate: "a destroyed account stays readable"; "tx1 destroys X; tx2 EXTCODESIZE(X)"; "pevm 3437a99, dcf1f1e, a0cfa90 (blocks 12159808, 1796867)".
    C2 RECREATED_ACCOUNT_SEES_OLD_STORAGE Must Candidate: "what is created again at an address sees the storage of before"; "tx1 destroys X with a slot; tx2 CREATE2 X; tx3 SLOAD"; "erigon#22409, monad fffe9a1ab, grevm d618144 (block 11133845)".
    C3 PAYMENT_AFTER_DESTRUCTION_ADDS_TO_OLD_BALANCE Must Candidate: "what is sent to a destroyed account is added to the balance that it had"; "tx1 destroys X; tx2 sends 1 wei to X"; "geth#21080, found by Fluffy".
    C4 BALANCE_READ_SKIPS_DESTRUCTION Must Candidate: "a balance read walks past a destruction"; "destroyed in tx1, funded in tx2, BALANCE in tx3"; "bor#2403".
    C6 DESTROYED_READ_UNRECORDED Rest Candidate: "a read of an account that the block destroyed is not recorded"; "a read of X beside its destruction"; "bor#2210".
    C7 REVIVAL_HIDES_CLEARING Rest Candidate: "a revival hides the clearing below it"; "destroyed, revived, a slot read"; "erigon#21590, #22190".
    C8 CREATED_IN_BLOCK_COUNTS_AS_IN_TRANSACTION Must Candidate: "created in the same block counts as created in the same transaction (EIP-6780)"; "tx1 creates X; tx2 destroys X"; "erigon#21231, #21215".
    C11 DESTROYING_LOGS_CUT Rest Candidate: "logs of a transaction that destroys are cut short"; "a destruction that logs"; "bor#2268".
    C12 DESTROYED_STORAGE_KEPT_IN_CHANGES Rest Candidate: "the storage of a destroyed contract is not cleared in the block's changes"; "destroyed with slots, then revived"; "erigon#21153".
    C13 STORAGE_ONLY_ACCOUNT_DOES_NOT_COLLIDE Must Shared: "an account with storage and nothing else does not collide (EIP-7610)"; "CREATE at an address with storage"; "nethermind#11424 (Sepolia 4913057)".
    C14 WORKER_DESTROYS_AGAIN Rest Candidate: "a worker remembers what it destroyed and destroys it again"; "one worker destroys X, then executes what recreates it"; "evm2 c49e4aa3".
    C16 HEIR_UNPAID Must Candidate: "what a destroyed contract had is not paid to its heir"; "tx1 destroys X in favour of Y; tx2 BALANCE(Y)"; "a mutant of the write set".
}
