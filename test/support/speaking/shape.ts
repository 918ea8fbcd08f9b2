/** What is wrong with a request, and where: the first thing that its vendor would complain of. */
export interface Flaw {
  readonly path: string
  readonly kind: 'missing' | 'unknown' | 'wrong'
  readonly says: string
}

/** What a value has to look like; undefined when it does. */
export type Shape = (value: unknown, path: string) => Flaw | undefined

type Fields = Readonly<Record<string, Shape>>

const wrong = (path: string, says: string): Flaw => ({ path, kind: 'wrong', says })
const at = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const text: Shape = (value, path) => (typeof value === 'string' ? undefined : wrong(path, 'has to be a string'))
export const truth: Shape = (value, path) =>
  typeof value === 'boolean' ? undefined : wrong(path, 'has to be a boolean')
export const anything: Shape = () => undefined
export const object: Shape = (value, path) => (isObject(value) ? undefined : wrong(path, 'has to be an object'))
export const nothing: Shape = (value, path) => (value === null ? undefined : wrong(path, 'has to be null'))

/** A text with something in it besides blanks. */
export const words: Shape = (value, path) =>
  typeof value === 'string' && value.trim() !== '' ? undefined : wrong(path, 'must not be blank')

export const number =
  (least: number, most: number): Shape =>
  (value, path) =>
    typeof value === 'number' && value >= least && value <= most
      ? undefined
      : wrong(path, `has to be a number from ${least} to ${most}`)

export const like =
  (pattern: RegExp): Shape =>
  (value, path) =>
    typeof value === 'string' && pattern.test(value) ? undefined : wrong(path, `has to be like ${pattern.source}`)

export const oneOf =
  (...values: readonly unknown[]): Shape =>
  (value, path) =>
    values.includes(value) ? undefined : wrong(path, `has to be one of ${values.join(', ')}`)

export const base64: Shape = (value, path) =>
  typeof value === 'string' && value.length > 0 && Buffer.from(value, 'base64').toString('base64') === value
    ? undefined
    : wrong(path, 'has to be base64')

export const list =
  (of: Shape, least = 0, most = Number.POSITIVE_INFINITY): Shape =>
  (value, path) => {
    if (!Array.isArray(value)) return wrong(path, 'has to be an array')
    if (value.length < least || value.length > most) return wrong(path, `has the wrong length, ${value.length}`)
    return first(value.map((item, index) => of(item, `${path}[${index}]`)))
  }

/** The first shape that fits; if none does, the complaint of the one that got furthest. */
export const either =
  (...shapes: readonly Shape[]): Shape =>
  (value, path) => {
    const flaws: Flaw[] = []
    for (const shape of shapes) {
      const flaw = shape(value, path)
      if (!flaw) return undefined
      flaws.push(flaw)
    }
    return flaws.toSorted((a, b) => b.path.length - a.path.length)[0]
  }

/** An object with these fields and no others. */
export const fields =
  (required: Fields, optional: Fields = {}): Shape =>
  (value, path) => {
    if (!isObject(value)) return wrong(path, 'has to be an object')
    const missing = Object.keys(required).find((name) => value[name] === undefined)
    if (missing !== undefined) return { path: at(path, missing), kind: 'missing', says: 'is required' }
    return first(
      Object.entries(value).map(([name, item]) => {
        const shape = Object.hasOwn(required, name) ? required[name] : optional[name]
        return shape ? shape(item, at(path, name)) : { path: at(path, name), kind: 'unknown', says: 'is not known' }
      }),
    )
  }

/** An object whose field `tag` says which of these shapes it has. */
export const tagged =
  (tag: string, shapes: Fields): Shape =>
  (value, path) => {
    if (!isObject(value)) return wrong(path, 'has to be an object')
    const shape = Object.hasOwn(shapes, String(value[tag])) ? shapes[String(value[tag])] : undefined
    return shape ? shape(value, path) : wrong(at(path, tag), `has to be one of ${Object.keys(shapes).join(', ')}`)
  }

/** An object with exactly one of these fields, and perhaps with what may stand beside any of them. */
export const union =
  (shapes: Fields, beside: Fields = {}): Shape =>
  (value, path) => {
    if (!isObject(value)) return wrong(path, 'has to be an object')
    const set = Object.keys(value).filter((name) => Object.hasOwn(shapes, name))
    return set.length === 1
      ? fields({}, { ...shapes, ...beside })(value, path)
      : wrong(
          path,
          `has to have exactly one of ${Object.keys(shapes).join(', ')}, not ${Object.keys(value).join(', ') || 'none'}`,
        )
  }

/** A shape that contains itself. */
export const later =
  (shape: () => Shape): Shape =>
  (value, path) =>
    shape()(value, path)

const first = (flaws: readonly (Flaw | undefined)[]): Flaw | undefined => flaws.find((flaw) => flaw !== undefined)

/** A JSON Schema that can stand for a tool's arguments. */
export const objectSchema: Shape = (value, path) =>
  isObject(value) && value.type === 'object' ? undefined : wrong(path, 'has to be a schema of type object')
