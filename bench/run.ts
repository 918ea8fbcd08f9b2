/** What the three benches share as programs: flags, an end that leaves nothing behind, and files of results. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ParseArgsConfig, parseArgs } from 'node:util'

export interface Machine {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly loadBefore: number
}

export function machineNow(): Machine {
  const [{ model } = { model: 'unknown' }] = cpus()
  return { node: process.version, cpu: model, cores: cpus().length, loadBefore: loadavg()[0] ?? 0 }
}

export const machineLine = ({ node, cores, cpu, loadBefore }: Machine): string =>
  `Node ${node}, ${cores} × ${cpu}, load before: ${loadBefore.toFixed(2)}`

export function readFlags<const T extends NonNullable<ParseArgsConfig['options']>>(options: T) {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return refuse((error as Error).message)
  }
}

export function oneOf<const T extends string>(flag: string, given: readonly string[] | undefined, known: readonly T[]) {
  const unknown = given?.find((name) => !(known as readonly string[]).includes(name))
  if (unknown !== undefined) refuse(`${flag} ${unknown}: it is one of ${known.join(', ')}.`)
  return (name: T): boolean => given?.includes(name) ?? true
}

export function positive(flag: string, text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise)
  return Number.isInteger(value) && value > 0 ? value : refuse(`${flag} ${text}: it is a whole number above 0.`)
}

export function built(main: string): string {
  if (existsSync(main)) return main
  return refuse(`There is no ${main}. Run npm run build in that checkout first.`)
}

export function refuse(reason: string): never {
  console.error(reason)
  process.exit(2)
}

/** By `exit`, so that the children and the temporary folders go too. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))
}

/** Keeps a run in `results/`, and says where. */
export function save(kind: string, at: string, results: object): string {
  const folder = fileURLToPath(new URL('results/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const path = resolve(folder, `${kind}${at.replaceAll(':', '-')}.json`)
  writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`)
  return path
}
