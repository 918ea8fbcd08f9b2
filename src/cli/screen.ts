import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** Where something is drawn: how wide it is, and whether it has colours. */
export interface Screen {
  /** Absent when nobody looks, as in a pipe: then nothing has to be cut. */
  readonly columns?: number
  readonly paint: (style: Style, text: string) => string
}

/** The terminal, as wide as it is or as COLUMNS says. Colours respect NO_COLOR and whether it is a terminal at all. */
export function terminal(): Screen {
  const columns = process.stdout.columns || Number(process.env['COLUMNS'])
  return {
    ...(columns > 0 && { columns }),
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  }
}

/** Whoever reads may stop reading, as `head` does; that is no error. */
export function print(lines: readonly string[]): void {
  if (process.stdout.listenerCount('error', endQuietly) === 0) process.stdout.on('error', endQuietly)
  process.stdout.write(`${lines.join('\n')}\n`)
}

function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
