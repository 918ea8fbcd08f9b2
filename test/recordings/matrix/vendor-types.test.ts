/**
 * Every recorded request, translated for every provider, is a value of the type that the vendor's own SDK has for it. The
 * values are written as literals into a file that the compiler reads, so that a field which the type does not have is
 * found too.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../../src/core/error.ts'
import { index, noRecordings, recordingsFolder } from '../../support/recordings.ts'
import { type Chat, chatOf, dialectOf } from './formats.ts'
import { isObj } from './oracle/tree.ts'
import { abilitiesOf, type Target, targets } from './request-across.ts'

const root = resolve(import.meta.dirname, '../../..')
const sdks = resolve(root, 'test/clients/node_modules')
const folder = resolve(root, '.test-results/vendor-types')
const missing =
  recordingsFolder() === undefined
    ? noRecordings
    : existsSync(resolve(sdks, 'openai'))
      ? undefined
      : `the vendors' SDKs are not installed in ${sdks} (npm run setup installs them)`

/** The type of what is sent, in the words of each vendor's SDK. */
const types: Readonly<Record<Target, string>> = {
  'openai-chat': `import type OpenAI from 'openai'
type Request = OpenAI.Chat.Completions.ChatCompletionCreateParams`,
  'openai-responses': `import type OpenAI from 'openai'
type Request = OpenAI.Responses.ResponseCreateParams`,
  'anthropic-messages': `import type Anthropic from '@anthropic-ai/sdk'
// The SDK has the version that took these away; requests name the one before.
type Request = Anthropic.Messages.MessageCreateParams & { temperature?: number; top_p?: number; top_k?: number }`,
  // The SDK has names for enums and puts the settings of a request into one object: the wire has neither.
  gemini: `import type * as G from '@google/genai'
${wire('')}
type Request = Wire<{
  contents: G.Content[]
  systemInstruction?: G.Content
  tools?: G.Tool[]
  toolConfig?: G.ToolConfig
  generationConfig?: G.GenerationConfig
  safetySettings?: G.SafetySetting[]
  cachedContent?: string
  labels?: Record<string, string>
  serviceTier?: string
}>`,
  // The SDK has bytes where the wire has base64, and the model in the address.
  'bedrock-converse': `import type { ConverseCommandInput } from '@aws-sdk/client-bedrock-runtime'
${wire('T extends Uint8Array ? string : ')}
type Request = Wire<Omit<ConverseCommandInput, 'modelId'>>`,
}

function wire(first: string): string {
  return `type Wire<T> = ${first}T extends string ? \`\${T}\` : T extends readonly (infer U)[] ? Wire<U>[] : T extends object ? { [K in keyof T]: Wire<T[K]> } : T`
}

if (missing !== undefined) test.skip(`requests as the vendors' SDKs have them: ${missing}`, () => undefined)

describe.skipIf(missing !== undefined)("requests as the vendors' SDKs have them", () => {
  test('every translated request is of its type', { timeout: 120_000 }, () => {
    mkdirSync(folder, { recursive: true })
    const places = new Map<string, string>()
    for (const target of targets) write(target, places)
    expect(compiled(places)).toEqual([])
  })
})

/** One literal a line, so that the line of an error says whose request it is. */
function write(target: Target, places: Map<string, string>): void {
  const lines: string[] = []
  const head = `${types[target]}\nexport const requests: readonly Request[] = [`
  const offset = head.split('\n').length + 1
  const seen = new Set<string>()
  for (const { id } of index()) {
    const chat = chatOf(id)
    const literal = typeof chat === 'string' ? undefined : translated(chat, target)
    if (literal === undefined || seen.has(literal)) continue
    seen.add(literal)
    places.set(`${target}.ts:${offset + lines.length}`, id)
    lines.push(`${literal},`)
  }
  writeFileSync(resolve(folder, `${target}.ts`), `${head}\n${lines.join('\n')}\n]\n`)
}

function translated({ exchange, speaker, dialect }: Chat, target: Target): string | undefined {
  const body = exchange.request.body
  const to = dialectOf(target)
  if (body === null || dialect === target || exchange.response.status >= 400) return undefined
  try {
    const request = speaker.decodeRequest(body, { model: exchange.model ?? '', stream: exchange.streaming })
    return JSON.stringify(shortened(to.encodeRequest(request, abilitiesOf(target)).body))
  } catch (thrown) {
    // What is refused is not sent; whether it should be is asked elsewhere.
    if (thrown instanceof GatewayError) return undefined
    throw thrown
  }
}

/** Long texts say nothing about the form; what is a word of the wire is short. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 40 || value.includes(' ') ? 'a text' : value
  if (Array.isArray(value)) return value.map(shortened)
  if (!isObj(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortened(member)]))
}

function compiled(places: ReadonlyMap<string, string>): readonly string[] {
  const path = (name: string) => [`./${relative(folder, resolve(sdks, name))}`]
  const config = {
    compilerOptions: {
      target: 'es2024',
      lib: ['es2024', 'dom'],
      module: 'preserve',
      moduleResolution: 'bundler',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      paths: Object.fromEntries(
        ['openai', '@anthropic-ai/sdk', '@google/genai', '@aws-sdk/client-bedrock-runtime'].map((name) => [
          name,
          path(name),
        ]),
      ),
    },
    files: targets.map((target) => `${target}.ts`),
  }
  writeFileSync(resolve(folder, 'tsconfig.json'), JSON.stringify(config))
  try {
    execFileSync(
      process.execPath,
      [resolve(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'],
      { cwd: folder },
    )
    return []
  } catch (thrown) {
    const { stdout } = thrown as { stdout: Buffer }
    return stdout
      .toString()
      .split('\n')
      .filter((line) => /error TS/.test(line))
      .map((line) => {
        const [, file, at, message] = /^(.*?)\((\d+),\d+\): (.*)$/.exec(line) ?? []
        return `${places.get(`${file}:${at}`) ?? ''} ${file}: ${(message ?? line).slice(0, 300)}`
      })
  }
}
