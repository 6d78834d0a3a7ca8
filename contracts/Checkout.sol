// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IUSDC} from "./interfaces/IUSDC.sol";
import {Governed} from "./libraries/Governed.sol";

/// @title Checkout: premiums in
/// @notice Moves a buyer's premium straight to the treasury and says so in an event. It holds no USDC between
/// transactions and knows no orders: whether a payment buys cover is decided off chain from the event.
///
/// Who can move money: each payer its own, by calling or by signing. Nobody else's signature or role moves it.
/// Who can stop it: GUARDIAN pauses all three ways to pay; UNPAUSER ends it. Nothing is owed meanwhile.
/// @dev Paying changes no state here, so there is nothing that re-entering could see half done: no guard.
contract Checkout is Governed {
    using SafeERC20 for IERC20;

    /// @notice `payer` paid `amount` (USDC base units) for `orderId` under the terms that hash to `quoteHash`.
    /// @dev The same order may be paid twice, here and by others: only the first payment that matches its quote counts.
    event PremiumPaid(
        bytes32 indexed orderId, address indexed payer, uint96 amount, bytes32 quoteHash, address treasury
    );

    error ZeroAmount(bytes32 orderId);

    constructor(IUSDC usdc_, address treasury_, address authority_) Governed(usdc_, treasury_, authority_) {}

    /// @notice Pays from the caller's allowance.
    /// @param orderId keccak256 of the order's UUID string
    /// @param amount the premium in USDC base units
    /// @param quoteHash SHA-256 of the RFC 8785 form of the quoted terms
    function pay(bytes32 orderId, uint96 amount, bytes32 quoteHash) external whenNotPaused {
        _payFromAllowance(orderId, amount, quoteHash);
    }

    /// @notice Pays from the caller's allowance, after setting it with an EIP-2612 permit for exactly `amount`.
    /// @dev A permit that fails does not matter by itself (anyone may have sent it first): the allowance decides.
    /// @param deadline unix seconds until which the permit holds
    function payWithPermit(
        bytes32 orderId,
        uint96 amount,
        bytes32 quoteHash,
        uint256 deadline,
        bytes calldata signature
    ) external whenNotPaused {
        try usdc.permit(msg.sender, address(this), amount, deadline, signature) {} catch {}

        _payFromAllowance(orderId, amount, quoteHash);
    }

    /// @notice Pays with `payer`'s EIP-3009 authorization; anyone may relay it, so the payer needs no gas.
    /// @dev The authorization's nonce is `authorizationNonce` of the terms: it can be neither redirected to another
    /// receiver, relabelled as another order, nor used twice.
    /// @param validAfter unix seconds, exclusive
    /// @param validBefore unix seconds, exclusive
    function payWithAuthorization(
        bytes32 orderId,
        uint96 amount,
        bytes32 quoteHash,
        address payer,
        uint256 validAfter,
        uint256 validBefore,
        bytes calldata signature
    ) external whenNotPaused {
        address treasury_ = _recordPremium(orderId, payer, amount, quoteHash);

        usdc.receiveWithAuthorization(
            payer,
            address(this),
            amount,
            validAfter,
            validBefore,
            authorizationNonce(orderId, amount, quoteHash),
            signature
        );
        IERC20(usdc).safeTransfer(treasury_, amount);
    }

    /// @notice The EIP-3009 nonce that a payer signs for these terms.
    function authorizationNonce(bytes32 orderId, uint96 amount, bytes32 quoteHash) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), orderId, amount, quoteHash));
    }

    function _payFromAllowance(bytes32 orderId, uint96 amount, bytes32 quoteHash) private {
        address treasury_ = _recordPremium(orderId, msg.sender, amount, quoteHash);

        IERC20(usdc).safeTransferFrom(msg.sender, treasury_, amount);
    }

    function _recordPremium(bytes32 orderId, address payer, uint96 amount, bytes32 quoteHash)
        private
        returns (address treasury_)
    {
        require(amount != 0, ZeroAmount(orderId));

        treasury_ = treasury;
        emit PremiumPaid(orderId, payer, amount, quoteHash, treasury_);
    }

    /// @dev Checkout owes nothing to anyone: whatever lies here was sent by mistake.
    function _isStray(IERC20, uint256) internal pure override returns (bool) {
        return true;
    }
}
