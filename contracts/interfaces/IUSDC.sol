// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title Circle's USDC (FiatToken v2.2), as far as LiqPass calls it
/// @dev The `bytes` overloads are the ones that accept EIP-1271 signatures of smart wallets.
interface IUSDC is IERC20 {
    /// @notice EIP-3009: moves `value` from `from` to the caller on `from`'s signature.
    /// @dev Reverts unless `to` is the caller and `validAfter < block.timestamp < validBefore`.
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice EIP-3009: moves `value` from `from` to `to` on `from`'s signature; anyone may send it.
    /// @dev Reverts unless `validAfter < block.timestamp < validBefore`.
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;

    /// @notice EIP-2612: sets an allowance on `owner`'s signature.
    function permit(address owner, address spender, uint256 value, uint256 deadline, bytes calldata signature) external;

    /// @notice True while Circle has stopped every transfer.
    function paused() external view returns (bool);
}
