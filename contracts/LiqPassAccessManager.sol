// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title The one place that says who may do what in LiqPass
/// @notice OpenZeppelin's AccessManager, unchanged: this contract only gives it a name in our build.
contract LiqPassAccessManager is AccessManager {
    constructor(address initialAdmin_) AccessManager(initialAdmin_) {}
}
