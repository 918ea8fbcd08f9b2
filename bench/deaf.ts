/**
 * A port that nobody tends, as a process of its own: `node bench/deaf.ts` prints `{"port": …}` and never accepts a
 * connection. The system takes a few for it, and lets all others wait.
 */
import { createServer } from 'node:net'
import { announce } from './children.ts'

const parent = process.ppid
const server = createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  announce(server)
  // The loop does not turn again, so nothing is accepted and the end of stdin is not seen.
  const never = new Int32Array(new SharedArrayBuffer(4))
  while (process.ppid === parent) Atomics.wait(never, 0, 0, 500)
  process.exit()
})
