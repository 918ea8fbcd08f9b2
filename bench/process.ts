/** What a process uses, seen from outside. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Linux counts in USER_HZ, which is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100

const hasProc = process.platform === 'linux'

/** User and system time of all threads, the ended ones too. */
export function cpuSeconds(pid: number): number {
  if (!hasProc) return clock(execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }))
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in the second field may contain blanks and brackets; what follows its last bracket is regular.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** `[[dd-]hh:]mm:ss[.cc]`, as ps prints it. */
function clock(text: string): number {
  const [days, time] = text.includes('-') ? (text.trim().split('-') as [string, string]) : ['0', text.trim()]
  return Number(days) * 86_400 + time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
}

export interface Memory {
  readonly nowMb: number
  /** The most that it ever had; the same as now where the system does not say. */
  readonly peakMb: number
}

export function memory(pid: number): Memory {
  if (!hasProc) {
    const nowMb = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
    return { nowMb, peakMb: nowMb }
  }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024
  return { nowMb: field('VmRSS'), peakMb: field('VmHWM') }
}

/**
 * Waits until a process has used no time for 300 ms: what it put off (compressing, writing) belongs to the calls that
 * caused it. Answers false if it was still busy after `patienceMs`.
 */
export async function quiet(pid: number, patienceMs = 8_000): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  for (let before = cpuSeconds(pid); performance.now() < deadline; ) {
    await sleep(300)
    const now = cpuSeconds(pid)
    if (now === before) return true
    before = now
  }
  return false
}
