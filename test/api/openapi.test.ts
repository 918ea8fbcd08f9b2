import { expect, test } from 'vitest'
import { apiDocument } from '../../src/api/openapi.ts'
import { routes } from '../../src/api/routes.ts'
import { startApi } from '../support/management-api.ts'
import { objectsIn, operationOf, problemsOf } from '../support/schema-check.ts'

test('the document is one of OpenAPI 3.1', () => {
  expect(problemsOf(apiDocument())).toEqual([])
})

test('the check of the document finds what is wrong with one', () => {
  const broken = JSON.parse(
    JSON.stringify(apiDocument()).replace('#/components/schemas/Project"', '#/components/schemas/Projekt"'),
  )
  const first = broken.paths['/api/projects/{project}'].get
  first.operationId = 'listProjects'
  first.parameters = []
  delete first.responses['200'].description
  expect(problemsOf(broken).length).toBeGreaterThanOrEqual(4)
})

test('every route is in the document, and says who may pass, what it takes and how it fails', () => {
  const document = apiDocument()
  for (const route of routes) {
    const { operationId, security, responses, requestBody, parameters } = operationOf(document, route) as Record<
      string,
      never
    >
    expect(operationId).toBe(route.operationId)
    expect([route.operationId, security]).toEqual([route.operationId, [{ client_key: [] }, {}]])
    expect(Object.keys(responses ?? {})).toEqual(expect.arrayContaining([String(route.status), '400', '401']))
    expect([route.operationId, requestBody !== undefined]).toEqual([route.operationId, route.body !== undefined])
    expect([route.operationId, JSON.stringify(parameters ?? []).includes('if-match')]).toEqual([
      route.operationId,
      route.ifMatch === true,
    ])
  }
  const operations = Object.values((document as { paths: object }).paths).flatMap((item) => Object.keys(item))
  expect(operations).toHaveLength(routes.length)
})

test('every example is one', () => {
  let checked = 0
  for (const { operationId, body, bodyExample, answer, answerExample } of routes) {
    if (body) {
      expect([operationId, body.safeParse(bodyExample).error?.issues]).toEqual([operationId, undefined])
      checked++
    }
    if (answer) {
      expect([operationId, answer.safeParse(answerExample).error?.issues]).toEqual([operationId, undefined])
      checked++
    }
  }
  expect(checked).toBeGreaterThan(35)
})

test('no object in the document lets fields pass that it does not name, unless it is a map', () => {
  const open = [...objectsIn((apiDocument() as { components: object }).components)].flatMap(
    ([place, { type, properties, additionalProperties }]) =>
      type === 'object' && Object.keys(properties ?? {}).length > 0 && additionalProperties !== false ? [place] : [],
  )
  expect(open).toEqual([])
})

test('anybody may read the document and its page, and the page loads nothing from elsewhere', async () => {
  await using api = await startApi()
  await api.ask('POST', '/api/keys', { name: 'k', kind: 'admin' })
  const document = await api.ask('GET', '/api/openapi.json')
  expect([document.status, document.body]).toEqual([200, JSON.parse(JSON.stringify(api.api.document()))])
  const page = await api.ask('GET', '/api/docs')
  expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8')
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("style-src 'self'")
  expect(policy).not.toContain('unsafe')
  expect(
    [...page.text.matchAll(/(?:src|href|action)="([^"#]*)/g)].map(([, to]) => to).filter((to) => to !== ''),
  ).toEqual(expect.arrayContaining(['/api/docs.css', '/api/openapi.json']))
  expect(page.text).not.toMatch(/(?:src|href|action)="(?:[a-z]+:|\/\/)|<script|<style|style=|\son\w+=/)
  const style = await api.ask('GET', '/api/docs.css')
  expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8'])
  expect(style.text).not.toMatch(/url\(|@import/)
})

test('every operation and every schema has its place on the page, and every link in it leads somewhere', async () => {
  await using api = await startApi()
  const { text } = await api.ask('GET', '/api/docs')
  const places = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  for (const { operationId } of routes) expect(places).toContain(operationId)
  for (const [, to] of text.matchAll(/href="#([^"]+)"/g)) expect(places).toContain(to)
})
