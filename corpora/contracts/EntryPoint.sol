// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IToken} from "./Pair.sol";

/// An account that does what its owner has signed.
contract SmartAccount {
    address public owner;
    uint256 public nonce;
    address public entryPoint;

    error NotEntryPoint();
    error WrongSignature();

    function validate(bytes32 what, uint8 v, bytes32 r, bytes32 s) external {
        if (msg.sender != entryPoint) revert NotEntryPoint();
        bytes32 signed = keccak256(abi.encode(address(this), nonce++, what));
        if (ecrecover(signed, v, r, s) != owner) revert WrongSignature();
    }

    function execute(address token, address to, uint256 amount) external {
        if (msg.sender != entryPoint) revert NotEntryPoint();
        IToken(token).transfer(to, amount);
    }
}

/// Takes bundles of operations (after ERC-4337): validates all of them, then executes them, and pays the
/// bundler.
abstract contract Bundles {
    struct Operation {
        address account;
        address token;
        address to;
        uint256 amount;
        uint256 v;
        bytes32 r;
        bytes32 s;
    }

    mapping(address => uint256) public deposits;
    uint256 internal constant FEE = 1000;

    event Executed(address indexed account, address indexed bundler);

    function handle(Operation[4] calldata operations) external {
        for (uint256 i = 0; i < 4; i++) {
            Operation calldata op = operations[i];
            deposits[op.account] -= FEE;
            SmartAccount(op.account).validate(keccak256(abi.encode(op.token, op.to, op.amount)), uint8(op.v), op.r, op.s);
        }
        for (uint256 i = 0; i < 4; i++) {
            Operation calldata op = operations[i];
            SmartAccount(op.account).execute(op.token, op.to, op.amount);
            emit Executed(op.account, msg.sender);
        }
        collect(4 * FEE);
    }

    function collect(uint256 fees) internal virtual;
}

/// One sum of all fees.
contract EntryPointNaive is Bundles {
    uint256 public collected;
    uint256 public bundles;

    function collect(uint256 fees) internal override {
        collected += fees;
        bundles += 1;
    }
}

/// A sum for each bundler.
contract EntryPoint is Bundles {
    mapping(address => uint256) public collectedBy;

    function collect(uint256 fees) internal override {
        collectedBy[msg.sender] += fees;
    }
}

/// What accounts delegate to (EIP-7702) that want several payments in one transaction.
contract Batch {
    error NotSelf();

    function pay(address token, address[4] calldata to, uint256[4] calldata amounts) external {
        if (msg.sender != address(this)) revert NotSelf();
        for (uint256 i = 0; i < 4; i++) IToken(token).transfer(to[i], amounts[i]);
    }
}
