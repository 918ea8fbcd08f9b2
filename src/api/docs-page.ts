import { escaped, marked } from './html.ts'

/** The parts of the document that the page shows. It is our own, so only what it has is named here. */
interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly [string]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema: Schema
}

type Content = Readonly<Record<'application/json', { readonly schema: Schema; readonly example?: unknown }>>

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
}

interface Entry extends Operation {
  readonly path: string
  readonly method: string
}

/** The document as a page to read: plain HTML that loads nothing but its style, from here. */
export function docsPage(document: object): string {
  const { info, tags, paths, components } = document as Document
  const entries = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Entry => ({ path, method, ...operation })),
  )
  const groups = tags.map((tag) => ({ ...tag, entries: entries.filter((entry) => entry.tags[0] === tag.name) }))
  const schemas = Object.entries(components.schemas)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)} API</title>
<link rel="stylesheet" href="/api/docs.css">
</head>
<body>
<nav aria-label="Contents">
${groups.map(({ name, entries: all }) => `<strong>${escaped(name)}</strong><ul>${all.map(contentsLine).join('')}</ul>`).join('\n')}
<strong>Schemas</strong><ul>${schemas.map(([name]) => `<li>${schemaLink(name)}</li>`).join('')}</ul>
</nav>
<main>
<h1>${escaped(info.title)} API <small>${escaped(info.version)}</small></h1>
<p>${marked(info.description)}</p>
<p>The same for programs: <a href="/api/openapi.json">openapi.json</a>.</p>
${groups.map(({ name, description, entries: all }) => `<h2>${escaped(name)}</h2><p>${marked(description)}</p>${all.map(operationSection).join('\n')}`).join('\n')}
<h2>Schemas</h2>
${schemas.map(([name, schema]) => schemaSection(name, schema)).join('\n')}
</main>
</body>
</html>
`
}

const contentsLine = ({ operationId, summary }: Entry): string =>
  `<li><a href="#${escaped(operationId)}">${escaped(summary)}</a></li>`

function operationSection({
  path,
  method,
  operationId,
  summary,
  description,
  parameters,
  requestBody,
  responses,
}: Entry): string {
  return `<section id="${escaped(operationId)}">
<h3><a href="#${escaped(operationId)}">${escaped(summary)}</a></h3>
<p><code><span class="method">${escaped(method)}</span> ${escaped(path)}</code></p>
${description === undefined ? '' : `<p>${marked(description)}</p>`}
${parameters && parameters.length > 0 ? parameterTable(parameters) : ''}
${requestBody ? `<h4>Body</h4>${contentPart(requestBody.content)}` : ''}
<h4>Answers</h4>
${Object.entries(responses)
  .map(([status, { description: words, content }]) => {
    const isGood = status.startsWith('2')
    return `<p><code>${escaped(status)}</code> ${marked(words)}</p>${isGood && content ? contentPart(content) : ''}`
  })
  .join('\n')}
</section>`
}

const parameterTable = (parameters: readonly Parameter[]): string =>
  `<table><thead><tr><th>Parameter</th><th>Where</th><th>What</th></tr></thead><tbody>${parameters
    .map(
      ({ name, in: where, required, description, schema }) =>
        `<tr><td><code>${escaped(name)}</code>${needed(required)}</td><td>${escaped(where)}</td><td>${typeOf(schema)}${words(description ?? schema.description)}</td></tr>`,
    )
    .join('')}</tbody></table>`

function contentPart(content: Content): string {
  const { schema, example } = content['application/json']
  const shape = schema.properties ? propertyTable(schema) : `<p>${typeOf(schema)}</p>`
  return `${shape}${example === undefined ? '' : `<pre>${escaped(JSON.stringify(example, null, 2))}</pre>`}`
}

const schemaSection = (name: string, schema: Schema): string =>
  `<section id="schema-${escaped(name)}"><h3>${schemaLink(name)}</h3>${schema.description === undefined ? '' : `<p>${marked(schema.description)}</p>`}${
    schema.properties ? propertyTable(schema) : `<p>${typeOf(schema)}</p>`
  }</section>`

const propertyTable = (schema: Schema): string =>
  `<table><thead><tr><th>Field</th><th>What</th></tr></thead><tbody>${rowsOf(schema).join('')}</tbody></table>`

/** The fields of an object, and below each those that it has in turn. */
const rowsOf = ({ properties = {}, required = [] }: Schema, above = ''): readonly string[] =>
  Object.entries(properties).flatMap(([name, schema]) => {
    const inner = schema.items ?? schema
    const place = `${above}${name}`
    return [
      `<tr><td><code>${escaped(place)}</code>${needed(required.includes(name))}</td><td>${typeOf(schema)}${words(schema.description)}</td></tr>`,
      ...rowsOf(inner, `${place}${schema.items ? '[].' : '.'}`),
    ]
  })

const needed = (required: boolean | undefined): string => (required ? ' <span class="needed">needed</span>' : '')

const words = (text: string | undefined): string => (text === undefined ? '' : `<br>${marked(text)}`)

/** The type of a value, in words. */
function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schemaLink(schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1))
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ')
  if (schema.enum) return schema.enum.map((value) => `<code>${escaped(String(value))}</code>`).join(', ')
  if (schema.items) return `list of ${typeOf(schema.items)}`
  if (typeof schema.additionalProperties === 'object') return `map of ${typeOf(schema.additionalProperties)}`
  const type = [schema.type ?? 'anything'].flat().join(' or ')
  const { minimum, maximum, maxLength } = schema
  const bounds = [
    ...(minimum !== undefined ? [`from ${minimum}`] : []),
    ...(maximum !== undefined ? [`to ${maximum}`] : []),
    ...(maxLength !== undefined ? [`at most ${maxLength} characters`] : []),
  ]
  return escaped([type, ...bounds].join(' '))
}

const schemaLink = (name: string): string => `<a href="#schema-${escaped(name)}">${escaped(name)}</a>`
