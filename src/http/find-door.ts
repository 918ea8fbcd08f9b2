import { GatewayError } from '../core/error.ts'
import type { Door } from './exchange.ts'
import { checkPath } from './guard.ts'

/** What a door may be asked that looks at the method itself. OPTIONS is for pages of others, and TRACE says everything back. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

/**
 * Finds the door by its path as it is written, and by the method. Who may pass is decided at the one that is found. `hint`
 * is for somebody who asks at the wrong path: what they were probably looking for.
 */
export function doorFinder(doors: readonly Door[], hint: string): (method: string, path: string) => Door {
  const exact = new Map<string, Door[]>()
  for (const door of doors) exact.set(door.path, [...(exact.get(door.path) ?? []), door])
  const prefixes = doors.filter((door) => door.prefix)
  return (method, path) => {
    const here = exact.get(path) ?? prefixes.filter((door) => path.startsWith(door.path))
    if (here.length === 0) {
      throw new GatewayError('unknown_url', `There is nothing at ${path.slice(0, 200)}. ${hint}`.trimEnd())
    }
    if (here[0]?.prefix) checkPath(path)
    const wanted = method === 'HEAD' ? 'GET' : method
    const door = here.find(
      (candidate) => candidate.method === wanted || (candidate.method === '*' && methods.has(method)),
    )
    if (door) return door
    const each = here.flatMap((candidate) => (candidate.method === '*' ? [...methods] : candidate.method))
    const allowed = [...new Set(each)].join(', ')
    throw new GatewayError('method_not_allowed', `${path.slice(0, 200)} takes ${allowed}, not ${method}.`, {
      headers: { allow: allowed },
    })
  }
}
