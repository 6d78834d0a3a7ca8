// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProofLib} from "solady/MerkleProofLib.sol";

import {IPaidPolicies} from "./interfaces/IPaidPolicies.sol";
import {IUSDC} from "./interfaces/IUSDC.sol";
import {Governed} from "./libraries/Governed.sol";
import {UtcDate} from "./libraries/UtcDate.sol";

/// @title PayoutVault: payouts out
/// @notice A small hot wallet with brakes. It pays what the APPROVER approved by its Merkle root, each policy once for
/// ever, and no more than the daily cap.
///
/// Who can move money: PAYER, to the recipients under an approved root; PAYER and GUARDIAN, everything to the treasury
/// (`sweep`); CONFIG, after its delay, tokens other than USDC (`rescue`).
/// Who can stop it: GUARDIAN pauses approving, funding and paying, lowers the cap, revokes a batch; APPROVER revokes
/// a batch. What is paid stays paid; revoking and sweeping go on during a pause.
/// What one stolen key can do: PAYER alone and APPROVER alone pay nobody that the other has not seen; both together,
/// one day's cap (twice that around midnight UTC).
contract PayoutVault is Governed, IPaidPolicies {
    using SafeERC20 for IERC20;

    /// @dev A leaf of the payout tree, in this order: the values of OpenZeppelin's StandardMerkleTree of
    /// (uint256, uint256, address, uint256, bytes32).
    struct Payout {
        uint256 batchId;
        uint256 policyNo;
        address recipient;
        uint256 amount;
        bytes32 evidenceHash;
    }

    struct Batch {
        // slot 0
        bytes32 payoutRoot;
        // slot 1
        address approver;
        uint96 total;
        // slot 2
        uint96 paid;
        uint40 approvedAt;
        bool revoked;
    }

    /// @notice How long an approval may be executed, in seconds.
    uint40 public constant APPROVAL_VALIDITY = 48 hours;

    /// @notice The vault before this one: what it has paid is not paid here. Zero for the first vault.
    /// @dev Pause a predecessor for good before its successor is funded: the successor sees what it paid, not
    /// the other way round.
    IPaidPolicies public immutable predecessor;

    // slot: the brakes that a payout reads
    /// @notice What may be paid in one UTC day, in USDC base units.
    uint96 public dailyCap;
    uint96 private _paidOnDay;
    uint32 private _day;

    /// @notice What `fund` may fill this vault up to, in USDC base units.
    uint96 public hotWalletMax;

    mapping(uint64 batchId => Batch) private _batches;

    /// @dev One bit a policy: policy numbers are sequential, so 256 payouts share a slot.
    mapping(uint256 word => uint256 bits) private _paidPolicies;

    event BatchApproved(
        uint64 indexed batchId, bytes32 indexed payoutRoot, address indexed approver, uint96 total, uint40 expiresAt
    );
    event BatchRevoked(uint64 indexed batchId, address indexed by, uint96 unpaid);
    event PayoutExecuted(
        uint64 indexed batchId, uint256 indexed policyNo, address indexed recipient, uint96 amount, bytes32 evidenceHash
    );
    event PayoutFailed(
        uint64 indexed batchId, uint256 indexed policyNo, address indexed recipient, uint96 amount, bytes32 evidenceHash
    );
    event Funded(address indexed from, uint96 amount);
    event Swept(address indexed treasury, uint256 amount);
    event DailyCapSet(uint96 dailyCap);
    event HotWalletMaxSet(uint96 hotWalletMax);

    error CalledThroughManager();
    error EmptyBatch(uint64 batchId);
    error NotToday(uint64 batchId, uint64 today);
    error AlreadyApproved(uint64 batchId, uint256 expiresAt);
    error TotalChanged(uint64 batchId, uint96 total, uint96 approvedTotal);
    error PartlyPaid(uint64 batchId, uint96 paid);
    error NotApproved(uint64 batchId);
    error ApprovalExpired(uint64 batchId, uint256 expiresAt);
    error ApproverIsPayer(address account);
    error ApproverDismissed(address approver);
    error WrongBatch(uint256 policyNo, uint256 batchId, uint64 expectedBatchId);
    error InvalidRecipient(uint256 policyNo, address recipient);
    error ZeroAmount(uint256 policyNo);
    error WrongProof(uint64 batchId, bytes32 payoutRoot);
    error UsdcPaused();
    error AboveTotal(uint64 batchId, uint256 amount, uint256 remaining);
    error AboveDailyCap(uint256 amount, uint256 remaining);
    error ShortBalance(uint256 amount, uint256 balance);
    error AlreadyPaid(uint256 policyNo);
    error AboveHotWalletMax(uint256 balance, uint96 hotWalletMax);
    error NotLower(uint96 value, uint96 current);

    /// @dev `authority()` is refused so that one account with both roles cannot appear as two by sending one of
    /// the calls through the manager.
    modifier notThroughManager() {
        require(msg.sender != authority(), CalledThroughManager());
        _;
    }

    /// @dev Admits whoever may call `selector`, besides whoever may call the function itself: the manager knows only
    /// one role a function.
    modifier restrictedOr(bytes4 selector) {
        if (!_mayCall(msg.sender, selector)) _checkCanCall(msg.sender, msg.data);
        _;
    }

    constructor(
        IUSDC usdc_,
        address treasury_,
        address authority_,
        uint96 dailyCap_,
        uint96 hotWalletMax_,
        IPaidPolicies predecessor_
    ) Governed(usdc_, treasury_, authority_) {
        if (address(predecessor_) != address(0)) {
            require(address(predecessor_).code.length != 0, NotAContract(address(predecessor_)));
            // Reverts where there is no vault: every payout would.
            predecessor_.isPaid(0);
        }

        predecessor = predecessor_;
        _setDailyCap(dailyCap_);
        _setHotWalletMax(hotWalletMax_);
    }

    /// @notice Takes USDC from the caller's allowance, up to `hotWalletMax` in all.
    function fund(uint96 amount) external nonReentrant whenNotPaused {
        uint256 balance = usdc.balanceOf(address(this)) + amount;
        require(balance <= hotWalletMax, AboveHotWalletMax(balance, hotWalletMax));

        emit Funded(msg.sender, amount);

        IERC20(usdc).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Approves a day's batch by its payout root. APPROVER.
    /// @dev The same root may be approved again when its approval has expired, on any day; another root only on the
    /// batch's own day and while nothing under the old one is paid.
    /// @param batchId the UTC date of this block as YYYYMMDD
    /// @param payoutRoot root of the StandardMerkleTree of the batch's payouts
    /// @param total sum of the batch's payouts in USDC base units
    function approveBatch(uint64 batchId, bytes32 payoutRoot, uint96 total)
        external
        restricted
        notThroughManager
        whenNotPaused
    {
        require(payoutRoot != bytes32(0) && total != 0, EmptyBatch(batchId));
        Batch storage batch = _batches[batchId];
        if (payoutRoot == batch.payoutRoot && !batch.revoked) {
            require(_isExpired(batch), AlreadyApproved(batchId, _expiresAt(batch)));
            require(total == batch.total, TotalChanged(batchId, total, batch.total));
        } else {
            require(batchId == today(), NotToday(batchId, today()));
            require(batch.paid == 0, PartlyPaid(batchId, batch.paid));
        }

        batch.payoutRoot = payoutRoot;
        batch.approver = msg.sender;
        batch.total = total;
        // forge-lint: disable-next-line(unsafe-typecast) fits until the year 36,812
        batch.approvedAt = uint40(block.timestamp);
        batch.revoked = false;
        emit BatchApproved(batchId, payoutRoot, msg.sender, total, batch.approvedAt + APPROVAL_VALIDITY);
    }

    /// @notice Ends a batch's approval: nothing more of it is paid. APPROVER or GUARDIAN.
    function revokeBatch(uint64 batchId) external restrictedOr(this.approveBatch.selector) {
        Batch storage batch = _batches[batchId];
        require(batch.approvedAt != 0 && !batch.revoked, NotApproved(batchId));

        batch.revoked = true;
        emit BatchRevoked(batchId, msg.sender, batch.total - batch.paid);
    }

    /// @notice Pays payouts of an approved batch: all at once, or in parts. PAYER.
    /// @dev All or nothing, but for a transfer that fails although it is funded (a denylisted recipient): that one is
    /// skipped, stays unpaid, and takes nothing from cap or total.
    /// @param payouts the payouts in the multiproof's order
    /// @param proof siblings of the multiproof
    /// @param proofFlags flags of the multiproof
    function executeBatch(
        uint64 batchId,
        Payout[] calldata payouts,
        bytes32[] calldata proof,
        bool[] calldata proofFlags
    ) external nonReentrant restricted notThroughManager whenNotPaused {
        Batch storage batch = _batches[batchId];
        require(batch.approvedAt != 0 && !batch.revoked, NotApproved(batchId));
        require(!_isExpired(batch), ApprovalExpired(batchId, _expiresAt(batch)));
        require(batch.approver != msg.sender, ApproverIsPayer(msg.sender));
        require(_mayCall(batch.approver, this.approveBatch.selector), ApproverDismissed(batch.approver));
        // An empty multiproof of one sibling would "prove" any root.
        require(payouts.length != 0, EmptyBatch(batchId));

        (bytes32[] memory leaves, uint256 sum) = _markPaid(batchId, payouts);
        // Solady gives the same answers as OpenZeppelin for 300 gas a payout less: without it, 500 payouts to new
        // holders would not fit in one transaction.
        require(
            MerkleProofLib.verifyMultiProof(proof, batch.payoutRoot, leaves, proofFlags),
            WrongProof(batchId, batch.payoutRoot)
        );
        require(sum <= batch.total - batch.paid, AboveTotal(batchId, sum, batch.total - batch.paid));
        require(sum <= remainingToday(), AboveDailyCap(sum, remainingToday()));
        uint256 balance = usdc.balanceOf(address(this));
        require(sum <= balance, ShortBalance(sum, balance));
        require(!usdc.paused(), UsdcPaused());

        // forge-lint: disable-next-line(unsafe-typecast) fits: `sum` is at most `total`
        uint96 reserved = uint96(sum);
        uint96 paidToday = _paidToday() + reserved;
        batch.paid += reserved;
        _paidOnDay = paidToday;
        _day = _currentDay();

        uint96 failed = _payAll(batchId, payouts);
        if (failed != 0) {
            batch.paid -= failed;
            _paidOnDay = paidToday - failed;
        }
    }

    /// @notice Sends all USDC to the treasury. PAYER or GUARDIAN, also during a pause.
    function sweep() external nonReentrant restrictedOr(this.executeBatch.selector) {
        uint256 amount = usdc.balanceOf(address(this));
        address treasury_ = treasury;
        emit Swept(treasury_, amount);

        IERC20(usdc).safeTransfer(treasury_, amount);
    }

    /// @notice Sets the daily cap in USDC base units. CONFIG, delayed.
    function setDailyCap(uint96 dailyCap_) external restricted {
        _setDailyCap(dailyCap_);
    }

    /// @notice Lowers the daily cap, at once. GUARDIAN.
    function lowerDailyCap(uint96 dailyCap_) external restricted {
        require(dailyCap_ < dailyCap, NotLower(dailyCap_, dailyCap));
        _setDailyCap(dailyCap_);
    }

    /// @notice Sets what `fund` may fill this vault up to, in USDC base units. CONFIG, delayed.
    function setHotWalletMax(uint96 hotWalletMax_) external restricted {
        _setHotWalletMax(hotWalletMax_);
    }

    /// @notice Lowers what `fund` may fill this vault up to, at once. GUARDIAN.
    function lowerHotWalletMax(uint96 hotWalletMax_) external restricted {
        require(hotWalletMax_ < hotWalletMax, NotLower(hotWalletMax_, hotWalletMax));
        _setHotWalletMax(hotWalletMax_);
    }

    /// @inheritdoc IPaidPolicies
    function isPaid(uint256 policyNo) public view returns (bool) {
        return _isPaidHere(policyNo) || _isPaidBefore(policyNo);
    }

    /// @notice A batch as approved last: root, approver, total and paid (USDC base units), approval time (unix
    /// seconds, 0 if never approved), revoked.
    function batches(uint64 batchId) external view returns (Batch memory) {
        return _batches[batchId];
    }

    /// @notice What may still be paid today, in USDC base units.
    function remainingToday() public view returns (uint256) {
        uint96 paidToday = _paidToday();
        return dailyCap > paidToday ? dailyCap - paidToday : 0;
    }

    /// @notice The UTC date of this block as YYYYMMDD: the id of the batch that can be approved now.
    function today() public view returns (uint64) {
        return UtcDate.yyyymmdd(block.timestamp);
    }

    /// @dev Checks each payout and marks its policy paid. Any later revert takes the marks back; a transfer that fails
    /// clears its own.
    function _markPaid(uint64 batchId, Payout[] calldata payouts)
        private
        returns (bytes32[] memory leaves, uint256 sum)
    {
        leaves = new bytes32[](payouts.length);
        uint256 word = payouts[0].policyNo >> 8;
        uint256 bits = _paidPolicies[word];
        for (uint256 i = 0; i < payouts.length; ++i) {
            Payout calldata payout = payouts[i];
            uint256 policyNo = payout.policyNo;
            address recipient = payout.recipient;
            uint256 amount = payout.amount;
            require(payout.batchId == batchId, WrongBatch(policyNo, payout.batchId, batchId));
            require(amount != 0, ZeroAmount(policyNo));
            // A transfer to the vault itself would succeed and mark the policy paid with nothing paid.
            require(
                recipient != address(0) && recipient != address(this) && recipient != address(usdc),
                InvalidRecipient(policyNo, recipient)
            );
            // Neighbours share a word: it is written when the policies of the next one begin.
            if (policyNo >> 8 != word) {
                _paidPolicies[word] = bits;
                word = policyNo >> 8;
                bits = _paidPolicies[word];
            }
            require(bits & _mask(policyNo) == 0 && !_isPaidBefore(policyNo), AlreadyPaid(policyNo));

            bits |= _mask(policyNo);
            leaves[i] = _leaf(payout);
            sum += amount;
        }
        _paidPolicies[word] = bits;
    }

    function _payAll(uint64 batchId, Payout[] calldata payouts) private returns (uint96 failed) {
        for (uint256 i = 0; i < payouts.length; ++i) {
            Payout calldata payout = payouts[i];
            // forge-lint: disable-next-line(unsafe-typecast) fits: each amount is part of a sum below `total`
            uint96 amount = uint96(payout.amount);
            if (IERC20(usdc).trySafeTransfer(payout.recipient, amount)) {
                emit PayoutExecuted(batchId, payout.policyNo, payout.recipient, amount, payout.evidenceHash);
            } else {
                _paidPolicies[payout.policyNo >> 8] &= ~_mask(payout.policyNo);
                failed += amount;
                emit PayoutFailed(batchId, payout.policyNo, payout.recipient, amount, payout.evidenceHash);
            }
        }
    }

    /// @dev The leaf of OpenZeppelin's StandardMerkleTree: keccak256(keccak256(abi.encode(payout))). The struct lies
    /// in calldata as `abi.encode` would write it; hashing it there saves five copies and an allocation a payout.
    function _leaf(Payout calldata payout) private pure returns (bytes32 leaf) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, payout, 160)
            mstore(0x00, keccak256(free, 160))
            leaf := keccak256(0x00, 32)
        }
    }

    function _setDailyCap(uint96 dailyCap_) private {
        dailyCap = dailyCap_;
        emit DailyCapSet(dailyCap_);
    }

    function _setHotWalletMax(uint96 hotWalletMax_) private {
        hotWalletMax = hotWalletMax_;
        emit HotWalletMaxSet(hotWalletMax_);
    }

    function _isPaidHere(uint256 policyNo) private view returns (bool) {
        return _paidPolicies[policyNo >> 8] & _mask(policyNo) != 0;
    }

    function _isPaidBefore(uint256 policyNo) private view returns (bool) {
        return address(predecessor) != address(0) && predecessor.isPaid(policyNo);
    }

    function _mask(uint256 policyNo) private pure returns (uint256) {
        return 1 << (policyNo & 0xff);
    }

    function _paidToday() private view returns (uint96) {
        return _day == _currentDay() ? _paidOnDay : 0;
    }

    function _currentDay() private view returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast) fits for eleven million years
        return uint32(block.timestamp / 1 days);
    }

    function _expiresAt(Batch storage batch) private view returns (uint256) {
        return uint256(batch.approvedAt) + APPROVAL_VALIDITY;
    }

    function _isExpired(Batch storage batch) private view returns (bool) {
        return block.timestamp >= _expiresAt(batch);
    }

    /// @dev Whether `account` may call `selector` here directly and without delay.
    function _mayCall(address account, bytes4 selector) private view returns (bool immediate) {
        (immediate,) = IAccessManager(authority()).canCall(account, address(this), selector);
    }

    /// @dev USDC leaves by payout or sweep only.
    function _isStray(IERC20 token, uint256) internal view override returns (bool) {
        return address(token) != address(usdc);
    }
}
