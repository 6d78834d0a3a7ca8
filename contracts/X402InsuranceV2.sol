// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EIP712} from "solady/EIP712.sol";

import {IUSDC} from "./interfaces/IUSDC.sol";
import {Governed, PausableTreasury} from "./libraries/Governed.sol";
import {PaymentAddress} from "./PaymentAddress.sol";

/// @dev A base of its own so that the terms of new locks share the pause flag's storage slot: a lock reads both.
abstract contract LockTerms is PausableTreasury {
    /// @notice Penalty of new locks, in basis points of the payment.
    uint16 public platformPenaltyRate;
    /// @notice Time-out of new locks that name none, in minutes.
    uint16 public defaultTimeout;
}

/// @title X402InsuranceV2: a provider's bond makes its clients whole
/// @notice A provider of a paid HTTP API deposits USDC. Each insured payment locks its amount and a penalty of that
/// bond until a deadline. Confirming the service in time unlocks it; silence lets anyone return the client its money,
/// out of the bond, and the penalty goes to the platform. The client pays no premium.
///
/// Who can move money: a provider its own bond, but for what is locked; a client its own payment, by signing it;
/// anyone a claim that is due, or a credit, to its client; CONFIG, after its delay, what was sent to a payment address by mistake
/// (`returnStray`, to the client), what this contract owes to nobody (`rescue`), and the bond of a provider that is
/// unhealthy or idle, seven days after an announcement that lets it leave (`liquidateProvider`, to the treasury).
/// Who can stop it: GUARDIAN pauses deposits and new locks. Confirming, claiming, refunding, withdrawing go on.
/// What a provider signs away: a settler that it names may lock its bond against real payments; a client whom it
/// approves may lock its bond without one, up to the amount approved. It should approve only clients it knows.
/// What is not insured: the quality of what was delivered. A provider that confirms without serving wins.
contract X402InsuranceV2 is LockTerms, Governed, EIP712 {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    enum ClaimStatus {
        None,
        Open,
        Confirmed,
        Claimed,
        Refunded
    }

    enum Standing {
        Active,
        Exiting,
        Liquidated
    }

    /// @dev Why a provider's liquidation is announced.
    enum Notice {
        None,
        Unhealthy,
        Idle
    }

    /// @dev 64 bits hold 18 trillion USDC, so that all that a lock needs is in one slot.
    struct Account {
        // slot 0
        uint64 bond;
        uint64 locked;
        uint64 minimum;
        uint40 lastLockAt;
        Standing standing;
        Notice notice;
        bool minimumRises;
    }

    /// @dev A raised minimum that waits, or has begun to hold and is not yet written into the account.
    struct Rise {
        // slot 0
        uint64 minimum;
        uint40 effectiveAt;
    }

    struct Coverage {
        // slot 0
        uint96 amount;
        uint16 maxTimeoutMinutes;
    }

    /// @dev Confirming reads and writes slot 0 only. `lock`, the amount and the penalty, holds 281 million USDC.
    struct Policy {
        // slot 0
        address provider;
        uint48 lock;
        uint40 deadline;
        ClaimStatus status;
        // slot 1
        address client;
        uint96 amount;
    }

    /// @dev What `accounts` answers; amounts in USDC base units, times in unix seconds, 0 for none.
    struct ProviderAccount {
        uint256 bond;
        uint256 locked;
        uint256 withdrawable;
        uint256 minimum;
        uint256 nextMinimum;
        uint256 nextMinimumAt;
        uint256 lastLockAt;
        Standing standing;
        Notice notice;
        uint256 liquidatableAt;
    }

    /// @dev What `getProviderStats` answers; amounts in USDC base units.
    struct ProviderStats {
        uint256 totalBond;
        uint256 lockedAmount;
        uint256 availableBond;
        uint256 minBond;
        bool isHealthy;
        bool isLiquidated;
    }

    bytes32 public constant SERVICE_CONFIRMATION_TYPEHASH = keccak256("ServiceConfirmation(bytes32 requestCommitment)");

    /// @notice The highest penalty, in basis points of the payment.
    uint16 public constant MAX_PENALTY_RATE = 1_000;
    /// @notice The longest time-out: 7 days, in minutes. The shortest is 1.
    uint16 public constant MAX_TIMEOUT_MINUTES = 10_080;
    /// @notice How long a raised minimum, and a liquidation, is announced before it holds, in seconds.
    uint40 public constant NOTICE_PERIOD = 7 days;
    /// @notice After how long without a lock a provider may be liquidated, in seconds.
    uint40 public constant IDLE_PERIOD = 180 days;

    uint256 private constant _BPS = 10_000;
    /// @dev Set in the commitments of `settleAndInsure`, clear in those of `purchaseInsurance`: neither can take the
    /// other's.
    bytes32 private constant _SETTLED = bytes32(uint256(1) << 255);

    /// @dev What every provider's payment address is a clone of.
    PaymentAddress private immutable _paymentAddressCode;

    // slot: what is owed
    uint128 private _bondsAndCredits;
    /// @notice What `collect` sends to the treasury, in USDC base units.
    uint128 public penalties;

    mapping(address provider => Account) private _accounts;
    mapping(address provider => Rise) private _rises;
    mapping(address provider => uint40) private _liquidatableAt;
    mapping(address provider => address) private _payoutAddresses;

    /// @notice Who else may sign and send confirmations for a provider; zero for nobody.
    mapping(address provider => address) public deliveryKey;
    /// @notice Who may settle payments to a provider, and refund them: its facilitators.
    mapping(address provider => mapping(address settler => bool)) public isSettler;
    /// @notice What a client may still lock without a settler, and for how long at most.
    mapping(address provider => mapping(address client => Coverage)) public coverage;
    /// @notice USDC that could not be sent to a client, in base units, for `withdrawCredit` and `payCredit`.
    mapping(address client => uint256) public credit;

    mapping(bytes32 commitment => Policy) private _policies;

    event BondDeposited(address indexed provider, uint96 amount, uint96 totalBond);
    event BondWithdrawn(address indexed provider, uint96 amount, uint96 totalBond);
    event InsurancePurchased(
        bytes32 indexed commitment,
        address indexed provider,
        address indexed client,
        uint96 amount,
        uint96 penalty,
        uint40 deadline
    );
    event PaymentSettled(bytes32 indexed commitment, address indexed payoutAddress, uint96 amount);
    event ServiceConfirmed(bytes32 indexed commitment, address indexed provider);
    event InsuranceClaimed(
        bytes32 indexed commitment, address indexed provider, address indexed client, uint96 amount, uint96 penalty
    );
    event ServiceRefunded(bytes32 indexed commitment, address indexed provider, address indexed client, uint96 amount);
    event Credited(address indexed client, bytes32 indexed commitment, uint96 amount);
    event CreditWithdrawn(address indexed client, address indexed to, uint256 amount);
    event PenaltiesCollected(address indexed treasury, uint256 amount);
    event CoverageApproved(address indexed provider, address indexed client, uint96 amount, uint16 maxTimeoutMinutes);
    event SettlerSet(address indexed provider, address indexed settler, bool allowed);
    event DeliveryKeySet(address indexed provider, address indexed deliveryKey);
    event PayoutAddressSet(address indexed provider, address indexed payoutAddress);
    event PaymentAddressCreated(address indexed provider, address paymentAddress);
    event ExitAnnounced(address indexed provider);
    event ExitCancelled(address indexed provider);
    event MinProviderBondSet(address indexed provider, uint96 minimum, uint40 effectiveAt);
    event PlatformPenaltyRateSet(uint16 penaltyRate);
    event DefaultTimeoutSet(uint16 timeoutMinutes);
    event LiquidationAnnounced(address indexed provider, Notice notice, uint40 liquidatableAt);
    event LiquidationCalledOff(address indexed provider);
    event ProviderLiquidated(address indexed provider, uint96 amount);
    event StrayReturned(address indexed provider, address indexed client, uint256 amount);

    error ZeroAmount();
    error InvalidProvider(address provider);
    error InvalidCommitment(bytes32 commitment);
    error CommitmentUsed(bytes32 commitment, ClaimStatus status);
    error TimeoutOutOfRange(uint256 timeoutMinutes, uint256 least, uint256 most);
    error CoverageExceeded(address provider, address client, uint256 amount, uint256 remaining);
    error ProviderUnhealthy(address provider, uint256 available, uint256 minimum);
    error ProviderLeaving(address provider, Standing standing, Notice notice);
    error InsufficientBond(address provider, uint256 needed, uint256 available);
    error NotSettler(address caller, address provider);
    error NotOpen(bytes32 commitment, ClaimStatus status);
    error DeadlinePassed(bytes32 commitment, uint256 deadline);
    error DeadlineNotPassed(bytes32 commitment, uint256 deadline);
    error InvalidConfirmation(bytes32 commitment, address provider);
    error LengthMismatch(uint256 commitments, uint256 signatures);
    error NotProviderNorSettler(address caller, address provider);
    error InvalidPayoutAddress(address payoutAddress);
    error NotExiting(address provider);
    error NotActive(address provider, Standing standing);
    error NoCredit(address client);
    error NothingToCollect();
    error PenaltyRateTooHigh(uint256 penaltyRate, uint256 most);
    error NotLiquidatable(address provider);
    error AlreadyAnnounced(address provider, uint256 liquidatableAt);
    error NotAnnounced(address provider);
    error NoticeNotOver(address provider, uint256 liquidatableAt);
    error NotAClient(address account, address provider);
    error BondLocked(address provider, uint256 locked);

    constructor(IUSDC usdc_, address treasury_, address authority_, uint16 platformPenaltyRate_, uint16 defaultTimeout_)
        Governed(usdc_, treasury_, authority_)
    {
        _paymentAddressCode = new PaymentAddress(usdc_);
        _setPlatformPenaltyRate(platformPenaltyRate_);
        _setDefaultTimeout(defaultTimeout_);
    }

    // bond

    /// @notice Adds `amount` (USDC base units) to the caller's bond, from its allowance.
    function depositBond(uint96 amount) external nonReentrant whenNotPaused {
        _depositFromAllowance(amount);
    }

    /// @notice Adds to the caller's bond after setting the allowance with an EIP-2612 permit for exactly `amount`.
    /// @dev A permit that fails does not matter by itself (anyone may have sent it first): the allowance decides.
    /// @param deadline unix seconds until which the permit holds
    function depositBondWithPermit(uint96 amount, uint256 deadline, bytes calldata signature)
        external
        nonReentrant
        whenNotPaused
    {
        try usdc.permit(msg.sender, address(this), amount, deadline, signature) {} catch {}

        _depositFromAllowance(amount);
    }

    /// @notice Adds to `provider`'s bond with its EIP-3009 `ReceiveWithAuthorization`; anyone may relay it.
    /// @dev The nonce is free: an authorization towards this contract can be used for nothing but its signer's bond.
    /// @param validAfter unix seconds, exclusive
    /// @param validBefore unix seconds, exclusive
    function depositBondWithAuthorization(
        address provider,
        uint96 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external nonReentrant whenNotPaused {
        _deposit(provider, amount);

        usdc.receiveWithAuthorization(provider, address(this), amount, validAfter, validBefore, nonce, signature);
    }

    /// @notice Sends `amount` (USDC base units) of the caller's bond back to it: what `withdrawableBond` says at most.
    function withdrawBond(uint96 amount) external nonReentrant {
        require(amount != 0, ZeroAmount());
        uint256 withdrawable = withdrawableBond(msg.sender);
        require(amount <= withdrawable, InsufficientBond(msg.sender, amount, withdrawable));

        Account storage account = _accounts[msg.sender];
        // forge-lint: disable-next-line(unsafe-typecast) fits: at most the bond
        account.bond -= uint64(amount);
        _bondsAndCredits -= amount;
        emit BondWithdrawn(msg.sender, amount, account.bond);

        IERC20(usdc).safeTransfer(msg.sender, amount);
    }

    /// @notice Stops new locks of the caller's bond. When nothing is locked any more, all of it may be withdrawn.
    function announceExit() external {
        Account storage account = _accounts[msg.sender];
        require(account.standing == Standing.Active, NotActive(msg.sender, account.standing));

        account.standing = Standing.Exiting;
        emit ExitAnnounced(msg.sender);
    }

    /// @notice Takes `announceExit` back.
    function cancelExit() external {
        Account storage account = _accounts[msg.sender];
        require(account.standing == Standing.Exiting, NotExiting(msg.sender));

        account.standing = Standing.Active;
        emit ExitCancelled(msg.sender);
    }

    // whom a provider trusts

    /// @notice Lets `client` lock the caller's bond without a settler: `amount` (USDC base units) of payments in all,
    /// each for at most `maxTimeoutMinutes`. Replaces what was approved before. `type(uint96).max` is never used up.
    function approveCoverage(address client, uint96 amount, uint16 maxTimeoutMinutes) external {
        _checkTimeout(maxTimeoutMinutes, MAX_TIMEOUT_MINUTES);

        coverage[msg.sender][client] = Coverage(amount, maxTimeoutMinutes);
        emit CoverageApproved(msg.sender, client, amount, maxTimeoutMinutes);
    }

    /// @notice Lets `settler` settle payments to the caller, and refund them, or ends it. Open locks stay.
    function setSettler(address settler, bool allowed) external {
        isSettler[msg.sender][settler] = allowed;
        emit SettlerSet(msg.sender, settler, allowed);
    }

    /// @notice Lets `key` sign and send confirmations for the caller, in place of the last one. Zero: nobody.
    function setDeliveryKey(address key) external {
        deliveryKey[msg.sender] = key;
        emit DeliveryKeySet(msg.sender, key);
    }

    /// @notice Where settled payments to the caller go. Zero: to the caller.
    function setPayoutAddress(address payoutAddress_) external {
        // A payment must leave the payment address and this contract, and USDC refuses itself.
        require(
            payoutAddress_ != address(usdc) && payoutAddress_ != address(this)
                && payoutAddress_ != paymentAddress(msg.sender),
            InvalidPayoutAddress(payoutAddress_)
        );

        _payoutAddresses[msg.sender] = payoutAddress_;
        emit PayoutAddressSet(msg.sender, payoutAddress_);
    }

    // locks

    /// @notice Settles a client's x402 `exact` payment and locks the provider's bond for it, both or neither.
    /// @dev The client has signed EIP-3009 `TransferWithAuthorization` to `paymentAddress(provider)`. What arrives
    /// there goes on to the provider's payout address; what lay there before stays.
    /// @param amount the payment in USDC base units
    /// @param validAfter unix seconds, exclusive
    /// @param validBefore unix seconds, exclusive
    /// @param timeoutMinutes until when the service is to be confirmed; 0 for the default
    /// @return commitment `settlementCommitment(provider, client, nonce)`
    function settleAndInsure(
        address provider,
        address client,
        uint96 amount,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint16 timeoutMinutes,
        bytes calldata signature
    ) external nonReentrant whenNotPaused returns (bytes32 commitment) {
        require(isSettler[provider][msg.sender], NotSettler(msg.sender, provider));

        commitment = settlementCommitment(provider, client, nonce);
        _lock(commitment, provider, client, amount, _timeout(timeoutMinutes, MAX_TIMEOUT_MINUTES));
        address payoutAddress_ = payoutAddress(provider);
        emit PaymentSettled(commitment, payoutAddress_, amount);

        PaymentAddress channel = _channel(provider);
        usdc.transferWithAuthorization(client, address(channel), amount, validAfter, validBefore, nonce, signature);
        channel.forward(payoutAddress_, amount);
    }

    /// @notice Locks `provider`'s bond for the caller, within what the provider approved. Lock first, pay second: no
    /// payment is seen here.
    /// @param requestCommitment names the request; bit 255 clear. Once taken, by anyone, it cannot be locked again
    /// @param paymentAmount the payment in USDC base units
    /// @param timeoutMinutes until when the service is to be confirmed; 0 for the default
    function purchaseInsurance(bytes32 requestCommitment, address provider, uint96 paymentAmount, uint16 timeoutMinutes)
        external
        whenNotPaused
    {
        require(requestCommitment & _SETTLED == 0 && requestCommitment != 0, InvalidCommitment(requestCommitment));
        Coverage storage covered = coverage[provider][msg.sender];
        uint96 remaining = covered.amount;
        require(paymentAmount <= remaining, CoverageExceeded(provider, msg.sender, paymentAmount, remaining));

        if (remaining != type(uint96).max) covered.amount = remaining - paymentAmount;
        uint16 timeout = _timeout(timeoutMinutes, covered.maxTimeoutMinutes);
        _lock(requestCommitment, provider, msg.sender, paymentAmount, timeout);
    }

    // ends of a lock

    /// @notice Confirms that the service was delivered: unlocks. Until and including the deadline.
    /// @param signature of `ServiceConfirmation` by the provider or its delivery key; empty when one of them sends this
    function confirmService(bytes32 requestCommitment, bytes calldata signature) external {
        Policy storage policy = _openPolicy(requestCommitment);
        require(block.timestamp <= policy.deadline, DeadlinePassed(requestCommitment, policy.deadline));

        _confirm(requestCommitment, policy, signature);
    }

    /// @notice `confirmService` for many, each with its signature or an empty one.
    /// @dev Skips what is no longer open or too late: one that was refunded or overdue meanwhile must not keep the
    /// others from being confirmed in time. A wrong signature reverts.
    function confirmServices(bytes32[] calldata requestCommitments, bytes[] calldata signatures) external {
        require(
            requestCommitments.length == signatures.length, LengthMismatch(requestCommitments.length, signatures.length)
        );

        for (uint256 i = 0; i < requestCommitments.length; ++i) {
            bytes32 commitment = requestCommitments[i];
            Policy storage policy = _policies[commitment];
            if (policy.status == ClaimStatus.Open && block.timestamp <= policy.deadline) {
                _confirm(commitment, policy, signatures[i]);
            }
        }
    }

    /// @notice Pays the client back out of the provider's bond, without penalty. By the provider or one of its
    /// settlers, until and including the deadline.
    function refundService(bytes32 requestCommitment) external nonReentrant {
        Policy storage policy = _openPolicy(requestCommitment);
        require(block.timestamp <= policy.deadline, DeadlinePassed(requestCommitment, policy.deadline));
        (address provider, uint96 amount) = (policy.provider, policy.amount);
        require(msg.sender == provider || isSettler[provider][msg.sender], NotProviderNorSettler(msg.sender, provider));

        policy.status = ClaimStatus.Refunded;
        _release(provider, policy.lock, amount);
        _bondsAndCredits -= amount;
        emit ServiceRefunded(requestCommitment, provider, policy.client, amount);

        _payClient(requestCommitment, policy.client, amount);
    }

    /// @notice Pays the client back out of the provider's bond, and the penalty to the platform. By anyone, after the
    /// deadline.
    function claimInsurance(bytes32 requestCommitment) external nonReentrant {
        Policy storage policy = _openPolicy(requestCommitment);
        require(block.timestamp > policy.deadline, DeadlineNotPassed(requestCommitment, policy.deadline));

        _claim(requestCommitment, policy);
    }

    /// @notice `claimInsurance` for many. Skips what cannot be claimed: another may have been faster.
    function claimMany(bytes32[] calldata requestCommitments) external nonReentrant {
        for (uint256 i = 0; i < requestCommitments.length; ++i) {
            bytes32 commitment = requestCommitments[i];
            if (canClaimInsurance(commitment)) _claim(commitment, _policies[commitment]);
        }
    }

    /// @notice Sends the caller's credit to `to`.
    function withdrawCredit(address to) external nonReentrant {
        _sendCredit(msg.sender, to);
    }

    /// @notice Sends `client`'s credit to `client`, which may have no ether for `withdrawCredit`. Anyone.
    /// @dev Always all of it, and where the claim or the refund was to go. A client that wants it elsewhere may find that
    /// a stranger was faster: that costs it the gas of its own call, never money, and until USDC takes it again only the
    /// client can move it. A transfer that fails, for lack of gas too, reverts: the credit stays.
    function payCredit(address client) external nonReentrant {
        _sendCredit(client, client);
    }

    // the platform

    /// @notice Sends the penalties to the treasury. Anyone.
    function collect() external nonReentrant {
        uint256 amount = penalties;
        require(amount != 0, NothingToCollect());

        penalties = 0;
        emit PenaltiesCollected(treasury, amount);

        IERC20(usdc).safeTransfer(treasury, amount);
    }

    /// @notice Sets what must be available for new locks, in USDC base units. CONFIG, delayed.
    /// @dev A raised minimum holds after `NOTICE_PERIOD`, a lowered one at once; either replaces a rise that waits.
    function setMinProviderBond(address provider, uint64 minimum) external restricted {
        require(provider != address(0), InvalidProvider(provider));
        Account storage account = _accounts[provider];
        uint64 current = _minimum(provider, account);

        account.minimum = minimum < current ? minimum : current;
        account.minimumRises = minimum > current;
        uint40 effectiveAt = uint40(block.timestamp);
        if (minimum > current) {
            effectiveAt += NOTICE_PERIOD;
            _rises[provider] = Rise(minimum, effectiveAt);
        }
        emit MinProviderBondSet(provider, minimum, effectiveAt);
        _callOffIfHealthy(provider, account);
    }

    /// @notice Sets the penalty of new locks, in basis points, at most `MAX_PENALTY_RATE`. CONFIG, delayed.
    function setPlatformPenaltyRate(uint16 penaltyRate) external restricted {
        _setPlatformPenaltyRate(penaltyRate);
    }

    /// @notice Sets the time-out of new locks that name none, in minutes. CONFIG, delayed.
    function setDefaultTimeout(uint16 timeoutMinutes) external restricted {
        _setDefaultTimeout(timeoutMinutes);
    }

    /// @notice Announces the liquidation of a provider that is unhealthy, or idle for `IDLE_PERIOD`: no new lock from
    /// now on, and seven days in which it may withdraw all that is free, or top up if unhealthy. CONFIG, delayed.
    function announceLiquidation(address provider) external restricted {
        Account storage account = _accounts[provider];
        require(account.standing != Standing.Liquidated, NotActive(provider, account.standing));
        require(account.notice == Notice.None, AlreadyAnnounced(provider, _liquidatableAt[provider]));
        Notice notice = Notice.Unhealthy;
        if (_isHealthy(provider, account)) {
            // A provider without a bond has nothing to be idle with, and never began to be.
            require(account.bond != 0 && block.timestamp > account.lastLockAt + IDLE_PERIOD, NotLiquidatable(provider));
            notice = Notice.Idle;
        }

        account.notice = notice;
        uint40 liquidatableAt = uint40(block.timestamp) + NOTICE_PERIOD;
        _liquidatableAt[provider] = liquidatableAt;
        emit LiquidationAnnounced(provider, notice, liquidatableAt);
    }

    /// @notice Takes an announcement back. CONFIG, delayed.
    function callOffLiquidation(address provider) external restricted {
        Account storage account = _announced(provider);

        _callOff(provider, account);
    }

    /// @notice Ends a provider whose liquidation was announced `NOTICE_PERIOD` ago and whose reason holds: what is
    /// left of its bond goes to the platform, for `collect`. Only with nothing locked. CONFIG, delayed.
    /// @dev An unhealthy provider that recovered meanwhile has no announcement any more, and an announced one gets no
    /// lock: the reason still holds here.
    function liquidateProvider(address provider) external restricted {
        Account storage account = _announced(provider);
        uint256 liquidatableAt = _liquidatableAt[provider];
        require(block.timestamp >= liquidatableAt, NoticeNotOver(provider, liquidatableAt));
        require(account.locked == 0, BondLocked(provider, account.locked));

        uint64 amount = account.bond;
        account.bond = 0;
        account.standing = Standing.Liquidated;
        account.notice = Notice.None;
        _bondsAndCredits -= amount;
        penalties += amount;
        emit ProviderLiquidated(provider, amount);
    }

    /// @notice Sends what was paid to a payment address without a lock back to the client who paid it. CONFIG, delayed.
    /// @dev The chain cannot tell who paid it; it can tell who certainly did not.
    function returnStray(address provider, address client, uint256 amount) external nonReentrant restricted {
        require(client != provider && client != payoutAddress(provider), NotAClient(client, provider));

        emit StrayReturned(provider, client, amount);

        _channel(provider).forward(client, amount);
    }

    // views

    /// @notice A policy by its commitment: provider, lock (USDC base units: amount and penalty), deadline (unix
    /// seconds), status, client, amount. All zero if there is none.
    function policies(bytes32 commitment) external view returns (Policy memory) {
        return _policies[commitment];
    }

    /// @notice All that is known of a provider's bond.
    function accounts(address provider) external view returns (ProviderAccount memory) {
        Account storage account = _accounts[provider];
        Rise storage rise = _rises[provider];
        return ProviderAccount({
            bond: account.bond,
            locked: account.locked,
            withdrawable: withdrawableBond(provider),
            minimum: _minimum(provider, account),
            nextMinimum: account.minimumRises ? rise.minimum : account.minimum,
            nextMinimumAt: account.minimumRises ? rise.effectiveAt : 0,
            lastLockAt: account.lastLockAt,
            standing: account.standing,
            notice: account.notice,
            liquidatableAt: account.notice == Notice.None ? 0 : _liquidatableAt[provider]
        });
    }

    /// @notice True if the policy is open and its deadline has passed.
    function canClaimInsurance(bytes32 requestCommitment) public view returns (bool) {
        Policy storage policy = _policies[requestCommitment];
        return policy.status == ClaimStatus.Open && block.timestamp > policy.deadline;
    }

    /// @notice True if the provider is not liquidated and at least its minimum is available.
    function isProviderHealthy(address provider) public view returns (bool) {
        return _isHealthy(provider, _accounts[provider]);
    }

    /// @notice True if a payment of `amount` (USDC base units) could be locked now, pause aside.
    function canInsure(address provider, uint96 amount) external view returns (bool) {
        Account storage account = _accounts[provider];
        (uint256 lock,) = getProtectionCost(amount);
        return amount != 0 && lock <= type(uint48).max && account.standing == Standing.Active
            && account.notice == Notice.None && _isHealthy(provider, account) && account.bond - account.locked >= lock;
    }

    /// @notice A provider's figures, in USDC base units.
    function getProviderStats(address provider) external view returns (ProviderStats memory) {
        Account storage account = _accounts[provider];
        return ProviderStats({
            totalBond: account.bond,
            lockedAmount: account.locked,
            availableBond: account.bond - account.locked,
            minBond: _minimum(provider, account),
            isHealthy: _isHealthy(provider, account),
            isLiquidated: account.standing == Standing.Liquidated
        });
    }

    /// @notice What a payment locks now: itself and the penalty, in USDC base units.
    function getProtectionCost(uint96 paymentAmount) public view returns (uint256 totalLock, uint256 penalty) {
        penalty = _penalty(paymentAmount, platformPenaltyRate);
        totalLock = paymentAmount + penalty;
    }

    /// @notice A provider's bond, in USDC base units.
    function providerBond(address provider) external view returns (uint256) {
        return _accounts[provider].bond;
    }

    /// @notice What of it is locked, in USDC base units.
    function lockedBond(address provider) external view returns (uint256) {
        return _accounts[provider].locked;
    }

    /// @notice What must be available for new locks now, in USDC base units.
    function minProviderBond(address provider) external view returns (uint256) {
        return _minimum(provider, _accounts[provider]);
    }

    /// @notice True for ever once a provider is liquidated.
    function isLiquidated(address provider) external view returns (bool) {
        return _accounts[provider].standing == Standing.Liquidated;
    }

    /// @notice Where penalties go.
    function platformTreasury() external view returns (address) {
        return treasury;
    }

    /// @notice What this contract owes: bonds, credits and penalties, in USDC base units.
    function liabilities() public view returns (uint256) {
        return uint256(_bondsAndCredits) + penalties;
    }

    /// @notice What a provider may withdraw now, in USDC base units.
    /// @dev All of it but the locked part and the minimum. The minimum stays for new locks, so it is free where none
    /// can come: once a liquidation is announced, and at the end of an exit.
    function withdrawableBond(address provider) public view returns (uint256) {
        Account storage account = _accounts[provider];
        uint256 available = account.bond - account.locked;
        if (account.notice != Notice.None || (account.standing == Standing.Exiting && account.locked == 0)) {
            return available;
        }
        uint256 minimum = _minimum(provider, account);
        return available > minimum ? available - minimum : 0;
    }

    /// @notice Where clients of `provider` pay, whether or not there is code yet.
    function paymentAddress(address provider) public view returns (address) {
        return Clones.predictDeterministicAddress(address(_paymentAddressCode), _salt(provider));
    }

    /// @notice Where settled payments to `provider` go.
    function payoutAddress(address provider) public view returns (address) {
        address payoutAddress_ = _payoutAddresses[provider];
        return payoutAddress_ == address(0) ? provider : payoutAddress_;
    }

    /// @notice The commitment of a settled payment. Bit 255 is set.
    /// @param nonce the nonce of the client's EIP-3009 authorization
    function settlementCommitment(address provider, address client, bytes32 nonce) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), provider, client, nonce)) | _SETTLED;
    }

    /// @notice What a provider or its delivery key signs to confirm a service (EIP-712).
    function confirmationDigest(bytes32 requestCommitment) public view returns (bytes32) {
        return _hashTypedData(keccak256(abi.encode(SERVICE_CONFIRMATION_TYPEHASH, requestCommitment)));
    }

    // internals

    /// @dev The EIP-712 domain. Solady's EIP712 gives OpenZeppelin's answers for 1.5 kB of code less: with that, this
    /// contract would not fit (EIP-170).
    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("X402InsuranceV2", "1");
    }

    function _depositFromAllowance(uint96 amount) private {
        _deposit(msg.sender, amount);

        IERC20(usdc).safeTransferFrom(msg.sender, address(this), amount);
    }

    function _deposit(address provider, uint96 amount) private {
        require(amount != 0, ZeroAmount());
        Account storage account = _accounts[provider];
        require(account.standing != Standing.Liquidated, NotActive(provider, account.standing));

        // From a first deposit on, a provider has `IDLE_PERIOD` for its first lock: it is not idle, whatever it was
        // before it took all out.
        if (account.bond == 0) {
            account.lastLockAt = uint40(block.timestamp);
            if (account.notice == Notice.Idle) _callOff(provider, account);
        }
        account.bond = (uint256(account.bond) + amount).toUint64();
        _bondsAndCredits += amount;
        emit BondDeposited(provider, amount, account.bond);
        _callOffIfHealthy(provider, account);
    }

    function _lock(bytes32 commitment, address provider, address client, uint96 amount, uint16 timeoutMinutes) private {
        require(amount != 0, ZeroAmount());
        Policy storage policy = _policies[commitment];
        require(policy.status == ClaimStatus.None, CommitmentUsed(commitment, policy.status));
        Account storage account = _accounts[provider];
        require(
            account.standing == Standing.Active && account.notice == Notice.None,
            ProviderLeaving(provider, account.standing, account.notice)
        );
        uint256 available = account.bond - account.locked;
        uint256 minimum = _minimum(provider, account);
        require(available >= minimum, ProviderUnhealthy(provider, available, minimum));
        uint96 penalty = _penalty(amount, platformPenaltyRate);
        uint256 lock = uint256(amount) + penalty;
        require(lock <= available, InsufficientBond(provider, lock, available));

        // forge-lint: disable-next-line(unsafe-typecast) fits: at most the bond
        account.locked += uint64(lock);
        account.lastLockAt = uint40(block.timestamp);
        uint40 deadline = uint40(block.timestamp) + uint40(timeoutMinutes) * 1 minutes;
        _policies[commitment] = Policy(provider, lock.toUint48(), deadline, ClaimStatus.Open, client, amount);
        emit InsurancePurchased(commitment, provider, client, amount, penalty, deadline);
    }

    function _confirm(bytes32 commitment, Policy storage policy, bytes calldata signature) private {
        address provider = policy.provider;
        require(_isConfirmation(commitment, provider, signature), InvalidConfirmation(commitment, provider));

        policy.status = ClaimStatus.Confirmed;
        _release(provider, policy.lock, 0);
        emit ServiceConfirmed(commitment, provider);
    }

    function _claim(bytes32 commitment, Policy storage policy) private {
        (address provider, uint96 amount, uint96 lock) = (policy.provider, policy.amount, policy.lock);

        policy.status = ClaimStatus.Claimed;
        _release(provider, lock, lock);
        _bondsAndCredits -= lock;
        penalties += lock - amount;
        emit InsuranceClaimed(commitment, provider, policy.client, amount, lock - amount);

        _payClient(commitment, policy.client, amount);
    }

    /// @dev Unlocks `lock` and takes `loss` out of the bond.
    function _release(address provider, uint96 lock, uint96 loss) private {
        Account storage account = _accounts[provider];
        // forge-lint: disable-start(unsafe-typecast) fit: both are part of the bond since `_lock`
        account.locked -= uint64(lock);
        if (loss != 0) account.bond -= uint64(loss);
        // forge-lint: disable-end(unsafe-typecast)
        _callOffIfHealthy(provider, account);
    }

    function _sendCredit(address client, address to) private {
        uint256 amount = credit[client];
        require(amount != 0, NoCredit(client));

        credit[client] = 0;
        _bondsAndCredits -= amount.toUint128();
        emit CreditWithdrawn(client, to, amount);

        IERC20(usdc).safeTransfer(to, amount);
    }

    /// @dev Whoever is to be paid must not stop anything: what USDC refuses waits as a credit.
    function _payClient(bytes32 commitment, address client, uint96 amount) private {
        if (IERC20(usdc).trySafeTransfer(client, amount)) return;

        credit[client] += amount;
        _bondsAndCredits += amount;
        emit Credited(client, commitment, amount);
    }

    /// @dev An unhealthy provider that recovered, by whatever, is announced no longer; an idle one stays so until it
    /// begins anew (`_deposit`).
    function _callOffIfHealthy(address provider, Account storage account) private {
        if (account.notice == Notice.Unhealthy && _isHealthy(provider, account)) _callOff(provider, account);
    }

    function _callOff(address provider, Account storage account) private {
        account.notice = Notice.None;
        emit LiquidationCalledOff(provider);
    }

    function _setPlatformPenaltyRate(uint16 penaltyRate) private {
        require(penaltyRate <= MAX_PENALTY_RATE, PenaltyRateTooHigh(penaltyRate, MAX_PENALTY_RATE));

        platformPenaltyRate = penaltyRate;
        emit PlatformPenaltyRateSet(penaltyRate);
    }

    function _setDefaultTimeout(uint16 timeoutMinutes) private {
        _checkTimeout(timeoutMinutes, MAX_TIMEOUT_MINUTES);

        defaultTimeout = timeoutMinutes;
        emit DefaultTimeoutSet(timeoutMinutes);
    }

    /// @dev The provider's payment address, with code.
    function _channel(address provider) private returns (PaymentAddress channel) {
        channel = PaymentAddress(paymentAddress(provider));
        if (address(channel).code.length == 0) {
            Clones.cloneDeterministic(address(_paymentAddressCode), _salt(provider));
            emit PaymentAddressCreated(provider, address(channel));
        }
    }

    /// @dev ECDSA first: an account with code by EIP-7702 still signs with its key.
    function _isConfirmation(bytes32 commitment, address provider, bytes calldata signature)
        private
        view
        returns (bool)
    {
        if (signature.length == 0) return msg.sender == provider || msg.sender == deliveryKey[provider];

        bytes32 digest = confirmationDigest(commitment);
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && signer == provider) return true;

        address key = deliveryKey[provider];
        if (fault == ECDSA.RecoverError.NoError && signer == key) return true;

        return SignatureChecker.isValidERC1271SignatureNowCalldata(provider, digest, signature)
            || SignatureChecker.isValidERC1271SignatureNowCalldata(key, digest, signature);
    }

    /// @dev The time-out asked for, or the default.
    function _timeout(uint16 timeoutMinutes, uint16 most) private view returns (uint16) {
        if (timeoutMinutes == 0) timeoutMinutes = defaultTimeout;
        _checkTimeout(timeoutMinutes, most);
        return timeoutMinutes;
    }

    function _isHealthy(address provider, Account storage account) private view returns (bool) {
        return account.standing != Standing.Liquidated && account.bond - account.locked >= _minimum(provider, account);
    }

    function _minimum(address provider, Account storage account) private view returns (uint64) {
        if (!account.minimumRises) return account.minimum;
        Rise storage rise = _rises[provider];
        return block.timestamp >= rise.effectiveAt ? rise.minimum : account.minimum;
    }

    function _openPolicy(bytes32 commitment) private view returns (Policy storage policy) {
        policy = _policies[commitment];
        require(policy.status == ClaimStatus.Open, NotOpen(commitment, policy.status));
    }

    function _announced(address provider) private view returns (Account storage account) {
        account = _accounts[provider];
        require(account.notice != Notice.None, NotAnnounced(provider));
    }

    /// @dev Bonds, credits and penalties are owed; what USDC holds beyond them is not.
    function _isStray(IERC20 token, uint256 amount) internal view override returns (bool) {
        return token != IERC20(usdc) || liabilities() + amount <= usdc.balanceOf(address(this));
    }

    function _checkTimeout(uint16 timeoutMinutes, uint16 most) private pure {
        require(timeoutMinutes >= 1 && timeoutMinutes <= most, TimeoutOutOfRange(timeoutMinutes, 1, most));
    }

    function _salt(address provider) private pure returns (bytes32) {
        return bytes32(uint256(uint160(provider)));
    }

    /// @dev Rounded up, against the provider: no payment is too small for a penalty.
    function _penalty(uint96 amount, uint16 penaltyRate) private pure returns (uint96) {
        // forge-lint: disable-next-line(unsafe-typecast) fits: at most a tenth of `amount`, rounded up
        return uint96((uint256(amount) * penaltyRate + _BPS - 1) / _BPS);
    }
}
