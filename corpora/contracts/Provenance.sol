// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Items of a supply chain, which move from one state to the next and from hand to hand.
abstract contract Items {
    struct Item {
        address holder;
        uint32 state;
        uint64 scannedAt;
    }

    mapping(uint256 => Item) public items;

    event Scanned(uint256 indexed id, address indexed holder, uint32 state);

    function scan(uint256 id) external {
        step(id);
    }

    /// A pallet at once.
    function scanBatch(uint256[8] calldata ids) external {
        for (uint256 i = 0; i < 8; i++) step(ids[i]);
    }

    function step(uint256 id) private {
        Item storage item = items[id];
        (item.holder, item.state, item.scannedAt) = (msg.sender, item.state + 1, uint64(block.timestamp));
        record(id, keccak256(abi.encode(id, msg.sender, item.state)));
        emit Scanned(id, msg.sender, item.state);
    }

    function record(uint256 id, bytes32 what) internal virtual;
}

/// One chain of hashes through all scans.
contract ProvenanceNaive is Items {
    bytes32 public head;
    uint256 public scans;

    function record(uint256, bytes32 what) internal override {
        head = keccak256(abi.encode(head, what));
        scans += 1;
    }
}

/// One chain of hashes for each item.
contract Provenance is Items {
    mapping(uint256 => bytes32) public headOf;

    function record(uint256 id, bytes32 what) internal override {
        headOf[id] = keccak256(abi.encode(headOf[id], what));
    }
}
