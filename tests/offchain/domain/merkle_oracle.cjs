// The oracle of test_merkle.py: what @openzeppelin/merkle-tree makes of {payouts, standard, cases}.
// Every case is a tree over the first `size` payouts. Encoding a leaf takes this library a millisecond, so
// each payout's leaf is hashed once and the trees of all sizes are its SimpleMerkleTree over those hashes
// (same sorting, layout, proofs and multiproofs); the sizes in `standard` are built as StandardMerkleTree.
const fs = require('fs');
const { SimpleMerkleTree, StandardMerkleTree } = require('@openzeppelin/merkle-tree');

const TYPES = ['uint256', 'uint256', 'address', 'uint256', 'bytes32'];
const { payouts, standard, cases } = JSON.parse(fs.readFileSync(0, 'utf8'));
const whole = StandardMerkleTree.of(payouts, TYPES);
const leaves = payouts.map(payout => whole.leafHash(payout));
const place = new Map(leaves.map((leaf, index) => [leaf, index]));

function answer(tree, indexOf, { proofs, sets }) {
  return {
    root: tree.root,
    proofs: proofs.map(index => tree.getProof(index)),
    multiproofs: sets.map(set => {
      const made = tree.getMultiProof(set);
      return { indices: made.leaves.map(indexOf), proof: made.proof, flags: made.proofFlags };
    }),
  };
}

const answers = {
  leaves,
  simple: cases.map(each =>
    answer(SimpleMerkleTree.of(leaves.slice(0, each.size)), leaf => place.get(leaf), each),
  ),
  standard: standard.map(size =>
    answer(StandardMerkleTree.of(payouts.slice(0, size), TYPES), payout => Number(payout[1]) - 1, cases[size - 1]),
  ),
};
fs.writeFileSync(1, JSON.stringify(answers));
