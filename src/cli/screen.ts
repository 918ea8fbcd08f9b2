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
  const columns = process.stdout.columns || Number(process.env.COLUMNS)
  return {
    ...(columns > 0 && { columns }),
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  }
}

export const print = (lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`)

/** Whoever reads may stop reading, as `head` does: that is no error. That there is no room for the output is one. */
export function endWithOutput(): void {
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(0)
    process.stderr.write(`The output cannot be written: ${message}\n`)
    process.exit(1)
  })
}
