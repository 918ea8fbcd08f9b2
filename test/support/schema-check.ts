import type { Route } from '../../src/api/route.ts'

type Json = Readonly<Record<string, unknown>>

/** Every object in a document, with its place. */
export function* objectsIn(value: unknown, place = '#'): Generator<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [place, value as Json]
  for (const [key, inner] of Object.entries(value)) yield* objectsIn(inner, `${place}/${key}`)
}

/** What a `$ref` means. */
export function resolved(document: object, ref: string): unknown {
  let here: unknown = document
  for (const step of ref.replace(/^#\//, '').split('/')) here = (here as Json | undefined)?.[step]
  return here
}

const methods = ['get', 'post', 'patch', 'delete']
const types = ['string', 'integer', 'number', 'boolean', 'object', 'array', 'null']

/** What is wrong with a document, as far as OpenAPI 3.1 says; one line each. */
export function problemsOf(document: object): readonly string[] {
  const problems: string[] = []
  const say = (place: string, problem: string): void => void problems.push(`${place}: ${problem}`)
  const { openapi, info, paths, components, tags, ...rest } = document as Record<string, Json | undefined>
  if (String(openapi) !== '3.1.0') say('#/openapi', 'is not 3.1.0')
  if (typeof info?.title !== 'string' || typeof info.version !== 'string') say('#/info', 'lacks title or version')
  if (Object.keys(rest).length > 0) say('#', `has ${Object.keys(rest)}`)
  const known = new Set((tags as unknown as readonly { name: string }[]).map(({ name }) => name))
  const ids = new Set<string>()
  for (const [path, item] of Object.entries(paths ?? {})) {
    for (const [method, written] of Object.entries(item as Json)) {
      const operation = written as Record<string, unknown>
      const place = `${method} ${path}`
      if (!methods.includes(method)) say(place, 'is no method')
      const id = operation.operationId
      if (typeof id !== 'string' || ids.has(id)) say(place, 'has no operationId of its own')
      ids.add(String(id))
      if (typeof operation.summary !== 'string') say(place, 'has no summary')
      for (const tag of (operation.tags ?? []) as readonly string[])
        if (!known.has(tag)) say(place, `has the tag ${tag}`)
      const parameters = (operation.parameters ?? []) as readonly {
        name: string
        in: string
        required?: boolean
        schema?: Json
      }[]
      const inPath = parameters.filter((one) => one.in === 'path').map(({ name }) => name)
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      if (inPath.toSorted().join() !== named.toSorted().join())
        say(place, `has ${named} in its path and says ${inPath}`)
      for (const { name, in: where, required, schema } of parameters) {
        if (!['path', 'query', 'header'].includes(where)) say(place, `has ${name} in ${where}`)
        if (where === 'path' && required !== true) say(place, `does not need ${name}`)
        if (!schema) say(place, `says nothing of ${name}`)
      }
      for (const [status, answer] of Object.entries((operation.responses ?? {}) as Record<string, Json>)) {
        if (!/^[2-5]\d\d$/.test(status)) say(place, `answers ${status}`)
        if (typeof answer.description !== 'string') say(place, `does not describe ${status}`)
        if (status === '204' && answer.content) say(place, 'has a body in a 204')
      }
    }
  }
  for (const [place, object] of objectsIn(document)) {
    if (typeof object.$ref === 'string' && typeof resolved(document, object.$ref) !== 'object')
      say(place, `${object.$ref} is nowhere`)
    if (/\/(example|examples|default)(\/|$)/.test(place) || /\/properties$/.test(place)) continue
    const type = object.type
    if (
      type !== undefined &&
      !place.includes('securitySchemes') &&
      ![type].flat().every((one) => types.includes(String(one)))
    )
      say(place, `has the type ${type}`)
    if (Array.isArray(object.required)) {
      const properties = Object.keys((object.properties ?? {}) as object)
      for (const name of object.required)
        if (!properties.includes(String(name))) say(place, `needs ${name}, which it does not have`)
    }
  }
  if (typeof components?.schemas !== 'object') say('#/components', 'has no schemas')
  return problems
}

/** An operation of the document as its route has it. */
export const operationOf = (document: object, { method, path }: Pick<Route, 'method' | 'path'>): Json =>
  (document as { paths: Record<string, Record<string, Json>> }).paths[path]?.[method] as Json
