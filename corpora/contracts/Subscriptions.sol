// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Monthly payments of readers to creators, with a share for the platform.
abstract contract Payouts {
    mapping(address => uint256) public credit;
    mapping(address => mapping(address => uint256)) public paidUntil;

    event Renewed(address indexed reader, address indexed creator, uint256 until);

    error TooLittle();

    function renew(address creator, uint256 price) external {
        uint256 have = credit[msg.sender];
        if (have < price) revert TooLittle();
        credit[msg.sender] = have - price;
        uint256 until = paidUntil[msg.sender][creator];
        if (until < block.timestamp) until = block.timestamp;
        paidUntil[msg.sender][creator] = until + 30 days;
        pay(creator, price);
        emit Renewed(msg.sender, creator, until + 30 days);
    }

    function pay(address creator, uint256 price) internal virtual;
}

/// Creator and platform are paid at once.
contract SubscriptionsNaive is Payouts {
    mapping(address => uint256) public earned;
    uint256 public platform;
    uint256 public renewals;

    function pay(address creator, uint256 price) internal override {
        earned[creator] += price - price / 20;
        platform += price / 20;
        renewals += 1;
    }
}

/// What a reader owes a creator waits with the reader until the creator fetches it.
contract Subscriptions is Payouts {
    mapping(address => mapping(address => uint256)) public owed;

    function pay(address creator, uint256 price) internal override {
        owed[msg.sender][creator] += price;
    }
}
