// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IToken} from "./Pair.sol";

interface IPair {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function reserves() external view returns (uint112, uint112);
    function swap(uint256 out0, uint256 out1, address to) external;
}

/// What a trader calls: pays into the first pair, and takes out of the last what the prices give.
contract Router {
    error Expired();
    error TooLittle(uint256 out, uint256 least);

    /// Swaps through two pairs, one after the other; each sends to the next.
    function swapExactIn(
        address[2] calldata pairs,
        bool[2] calldata zeroForOne,
        uint256 amountIn,
        uint256 least,
        uint256 deadline
    ) external returns (uint256 out) {
        if (block.timestamp > deadline) revert Expired();
        address tokenIn = zeroForOne[0] ? IPair(pairs[0]).token0() : IPair(pairs[0]).token1();
        IToken(tokenIn).transferFrom(msg.sender, pairs[0], amountIn);
        out = hop(pairs[0], zeroForOne[0], amountIn, pairs[1]);
        out = hop(pairs[1], zeroForOne[1], out, msg.sender);
        if (out < least) revert TooLittle(out, least);
    }

    function hop(address pair, bool zeroForOne, uint256 amountIn, address to) private returns (uint256 out) {
        (uint112 reserve0, uint112 reserve1) = IPair(pair).reserves();
        (uint256 reserveIn, uint256 reserveOut) =
            zeroForOne ? (uint256(reserve0), uint256(reserve1)) : (uint256(reserve1), uint256(reserve0));
        uint256 paid = amountIn * 997;
        out = (paid * reserveOut) / (reserveIn * 1000 + paid);
        (uint256 out0, uint256 out1) = zeroForOne ? (uint256(0), out) : (out, uint256(0));
        IPair(pair).swap(out0, out1, to);
    }
}
