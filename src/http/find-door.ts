import { GatewayError } from '../core/error.ts'
import type { Door } from './exchange.ts'
import { checkPath } from './guard.ts'

/** What somebody who asks at the wrong path was probably looking for. */
const chats =
  'Chats are at POST /v1/chat/completions, /v1/responses, /v1/messages and /gemini/v1beta/models/{model}:generateContent.'

/** What a door may be asked that looks at the method itself. OPTIONS is for pages of others, and TRACE says everything back. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Finds the door by its path as it is written, and by the method. Who may pass is decided at the one that is found. */
export function doorFinder(doors: readonly Door[]): (method: string, path: string) => Door {
  const exact = new Map<string, Door[]>()
  for (const door of doors) exact.set(door.path, [...(exact.get(door.path) ?? []), door])
  const prefixes = doors.filter((door) => door.prefix)
  return (method, path) => {
    const here = exact.get(path) ?? prefixes.filter((door) => path.startsWith(door.path))
    if (here.length === 0) {
      throw new GatewayError('unknown_url', `There is nothing at ${path.slice(0, 200)}. ${chats}`)
    }
    if (here[0]?.prefix) checkPath(path)
    const wanted = method === 'HEAD' ? 'GET' : method
    const door = here.find(
      (candidate) => candidate.method === wanted || (candidate.method === '*' && methods.has(method)),
    )
    if (door) return door
    const allowed = here.flatMap((candidate) => (candidate.method === '*' ? [...methods] : candidate.method)).join(', ')
    throw new GatewayError('method_not_allowed', `${path.slice(0, 200)} takes ${allowed}, not ${method}.`, {
      headers: { allow: allowed },
    })
  }
}
