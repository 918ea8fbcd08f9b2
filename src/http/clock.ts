import type { Clock } from '../core/clock.ts'

const driftUs = 5_000

/**
 * The wall clock at the precision of the monotonic one. The two part when a machine sleeps or its clock is set: then
 * the wall clock is right.
 */
export function systemClock(): Clock {
  let offset = performance.timeOrigin
  return () => {
    const now = Math.round((offset + performance.now()) * 1000)
    const wall = Date.now() * 1000
    if (Math.abs(wall - now) <= driftUs) return now
    offset += (wall - now) / 1000
    return wall
  }
}
