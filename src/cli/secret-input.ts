import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { FieldAnswer } from './api-types.ts'
import { CliError } from './command.ts'
import { plain, plainLine } from './text.ts'

/** Where a secret is taken from: never from the command line, which every process of this machine may read. */
export interface SecretSource {
  readonly from: 'environment' | 'file'
  /** The field that it fills; the first secret one when absent. */
  readonly field?: string
  /** The name of the variable or the file. */
  readonly name: string
}

export interface SecretDeps {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly isTerminal: boolean
  readonly readFile: (path: string) => string
  readonly readStdin: () => Promise<string>
  /** Asks a person, who does not see what they write. */
  readonly ask: (question: string) => Promise<string>
}

/** The secrets of a kind of credential, by the names of their fields. */
export async function secretsFor(
  fields: readonly FieldAnswer[],
  sources: readonly SecretSource[],
  deps: SecretDeps,
): Promise<Record<string, string>> {
  const secrets = fields.filter(({ secret }) => secret)
  const given: Record<string, string> = {}
  for (const source of sources) {
    const { name } = fieldOf(source, secrets)
    if (Object.hasOwn(given, name)) throw new CliError(`${plainLine(name)} is given twice. Name it once.`)
    given[name] = fromSource(source, deps)
  }
  const missing = secrets.filter(({ name }) => !Object.hasOwn(given, name))
  const needed = missing.filter(({ optional }) => !optional)
  if (deps.isTerminal) {
    for (const field of needed.length > 0 ? missing : []) {
      const answer = await asked(field, deps)
      if (answer !== '') given[field.name] = answer
    }
    return given
  }
  const [first, second] = needed
  if (second) {
    throw new CliError(
      `There are several secrets (${needed.map(({ name }) => plainLine(name)).join(', ')}), and one input. Name where each is with --from-env field=NAME or --from-file field=path.`,
    )
  }
  if (first) {
    const written = (await deps.readStdin()).replace(/\r?\n$/, '')
    given[first.name] = notEmpty(
      written,
      `There is nothing in the input, where ${plainLine(first.name)} should be. Or name where it is with --from-env or --from-file.`,
    )
  }
  return given
}

function fieldOf({ field }: SecretSource, secrets: readonly FieldAnswer[]): FieldAnswer {
  const found = field === undefined ? secrets[0] : secrets.find(({ name }) => name === field)
  if (found) return found
  if (secrets.length === 0)
    throw new CliError('This kind of credential has no secret. Leave out --from-env and --from-file.')
  throw new CliError(
    `This kind of credential has no secret ${plainLine(field ?? '')}. It has ${secrets.map(({ name }) => plainLine(name)).join(', ')}.`,
  )
}

function fromSource({ from, name }: SecretSource, { environment, readFile }: SecretDeps): string {
  if (from === 'environment') {
    // `process.env` has what every object has, too.
    const value: unknown = environment[name]
    return notEmpty(
      typeof value === 'string' ? value : '',
      `The environment variable ${plainLine(name)} is not set, or empty.`,
    )
  }
  try {
    return notEmpty(readFile(name).replace(/\r?\n$/, ''), `The file ${plain(name)} is empty.`)
  } catch (thrown) {
    if (thrown instanceof CliError) throw thrown
    throw new CliError(`${plain(name)} cannot be read: ${plainLine((thrown as Error).message)}.`, { cause: thrown })
  }
}

function notEmpty(secret: string, otherwise: string): string {
  if (secret.trim() !== '') return secret
  throw new CliError(otherwise)
}

async function asked({ name, help, optional, json }: FieldAnswer, deps: SecretDeps): Promise<string> {
  if (json) {
    if (optional) return ''
    throw new CliError(`${plainLine(name)} is ${plainLine(help)}. Name the file with --from-file.`)
  }
  const answer = await deps.ask(`${plainLine(name)}, ${plainLine(help)}${optional ? ' (empty for none)' : ''}: `)
  return optional ? answer : notEmpty(answer, 'Nothing was written, so nothing was stored.')
}

export const secretDeps = (): SecretDeps => ({
  environment: process.env,
  isTerminal: process.stdin.isTTY === true,
  readFile: (path) => readFileSync(path, 'utf8'),
  readStdin: () => text(process.stdin),
  ask: askHidden,
})

/** Line editing works; what is written goes nowhere. */
function askHidden(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const line = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 })
  // Only now that the terminal shows nothing of what is written: who answers at once shall not see it either.
  process.stderr.write(question)
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      line.removeAllListeners('close')
      line.close()
      process.stderr.write('\n')
      settle()
    }
    line.on('SIGINT', () => end(() => process.exit(130)))
    line.on('close', () => end(() => reject(new CliError('Nothing was written, so nothing was stored.'))))
    line.question('', (answer) => end(() => resolve(answer)))
  })
}
