import { type Command, InvalidArgumentError } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import { nearest } from '../core/nearest.ts'
import type { CredentialAnswer, FieldAnswer, KindAnswer, ProviderAnswer } from './api-types.ts'
import { type CliCommand, CliError } from './command.ts'
import { chosenProject, projectOption, projectPath } from './project-choice.ts'
import { print } from './screen.ts'
import { type SecretSource, secretDeps, secretsFor } from './secret-input.ts'
import { plainJson, plainLine } from './text.ts'
import { withApi } from './with-api.ts'

export const credentialsAdd: CliCommand = {
  name: 'add',
  summary: 'Give a project a credential for a provider',
  examples: [
    ['trunkline credentials add openai', 'asks for the key, which is not shown while you write it'],
    ['trunkline credentials add anthropic --from-env ANTHROPIC_API_KEY', 'takes it from a variable'],
    ['pass show openai | trunkline credentials add openai --project support-bot', 'takes it from another program'],
    [
      'trunkline credentials add bedrock --kind aws_static --field access_key_id=AKIA… --from-file aws-secret.txt',
      'a kind with several fields',
    ],
    ['trunkline credentials add vertex --kind google_service_account --from-file key.json', 'a key file of Google'],
  ],
  define(command) {
    command
      .argument('<provider>', 'its name, such as openai')
      .option('--kind <kind>', 'what kind of credential it is (else the one that the provider takes first)')
      .option('--field <name=value>', 'a field that is no secret; may be repeated', gathered)
      .option(
        '--from-env <variable>',
        'take the secret from this variable, or field=VARIABLE',
        secretFrom('environment'),
      )
      .option('--from-file <path>', 'take the secret from this file, or field=path', secretFrom('file'))
      .option('--base-url <url>', 'where it is good, if not at the usual address of the provider')
      .option(
        '--address <name=value>',
        'what the address is made of, such as region=eu-west-1; may be repeated',
        gathered,
      )
      .option('--priority <number>', '1 to 100: the lowest is tried first', parseNumber(100))
      .option('--weight <number>', '1 to 1000: its share among those of the same priority', parseNumber(1000))
      .option('--name <name>', 'what you call it')
      .option(...projectOption)
      .option('--json', 'print JSON')
      .action((provider: string) => run(provider, command))
  },
}

interface Options {
  readonly kind?: string
  readonly field?: readonly Pair[]
  readonly fromEnv?: readonly SecretSource[]
  readonly fromFile?: readonly SecretSource[]
  readonly baseUrl?: string
  readonly address?: readonly Pair[]
  readonly priority?: number
  readonly weight?: number
  readonly name?: string
  readonly project?: string
  readonly json?: true
  readonly dataDir?: string
}

type Pair = readonly [name: string, value: string]

async function run(provider: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals<Options>()
  const { project, credential } = await withApi(
    dataDirOf(options.dataDir, process.env),
    { makes: true },
    async (api) => {
      const project = await chosenProject(api, options.project)
      const providers = await api.all<ProviderAnswer>(`${projectPath(project.id)}/providers`)
      const kind = kindAmong(kindsOf(provider, providers), options.kind, provider)
      const open = openFields(kind.fields, options.field ?? [])
      const sources = [...(options.fromEnv ?? []), ...(options.fromFile ?? [])]
      const fields = { ...open, ...(await secretsFor(kind.fields, sources, secretDeps())) }
      const { name, baseUrl, address, priority, weight } = options
      const credential = await api.post<CredentialAnswer>(`${projectPath(project.id)}/credentials`, {
        provider,
        kind: kind.kind,
        fields,
        ...(name !== undefined && { name }),
        ...(baseUrl !== undefined && { base_url: baseUrl }),
        ...(address && { address: Object.fromEntries(address) }),
        ...(priority !== undefined && { priority }),
        ...(weight !== undefined && { weight }),
      })
      return { project, credential }
    },
  )
  if (options.json) return print([plainJson(credential)])
  print([
    `The project ${plainLine(project.name)} has a credential for ${plainLine(provider)} now, ${plainLine(credential.id)}. Try it:`,
    `  trunkline credentials test ${plainLine(credential.id)}${options.project === undefined ? '' : ` --project ${plainLine(project.slug)}`}`,
  ])
}

function kindsOf(provider: string, providers: readonly ProviderAnswer[]): readonly KindAnswer[] {
  const found = providers.find(({ name }) => name === provider)
  if (found) return found.credential_kinds
  const names = providers.map(({ name }) => plainLine(name))
  const meant = nearest(provider, names)
  throw new CliError(
    `There is no provider ${plainLine(provider)}. ${meant ? `Did you mean ${meant}?` : `There are: ${names.join(', ')}.`}`,
  )
}

function kindAmong(kinds: readonly KindAnswer[], written: string | undefined, provider: string): KindAnswer {
  const names = kinds.map(({ kind }) => kind)
  const found = written === undefined ? kinds[0] : kinds.find(({ kind }) => kind === written)
  if (found) return found
  const meant = written === undefined ? undefined : nearest(written, names)
  throw new CliError(
    `${plainLine(provider)} takes no credential of the kind ${plainLine(written ?? '')}${meant ? `; did you mean ${meant}?` : '.'} It takes: ${names.join(', ')}.`,
  )
}

/** The fields that may stand in a list of processes. */
export function openFields(fields: readonly FieldAnswer[], written: readonly Pair[]): Record<string, string> {
  const given: Record<string, string> = {}
  for (const [name, value] of written) {
    const field = fields.find((one) => one.name === name)
    if (!field) {
      const names = fields.filter(({ secret }) => !secret).map((one) => one.name)
      const has = names.length === 0 ? 'It has none that could be given so.' : `It has ${names.join(', ')}.`
      throw new CliError(`This kind of credential has no field ${plainLine(name)}. ${has}`)
    }
    if (field.secret) {
      throw new CliError(
        `${name} is a secret, and arguments can be seen by every process of this machine and stay in the history of the shell. Use --from-env, --from-file or the input instead, and change the secret if it was the real one.`,
      )
    }
    given[name] = value
  }
  const missing = fields.find(({ name, secret, optional }) => !secret && !optional && !Object.hasOwn(given, name))
  if (missing)
    throw new CliError(`${missing.name} is missing, ${plainLine(missing.help)}. Give it with --field ${missing.name}=…`)
  return given
}

function gathered(written: string, before: readonly Pair[] = []): Pair[] {
  const at = written.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('It must be a name and a value, name=value.')
  return [...before, [written.slice(0, at), written.slice(at + 1)]]
}

/** A name of a field, if there is one, stands in front of a `=`. */
const secretFrom =
  (from: SecretSource['from']) =>
  (written: string, before: readonly SecretSource[] = []): SecretSource[] => {
    const [, field, name = written] = /^([a-z_]+)=(.+)$/s.exec(written) ?? []
    return [...before, { from, name, ...(field !== undefined && { field }) }]
  }

const parseNumber =
  (most: number) =>
  (written: string): number => {
    const number = /^\d{1,6}$/.test(written) ? Number(written) : 0
    if (number >= 1 && number <= most) return number
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}.`)
  }
