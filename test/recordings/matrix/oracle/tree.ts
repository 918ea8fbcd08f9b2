/** JSON of which nothing is known yet, and ways to look into it that never fail. */

export type Tree = { readonly [key: string]: unknown }

export const obj = (value: unknown): Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {}

export const isObj = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const list = (value: unknown): readonly Tree[] => (Array.isArray(value) ? value.map(obj) : [])

export const str = (value: unknown): string => (typeof value === 'string' ? value : '')

export const num = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** What the arguments of a call mean, however they are written; text that is no JSON stands for itself. */
export function meaning(args: unknown): unknown {
  if (typeof args !== 'string') return args ?? {}
  try {
    return args.trim() === '' ? {} : JSON.parse(args)
  } catch {
    return args
  }
}
