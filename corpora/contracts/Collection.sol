// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Tokens that are minted and sold on; a tenth of each resale is the creator's.
abstract contract Sales {
    address public creator;
    mapping(uint256 => address) public ownerOf;
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 indexed id);

    error NotForSale();

    /// Buys at whatever price is paid.
    function buy(uint256 id) external payable {
        address seller = ownerOf[id];
        if (seller == address(0)) revert NotForSale();
        ownerOf[id] = msg.sender;
        balanceOf[seller] -= 1;
        balanceOf[msg.sender] += 1;
        uint256 royalty = msg.value / 10;
        settle(id, seller, msg.value - royalty, royalty);
        emit Transfer(seller, msg.sender, id);
    }

    function give(uint256 id) internal {
        ownerOf[id] = msg.sender;
        balanceOf[msg.sender] += 1;
        emit Transfer(address(0), msg.sender, id);
    }

    function settle(uint256 id, address seller, uint256 price, uint256 royalty) internal virtual;
}

/// Numbers tokens one after the other, and pays the creator at each sale.
contract CollectionNaive is Sales {
    uint256 public supply;
    uint256 public earned;

    error NotPaid();

    function mint() external {
        give(supply++);
    }

    function settle(uint256, address seller, uint256 price, uint256 royalty) internal override {
        earned += royalty;
        (bool creatorPaid,) = creator.call{value: royalty}("");
        (bool sellerPaid,) = seller.call{value: price}("");
        if (!creatorPaid || !sellerPaid) revert NotPaid();
    }
}

/// A token's number says who minted it, and what is owed waits until it is fetched.
contract Collection is Sales {
    mapping(address => uint256) public minted;
    mapping(uint256 => uint256) public royaltyOf;
    mapping(address => uint256) public owed;

    function mint() external {
        give(uint256(uint160(msg.sender)) << 64 | minted[msg.sender]++);
    }

    function settle(uint256 id, address seller, uint256 price, uint256 royalty) internal override {
        royaltyOf[id] += royalty;
        owed[seller] += price;
    }
}
