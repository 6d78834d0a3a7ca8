// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A vault that remembers which policies it has paid
interface IPaidPolicies {
    /// @notice True if this vault or any vault before it has paid the policy.
    function isPaid(uint256 policyNo) external view returns (bool);
}
