// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";

import {MockSmartWallet} from "./MockSmartWallet.sol";

/// @title Creates smart wallets where they were already expected, as an ERC-6492 factory in tests
contract MockSmartWalletFactory {
    function create(address owner) external returns (MockSmartWallet) {
        return new MockSmartWallet{salt: bytes32(0)}(owner);
    }

    function walletOf(address owner) external view returns (address) {
        bytes memory creation = abi.encodePacked(type(MockSmartWallet).creationCode, abi.encode(owner));
        return Create2.computeAddress(bytes32(0), keccak256(creation));
    }
}
