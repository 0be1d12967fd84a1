//! Why and where a block was rejected.

use std::fmt;

/// The broken rule and the place it broke at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Position in block processing.
    pub at: At,
    /// Which rule.
    pub rule: Rule,
}

/// A place in block processing, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// Before the first transaction.
    PreBlock,
    /// At this transaction, counted from zero.
    Transaction(usize),
    /// After the last transaction.
    PostBlock,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreBlock => f.write_str("before the first transaction"),
            Self::Transaction(index) => write!(f, "at transaction {index}"),
            Self::PostBlock => f.write_str("after the last transaction"),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rule, self.at)
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// An execution rule that a block can break.
        ///
        /// Names are those of execution-spec-tests' exceptions where there is one.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* $variant,)*
            /// A rule that only this executor has a name for. The judge compares the place alone
            /// and says so.
            Other(String),
        }

        impl Rule {
            /// Every named rule.
            pub const NAMED: &'static [Self] = &[$(Self::$variant,)*];

            /// The rule's name.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(text) => text,
                }
            }
        }
    };
}

rules! {
    /// EIP-155: the transaction is signed for another chain.
    InvalidChainId = "INVALID_CHAINID",
    /// EIP-2930 before Berlin.
    Type1PreFork = "TYPE_1_TX_PRE_FORK",
    /// EIP-1559 before London.
    Type2PreFork = "TYPE_2_TX_PRE_FORK",
    /// EIP-4844 before Cancun.
    Type3PreFork = "TYPE_3_TX_PRE_FORK",
    /// EIP-7702 before Prague.
    Type4PreFork = "TYPE_4_TX_PRE_FORK",
    /// EIP-7825: gas limit over the cap for one transaction.
    GasLimitExceedsMaximum = "GAS_LIMIT_EXCEEDS_MAXIMUM",
    /// EIP-1559: maximum fee below the base fee.
    InsufficientMaxFeePerGas = "INSUFFICIENT_MAX_FEE_PER_GAS",
    /// EIP-1559: priority fee over the maximum fee.
    PriorityGreaterThanMaxFee = "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS",
    /// EIP-4844: maximum blob fee below the blob base fee.
    InsufficientMaxFeePerBlobGas = "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS",
    /// EIP-4844: no blobs.
    ZeroBlobs = "TYPE_3_TX_ZERO_BLOBS",
    /// EIP-4844: a blob hash of an unknown version.
    InvalidBlobVersionedHash = "TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH",
    /// EIP-4844, EIP-7594: too many blobs in one transaction.
    BlobCountExceeded = "TYPE_3_TX_BLOB_COUNT_EXCEEDED",
    /// EIP-4844: a blob transaction must have a recipient.
    BlobContractCreation = "TYPE_3_TX_CONTRACT_CREATION",
    /// EIP-7702: no authorisations.
    EmptyAuthorizationList = "TYPE_4_EMPTY_AUTHORIZATION_LIST",
    /// EIP-7702: an authorisation that cannot be encoded.
    InvalidAuthorizationFormat = "TYPE_4_INVALID_AUTHORIZATION_FORMAT",
    /// EIP-7702: a set-code transaction must have a recipient.
    SetCodeContractCreation = "TYPE_4_TX_CONTRACT_CREATION",
    /// Yellow Paper 6.2: the transaction's gas limit is over what the block has left.
    GasAllowanceExceeded = "GAS_ALLOWANCE_EXCEEDED",
    /// EIP-3860: initcode too long.
    InitcodeSizeExceeded = "INITCODE_SIZE_EXCEEDED",
    /// EIP-2681: nonce at its maximum.
    NonceIsMax = "NONCE_IS_MAX",
    /// Yellow Paper 6.2: gas limit below the intrinsic gas.
    IntrinsicGasTooLow = "INTRINSIC_GAS_TOO_LOW",
    /// EIP-7623: gas limit below the calldata floor.
    IntrinsicGasBelowFloor = "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST",
    /// EIP-3607: the sender has code.
    SenderNotEoa = "SENDER_NOT_EOA",
    /// Yellow Paper 6.2: nonce over the sender's.
    NonceTooHigh = "NONCE_MISMATCH_TOO_HIGH",
    /// Yellow Paper 6.2: nonce below the sender's.
    NonceTooLow = "NONCE_MISMATCH_TOO_LOW",
    /// Yellow Paper 6.2: the sender cannot pay value and fees.
    InsufficientAccountFunds = "INSUFFICIENT_ACCOUNT_FUNDS",
    /// Gas limit times price does not fit 256 bits.
    GasPriceProductOverflow = "GASLIMIT_PRICE_PRODUCT_OVERFLOW",
    /// EIP-2718: a type that no fork knows.
    UnknownTransactionType = "TYPE_NOT_SUPPORTED",
    /// Yellow Paper appendix F, EIP-2, EIP-155: the signature is not one.
    InvalidSignature = "INVALID_SIGNATURE_VRS",
    /// EIP-4844: a blob transaction with its blobs, as nodes pass it on, inside of a block.
    BlobsInBlock = "TYPE_3_TX_WITH_FULL_BLOBS",
    /// EIP-4844: the block has no room for the transaction's blobs.
    BlobGasAllowanceExceeded = "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED",
    /// A field is larger than its type: the transaction cannot be encoded.
    NumberTooLarge = "RLP_VALUE_OVERFLOW",
    /// EIP-4788: no parent beacon block root.
    MissingParentBeaconBlockRoot = "MISSING_PARENT_BEACON_BLOCK_ROOT",
    /// EIP-7002, EIP-7251: a system contract without code.
    SystemContractEmpty = "SYSTEM_CONTRACT_EMPTY",
    /// EIP-7002, EIP-7251: a system call failed.
    SystemContractCallFailed = "SYSTEM_CONTRACT_CALL_FAILED",
    /// EIP-6110: a deposit log that does not have the layout of the deposit contract.
    InvalidDepositEventLayout = "INVALID_DEPOSIT_EVENT_LAYOUT",
    /// EIP-7928: the block access list states something else than execution did.
    InvalidBlockAccessList = "INVALID_BLOCK_ACCESS_LIST",
}

impl Rule {
    /// Whether two rules can be told apart: two names can, and equal texts are equal. An
    /// executor's own text says nothing about another's name.
    pub fn is_comparable(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(one), Self::Other(other)) => one == other,
            (Self::Other(_), _) | (_, Self::Other(_)) => false,
            _ => true,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
