// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IUSDC} from "../interfaces/IUSDC.sol";

/// @dev A base of its own so that the treasury shares OpenZeppelin's pause flag's storage slot: a payment reads both.
abstract contract PausableTreasury is Pausable {
    /// @notice Where our USDC goes.
    address public treasury;
}

/// @title What every governed LiqPass contract shares: USDC, treasury, pause, rescue
/// @notice Who may call what is decided by one AccessManager (`authority()`), see `docs/roles.md`.
abstract contract Governed is PausableTreasury, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice The only token that LiqPass settles in.
    IUSDC public immutable usdc;

    event TreasurySet(address indexed treasury);
    event Rescued(address indexed token, address indexed to, uint256 amount);

    error NotAContract(address account);
    error InvalidTreasury(address treasury);
    error NotStray(address token);

    constructor(IUSDC usdc_, address treasury_, address authority_) AccessManaged(authority_) {
        require(address(usdc_).code.length != 0, NotAContract(address(usdc_)));
        require(authority_.code.length != 0, NotAContract(authority_));
        usdc = usdc_;
        _setTreasury(treasury_);
    }

    /// @notice Stops the functions that take or pay money. GUARDIAN, at once.
    function pause() external restricted {
        _pause();
    }

    /// @notice Ends the pause. UNPAUSER.
    function unpause() external restricted {
        _unpause();
    }

    /// @notice Changes where our USDC goes. CONFIG, delayed.
    function setTreasury(address treasury_) external restricted {
        _setTreasury(treasury_);
    }

    /// @notice Sends tokens that do not belong here to `to`. CONFIG, delayed.
    function rescue(IERC20 token, address to, uint256 amount) external nonReentrant restricted {
        require(_isStray(token, amount), NotStray(address(token)));

        emit Rescued(address(token), to, amount);

        token.safeTransfer(to, amount);
    }

    /// @dev True if this contract owes `amount` of the token to nobody.
    function _isStray(IERC20 token, uint256 amount) internal view virtual returns (bool);

    function _setTreasury(address treasury_) private {
        // USDC refuses transfers to itself, and money sent to this contract would not have left it.
        require(
            treasury_ != address(0) && treasury_ != address(usdc) && treasury_ != address(this),
            InvalidTreasury(treasury_)
        );

        treasury = treasury_;
        emit TreasurySet(treasury_);
    }
}
