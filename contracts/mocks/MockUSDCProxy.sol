// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";

import {MockUSDC} from "./MockUSDC.sol";

/// @title The proxy in front of MockUSDC
/// @notice USDC is reached through a proxy everywhere, and each call through it costs a storage read and a
/// delegatecall: without it, measured gas would flatter us.
contract MockUSDCProxy is ERC1967Proxy {
    constructor(address implementation, string memory name, address controller)
        ERC1967Proxy(implementation, abi.encodeCall(MockUSDC.initialize, (name, controller)))
    {}
}
