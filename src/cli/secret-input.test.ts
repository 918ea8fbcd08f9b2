import { describe, expect, test } from 'vitest'
import type { FieldAnswer } from './api-types.ts'
import { openFields } from './credentials-add.ts'
import { type SecretDeps, type SecretSource, secretsFor } from './secret-input.ts'

const field = (name: string, more: Partial<FieldAnswer> = {}): FieldAnswer => ({
  name,
  help: `the ${name}`,
  secret: true,
  optional: false,
  json: false,
  ...more,
})

const apiKey = [field('api_key')]
const aws = [
  field('access_key_id', { secret: false }),
  field('secret_access_key'),
  field('session_token', { optional: true }),
]

const deps = (more: Partial<SecretDeps> = {}): SecretDeps => ({
  environment: { KEY: 'from the environment', TOKEN: 'token', EMPTY: '' },
  isTerminal: false,
  readFile: () => 'from a file\n',
  readStdin: async () => 'from the input\r\n',
  ask: async () => {
    throw new Error('Nobody is there to be asked.')
  },
  ...more,
})

const env = (name: string, at?: string): SecretSource => ({
  from: 'environment',
  name,
  ...(at !== undefined && { field: at }),
})

describe('a secret comes', () => {
  test('from a variable, a file or the input, without the line break that ends it', async () => {
    expect(await secretsFor(apiKey, [env('KEY')], deps())).toEqual({ api_key: 'from the environment' })
    expect(await secretsFor(apiKey, [{ from: 'file', name: 'x' }], deps())).toEqual({ api_key: 'from a file' })
    expect(await secretsFor(apiKey, [], deps())).toEqual({ api_key: 'from the input' })
  })

  test('for each field from where it was said to be', async () => {
    expect(await secretsFor(aws, [env('TOKEN', 'session_token'), env('KEY')], deps())).toEqual({
      secret_access_key: 'from the environment',
      session_token: 'token',
    })
  })

  test('from a person, who may leave out what is optional', async () => {
    const asked: string[] = []
    const ask = async (question: string): Promise<string> => {
      asked.push(question)
      return asked.length === 1 ? 'typed' : ''
    }
    expect(await secretsFor(aws, [], deps({ isTerminal: true, ask }))).toEqual({ secret_access_key: 'typed' })
    expect(asked).toEqual([
      'secret_access_key, the secret_access_key: ',
      'session_token, the session_token (empty for none): ',
    ])
  })

  test('from nowhere where none is needed, and nobody waits for input', async () => {
    const never = deps({ readStdin: () => new Promise(() => undefined) })
    expect(await secretsFor([], [], never)).toEqual({})
    expect(await secretsFor([field('token', { optional: true })], [], never)).toEqual({})
  })
})

describe('it is said why there is none', () => {
  const file = new Error('ENOENT: no such file')
  test.each<[string, readonly FieldAnswer[], readonly SecretSource[], Partial<SecretDeps>, string]>([
    ['a variable is not set', apiKey, [env('NONE')], {}, 'The environment variable NONE is not set, or empty.'],
    ['a variable is empty', apiKey, [env('EMPTY')], {}, 'The environment variable EMPTY is not set, or empty.'],
    ['a variable has a name of every object', apiKey, [env('toString')], {}, 'toString is not set'],
    [
      'a file is not there',
      apiKey,
      [{ from: 'file', name: '/x' }],
      {
        readFile: () => {
          throw file
        },
      },
      '/x cannot be read: ENOENT',
    ],
    ['a file is empty', apiKey, [{ from: 'file', name: '/x' }], { readFile: () => '\n' }, 'The file /x is empty.'],
    [
      'the input is empty',
      apiKey,
      [],
      { readStdin: async () => '\n' },
      'There is nothing in the input, where api_key should be.',
    ],
    [
      'a person writes nothing',
      apiKey,
      [],
      { isTerminal: true, ask: async () => '' },
      'Nothing was written, so nothing was stored.',
    ],
    [
      'two are needed and there is one input',
      [field('a'), field('b')],
      [],
      {},
      'There are several secrets (a, b), and one input.',
    ],
    ['the field is another', apiKey, [env('KEY', 'key')], {}, 'has no secret key. It has api_key.'],
    ['the field is no secret', aws, [env('KEY', 'access_key_id')], {}, 'It has secret_access_key, session_token.'],
    ['the kind has none', [], [env('KEY')], {}, 'has no secret. Leave out --from-env and --from-file.'],
    ['it is given twice', apiKey, [env('KEY'), env('TOKEN')], {}, 'api_key is given twice.'],
    [
      'a document would have to be typed',
      [field('key_json', { json: true })],
      [],
      { isTerminal: true },
      'Name the file with --from-file.',
    ],
  ])('%s', async (_, fields, sources, more, message) => {
    await expect(secretsFor(fields, sources, deps(more))).rejects.toThrow(message)
  })
})

describe('fields that are no secrets', () => {
  test('are taken as they are written', () => {
    expect(openFields(aws, [['access_key_id', 'AKIA=1']])).toEqual({ access_key_id: 'AKIA=1' })
  })

  test.each([
    [[['secret_access_key', 'canary']], 'secret_access_key is a secret, and arguments can be seen'],
    [[['acess_key_id', 'x']], 'has no field acess_key_id. It has access_key_id.'],
    [[], 'access_key_id is missing, the access_key_id. Give it with --field access_key_id=…'],
  ] as const)('%j is refused', (written, message) => {
    expect(() => openFields(aws, written)).toThrow(message)
    expect(() => openFields(aws, written)).not.toThrow('canary')
  })
})
