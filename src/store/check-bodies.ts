import type { DatabaseSync } from 'node:sqlite'
import type { BodyAddress } from './schema.ts'

export interface Orphans {
  /** How many spans name a block that is not there. */
  readonly missing: number
  /** Blocks that no span names. */
  readonly unused: { readonly blocks: number; readonly bytes: number }
}

/** Compares the bodies that spans name with the blocks that are there. Bodies are not read for it. */
export function orphanedBodies(database: DatabaseSync): Orphans {
  const sizes = new Map<number, number>()
  for (const { id, bytes } of database.prepare('select id, length(data) as bytes from blocks').iterate()) {
    sizes.set(Number(id), Number(bytes))
  }
  const used = new Set<number>()
  let missing = 0
  for (const { bodies } of database.prepare('select bodies from spans where bodies is not null').iterate()) {
    const named = blocksIn(String(bodies))
    if (named.some((block) => !sizes.has(block))) missing++
    for (const block of named) used.add(block)
  }
  const unused = [...sizes].filter(([block]) => !used.has(block))
  return {
    missing,
    unused: { blocks: unused.length, bytes: unused.reduce((sum, [, bytes]) => sum + bytes, 0) },
  }
}

const blocksIn = (bodies: string): number[] =>
  Object.values(JSON.parse(bodies) as Record<string, BodyAddress>).flatMap(({ block, rest = [] }) => [
    block,
    ...rest.map((part) => part.block),
  ])
