// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IToken} from "./Pair.sol";

interface IPair {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function reserves() external view returns (uint112, uint112);
    function swap(uint256 out0, uint256 out1, address to) external;
}

/// What a trader calls: pays into the pair, and takes out what the price gives.
contract Router {
    error Expired();
    error TooLittle(uint256 out, uint256 least);

    function swapExactIn(address pair, bool zeroForOne, uint256 amountIn, uint256 least, uint256 deadline)
        external
        returns (uint256 out)
    {
        if (block.timestamp > deadline) revert Expired();
        (uint112 reserve0, uint112 reserve1) = IPair(pair).reserves();
        (uint256 reserveIn, uint256 reserveOut) =
            zeroForOne ? (uint256(reserve0), uint256(reserve1)) : (uint256(reserve1), uint256(reserve0));
        uint256 paid = amountIn * 997;
        out = (paid * reserveOut) / (reserveIn * 1000 + paid);
        if (out < least) revert TooLittle(out, least);
        address tokenIn = zeroForOne ? IPair(pair).token0() : IPair(pair).token1();
        IToken(tokenIn).transferFrom(msg.sender, pair, amountIn);
        (uint256 out0, uint256 out1) = zeroForOne ? (uint256(0), out) : (out, uint256(0));
        IPair(pair).swap(out0, out1, msg.sender);
    }
}
