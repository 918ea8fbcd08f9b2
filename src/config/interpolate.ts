import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Refusal } from './error.ts'
import type { Environment } from './setting.ts'

/** A secret is small. What is not was named by mistake. */
const mostBytes = 64 * 1024

/** `$${` stands for itself without its first sign; an opening that nothing closes is a mistake. */
const openings = /\$\$\{|\$\{(?:([^{}]*)\})?/g

export const hasTemplate = (text: string): boolean => text.includes('${')

export interface Interpolation {
  readonly environment: Environment
  /** The folder that relative paths start from. */
  readonly folder: string
  /** Told of each file before it is read, there or not. */
  readonly onFile: (path: string) => void
}

/** Puts in what `${NAME}` and `${file:path}` stand for. No message has any of it. */
export function interpolated(text: string, { environment, folder, onFile }: Interpolation): string {
  return text.replace(openings, (found, inside: string | undefined) => {
    if (found === '$${') return '${'
    if (inside?.startsWith('file:')) {
      const path = resolve(folder, inside.slice('file:'.length))
      onFile(path)
      return contentOf(path)
    }
    if (inside === undefined || !/^[A-Za-z_]\w*$/.test(inside)) {
      throw new Refusal(
        `has a \${ that is neither \${NAME} nor \${file:path}; $\${ stands for a \${ that is meant as it is`,
      )
    }
    const value = environment[inside]
    if (value === undefined) throw new Refusal(`has \${${inside}}, but the environment variable ${inside} is not set`)
    return value
  })
}

function contentOf(path: string): string {
  let bytes: Buffer | undefined
  try {
    // Anything but a file may have no end, or wait for somebody who writes.
    if (!statSync(path).isFile()) throw new Error('it is not a file')
    bytes = readFileSync(path)
  } catch (cause) {
    throw new Refusal(`has \${file:${path}}, which cannot be read: ${(cause as Error).message}`)
  }
  if (bytes.length > mostBytes) {
    throw new Refusal(`has \${file:${path}}, which is larger than the ${mostBytes} bytes that a value may have`)
  }
  return bytes.toString('utf8').replace(/\r?\n$/, '')
}
