import { isObj } from './oracle/tree.ts'

/** Where two values differ, as JSON: members in any order, and one that is `undefined` is none. */
export function differences(ours: unknown, theirs: unknown, path = '', found: string[] = []): string[] {
  if (found.length >= 6 || Object.is(ours, theirs)) return found
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    for (let place = 0; place < Math.max(ours.length, theirs.length); place++)
      differences(ours[place], theirs[place], `${path}[${place}]`, found)
    return found
  }
  if (isObj(ours) && isObj(theirs)) {
    for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)]))
      differences(ours[name], theirs[name], path ? `${path}.${name}` : name, found)
    return found
  }
  // -0 and 0 are one number in JSON.
  if (ours === theirs) return found
  found.push(`${path || 'the whole'}: ${shown(ours)}, not ${shown(theirs)}`)
  return found
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 90 ? `${text.slice(0, 60)}…${text.slice(-25)}` : text
}
