//! Family H: gas, receipts, logs, and what leaks from one transaction to the next.

crate::family! {
    H1 CUMULATIVE_GAS_BY_COMPLETION Must Candidate: "cumulative gas is added up as transactions complete, repeated executions included"; "three transactions of unequal gas"; "what geth's ordered loop avoids (state_processor_parallel.go)".
    H2 LOGS_REVERSED Must Candidate: "the logs of a transaction are in the wrong order"; "two logs"; "as H1".
    H3 GAS_ADMISSION_UNCHECKED Must Candidate: "a transaction is admitted whatever gas the block has left"; "gas limits over the block's"; "geth#34105, reth#26719, sei-chain#3583".
    H5 RECEIPT_STATE_OF_BLOCK_END Rest Candidate: "receipts before Byzantium are made from the state of the block's end"; "a Homestead block of two transactions"; "pevm#347, evm2 a8131e5b".
    H6 REVERT_IS_SUCCESS Must Candidate: "a revert counts as success"; "a transaction that reverts at its top"; "besu#9610 (blocks 24135298, 24030636)".
    H7 TRANSIENT_STORAGE_SURVIVES Must Candidate: "transient storage survives the transaction"; "tx1 TSTORE; tx2 TLOAD on the same worker"; "grevm 2a42859, evm2 c49e4aa3".
    H8 AMSTERDAM_BLOCK_GAS_FROM_RECEIPTS Rest Candidate: "the block's gas of Amsterdam is what receipts count"; "a refund"; "reth#26719".
    H9 BLOB_GAS_OF_LAST_TRANSACTION Rest Candidate: "the blob gas of the block is that of the last transaction"; "two transactions with blobs, or one that is not the last"; "blob gas kept by worker".
    H10 ORIGINAL_VALUES_OF_BLOCK_START Must Candidate: "original values and warmth are those of the block's start"; "tx1 stores; tx2 stores back"; "evm2 72881e62".
    H11 DEPOSITS_OUT_OF_ORDER Rest Candidate: "deposits are collected in the wrong order"; "two deposits"; "EIP-6110".
    H12 RECEIPT_GAS_BEFORE_REFUND Must Candidate: "receipts count gas before the refund"; "a slot is set to zero"; "reth#26719, EIP-7778".
    H13 RECEIPT_TYPE_LOST Must Candidate: "every receipt is that of a legacy transaction"; "a transaction of type 2"; "sei-chain#3768".
    H16 FLOOR_GAS_FORGOTTEN Rest Candidate: "receipts do not know the floor of calldata gas (EIP-7623)"; "a transaction with much calldata and little else"; "EIP-7623; reth#26719".
}
