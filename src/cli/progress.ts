import type { WriteStream } from 'node:tty'
import { clip } from './text.ts'

/** A line that says what is being done and goes when it is done. Nobody sees it but a person at a terminal. */
export interface Progress {
  say(text: string): void
  end(): void
}

export function progress(stream: Pick<WriteStream, 'isTTY' | 'columns' | 'write'> = process.stderr): Progress {
  if (!stream.isTTY) return { say() {}, end() {} }
  let last = ''
  const draw = (text: string): void => {
    if (text === last) return
    last = text
    stream.write(`\r\x1b[2K${clip(text, (stream.columns || 80) - 1)}`)
  }
  return { say: draw, end: () => draw('') }
}
