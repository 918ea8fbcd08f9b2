/** The time in µs since the epoch. Handed in, so that a test can move it. */
export type Clock = () => number
