/** Numbers for people. Times are µs since the epoch, and what is shown of them is local. */

export function duration(us: number): string {
  if (us < 10_000) return `${(us / 1000).toFixed(us < 1000 ? 2 : 1)} ms`
  if (us < 999_500) return `${Math.round(us / 1000)} ms`
  const seconds = us / 1_000_000
  if (seconds < 59.995) return `${seconds.toFixed(2)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`
}

export const count = (number: number): string => number.toLocaleString('en-US')

export const counted = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 999_950) return `${(bytes / 1000).toFixed(1)} kB`
  if (bytes < 999_950_000) return `${(bytes / 1_000_000).toFixed(1)} MB`
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`
}

export const dateOf = (us: number): string => {
  const date = new Date(us / 1000)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

export const timeOf = (us: number): string => {
  const date = new Date(us / 1000)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

const two = (number: number): string => String(number).padStart(2, '0')

const unitsMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }

/**
 * A moment as people write it: a duration back from now (`15m`, `2h`, `7d`), or an ISO date or time, which is local
 * unless it says otherwise. Undefined when it is neither.
 */
export const momentUs = (written: string, nowUs: number): number | undefined => writtenUs(written, nowUs, -1)

/** The same for what is to come: a duration goes on from now. */
export const futureUs = (written: string, nowUs: number): number | undefined => writtenUs(written, nowUs, 1)

function writtenUs(written: string, nowUs: number, direction: 1 | -1): number | undefined {
  const away = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(written)
  if (away) {
    const ms = Math.floor(nowUs / 1000) + direction * Number(away[1]) * unitsMs[away[2] as keyof typeof unitsMs]
    return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? Math.round(ms) * 1000 : undefined
  }
  if (!/^\d{4}-\d{2}-\d{2}(?:$|[T ]\d{2}:\d{2})/.test(written)) return undefined
  // JavaScript takes a date alone as UTC, and with a time as local.
  const ms = Date.parse(written.length === 10 ? `${written}T00:00` : written.replace(' ', 'T'))
  return Number.isNaN(ms) ? undefined : ms * 1000
}
