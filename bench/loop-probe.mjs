// Loaded into a gateway by NODE_OPTIONS=--import: the delay of the gateway thread's event loop, to a file on SIGUSR2, and
// afresh from then on. Not TypeScript, since Node's type stripper would add to the memory that is measured.
import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

const resolution = 1

// Workers inherit NODE_OPTIONS; they may wait as they like.
if (isMainThread && process.env.BENCH_LOOP_FILE) {
  const delay = monitorEventLoopDelay({ resolution })
  // What it records is the time between two of its ticks, which are `resolution` ms apart when nothing is in the way.
  const ms = (ns) => Math.max(0, ns / 1e6 - resolution)
  delay.enable()
  process.on('SIGUSR2', () => {
    const reading = { p50Ms: ms(delay.percentile(50)), p99Ms: ms(delay.percentile(99)), maxMs: ms(delay.max) }
    delay.reset()
    writeFileSync(process.env.BENCH_LOOP_FILE, JSON.stringify(reading))
  })
}
