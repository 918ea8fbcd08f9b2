import { writeSync } from 'node:fs'

/** Writes to standard output and waits until it is taken: no thread that may wait for this serves a client. */
export function writeStdout(text: string): void {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes))
    } catch (thrown) {
      // A pipe whose reader is slow is tried again; one whose reader is gone takes no more.
      if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') return
    }
  }
}
