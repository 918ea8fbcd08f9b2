/**
 * What Node is started with. By its own rule V8 lets the youngest generation grow to 64 MB on a large machine, which is
 * most of what Trunkline would use, and for no gain: nearly all that a call allocates is dead before 8 MB are full.
 */
export const nodeFlags = ['--max-semi-space-size=8']
