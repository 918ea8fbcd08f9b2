// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are what the file may have in its values
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { problemsOf } from '../../test/support/loading.ts'
import { configSchema } from './schema.ts'
import { rows } from './settings.ts'

const schema = configSchema()
const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
const isValid = (yaml: string): boolean => validator.safeParse(parse(yaml)).success

const environment = { K: 'sk-1', PORT: '80' }

describe('an editor', () => {
  test.each([
    'server:\n  port: 8080\nlog:\n',
    'server: { port: "${PORT}", host: 0.0.0.0, allowed_hosts: [a.example] }',
    'timeouts: { idle_ms: 5 }\ntranslation: strict',
    'providers: { groq: { api_key: "${K}", models: [a], headers: { x-a: b }, stream_usage: false } }',
    'providers: { azure: { resource: r, api_version: 2024-10-21, dialects: [openai-chat] } }',
    'providers: { bedrock: { credential: { kind: aws_role, role_arn: arn }, timeouts: { idle_ms: 1 } } }',
    'providers: { vertex: { credential: { kind: google_service_account, key_json: { a: b } } } }',
    'providers: { house: { like: azure, base_url: "http://h/v1", resource: r, credential: { kind: none } } }',
    'providers: { house: { like: ollama, base_url: "http://h", dialects: [ollama] } }',
    'providers: { house: { like: openai, base_url: "http://h" } }\nmodels: { gpt-4.1/x: { provider: house, model: m } }',
  ])('takes what the program takes: %s', (yaml) => {
    expect(problemsOf({ yaml, environment })).toEqual([])
    expect(isValid(yaml)).toBe(true)
  })

  test.each([
    'server: { prot: 1 }',
    'server: { port: high }',
    'server: { port: 70000 }',
    'translation: harsh',
    'providers: { opnai: { api_key: x } }',
    'providers: { house: { like: opnai, base_url: "http://h" } }',
    'providers: { house: { base_url: "http://h" } }',
    'providers: { House: { like: openai, base_url: "http://h" } }',
    'providers: { groq: { api_key: "" } }',
    'providers: { groq: { base_url: "ftp://h" } }',
    'providers: { groq: { credential: { kind: aws_static } } }',
    'providers: { bedrock: { credential: { kind: aws_static, access_key_id: a } } }',
    'providers: { mock: { api_key: x } }',
    'models: { m: { provider: groq } }',
    'models: { m: { provider: groq, model: x, more: y } }',
    '[]',
  ])('refuses what the program refuses: %s', (yaml) => {
    expect(problemsOf({ yaml, environment })).not.toEqual([])
    expect(isValid(yaml)).toBe(false)
  })

  test('is told of every setting what it is', () => {
    for (const { path, key } of rows.filter((row) => !row.path.includes('credential'))) {
      const found = path.reduce<Record<string, unknown> | undefined>((at, name) => {
        const { $ref, properties } = (at ?? {}) as {
          $ref?: string
          properties?: Record<string, Record<string, unknown>>
        }
        const target = $ref
          ? (schema.$defs as Record<string, { properties: typeof properties }>)[$ref.slice(8)]
          : undefined
        return (target?.properties ?? properties)?.[name]
      }, schema)
      expect([key, found?.description]).toEqual([key, expect.any(String)])
    }
  })

  test('finds everything that the schema refers to', () => {
    const text = JSON.stringify(schema)
    for (const [, name] of text.matchAll(/"\$ref":"#\/\$defs\/(\w+)"/g))
      expect(schema.$defs).toHaveProperty(name as string)
  })
})
