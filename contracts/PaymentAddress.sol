// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Where the clients of one provider pay
/// @notice Each provider has a clone (EIP-1167) of this at an address that follows from the provider's alone. A payment
/// passes through it in the transaction that locks the bond, so that a provider cannot be paid around the lock.
///
/// Who can move money: X402InsuranceV2, nobody else. What lies here between transactions was sent by mistake.
contract PaymentAddress {
    using SafeERC20 for IERC20;

    /// @dev Immutables are part of the code, which the clones share.
    address public immutable insurance;
    IERC20 public immutable usdc;

    error NotInsurance(address caller, address insurance);

    /// @dev Created by X402InsuranceV2.
    constructor(IERC20 usdc_) {
        insurance = msg.sender;
        usdc = usdc_;
    }

    /// @notice Sends `amount` of USDC (base units) on to `to`. X402InsuranceV2 only.
    function forward(address to, uint256 amount) external {
        require(msg.sender == insurance, NotInsurance(msg.sender, insurance));

        usdc.safeTransfer(to, amount);
    }
}
