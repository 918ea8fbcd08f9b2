import type { Fields } from '../values.ts'
import { textOf } from '../values.ts'
import { manyOf, named } from './wire.ts'

/** How long a list of arguments may grow. */
const longest = 10_000

type Node = Record<string, unknown> | unknown[]

/**
 * Arguments that come value by value, each with its path, as Vertex streams them. Only strings come in pieces. Objects
 * here have no prototype, since the names in a path are the model's.
 */
export class PartialArguments {
  private readonly root: Record<string, unknown> = Object.create(null)
  private isEmpty = true

  add(written: unknown): void {
    for (const one of manyOf(written)) this.set(named(one))
  }

  text(): string {
    return this.isEmpty ? '' : JSON.stringify(this.root)
  }

  private set(argument: Fields): void {
    const path = typeof argument.jsonPath === 'string' ? steps(argument.jsonPath) : []
    const last = path.pop()
    if (last === undefined) return
    let at: Node = this.root
    for (const [index, step] of path.entries()) {
      const next: unknown = get(at, step)
      const isList = typeof (path[index + 1] ?? last) === 'number'
      const node: Node = typeof next === 'object' && next !== null ? (next as Node) : isList ? [] : Object.create(null)
      if (node !== next && !put(at, step, node)) return
      at = node
    }
    const before = get(at, last)
    const { stringValue, numberValue, boolValue } = argument
    const value =
      stringValue !== undefined
        ? `${typeof before === 'string' ? before : ''}${textOf(stringValue)}`
        : (numberValue ?? boolValue ?? null)
    if (put(at, last, value)) this.isEmpty = false
  }
}

const steps = (path: string): (string | number)[] =>
  [...path.matchAll(/\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]|\.?([^.[\]]+)/g)]
    .map(([, index, single, double, name]) => (index !== undefined ? Number(index) : (single ?? double ?? name ?? '')))
    .filter((step, index) => index > 0 || step !== '$')

const get = (node: Node, step: string | number): unknown => (node as Record<string | number, unknown>)[step]

function put(node: Node, step: string | number, value: unknown): boolean {
  if (Array.isArray(node) && (typeof step !== 'number' || step > Math.min(node.length, longest))) return false
  ;(node as Record<string | number, unknown>)[step] = value
  return true
}
