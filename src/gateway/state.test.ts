import { expect, test } from 'vitest'
import { type Config, defaultTimeouts } from '../core/config.ts'
import { firstProject, type Project } from '../core/project.ts'
import { projectsOf } from './state.ts'

const config = { timeouts: defaultTimeouts, providers: {}, models: {} } as unknown as Config

const project = (id: string, parts: Partial<Project> = {}): Project => ({
  ...firstProject(id),
  isDefault: false,
  ...parts,
})

test('a project is found by its id and its slug, and an id stands before what another is called', () => {
  const projects = projectsOf([project('a', { slug: 'b' }), project('b', { slug: 'c' })], config)
  expect(['a', 'b', 'c', 'd'].map((name) => projects.find(name)?.project.id)).toEqual(['a', 'b', 'b', undefined])
  for (const name of ['constructor', '__proto__', 'toString']) expect(projects.find(name)).toBeUndefined()
})

test('the default one is the one that says so, else the first, and there is always one', () => {
  expect(projectsOf([project('a'), project('b', { isDefault: true })], config).standard.project.id).toBe('b')
  expect(projectsOf([project('a'), project('b')], config).standard.project.id).toBe('a')
  expect(projectsOf([], config).standard.project.id).toBe('default')
})

test('what a project has is worked out once, and shared by those that have nothing of their own', () => {
  const own = { mine: { like: 'openai', baseUrl: 'https://mine.example/v1' } }
  const projects = projectsOf([project('a'), project('b'), project('c', { providers: own })], config)
  const [a, b, c] = ['a', 'b', 'c'].map((name) => projects.find(name)?.providers)
  expect(a).toBe(b)
  expect(a).toBe(projects.find('a')?.providers)
  expect(c?.get('mine')?.origin).toBe('https://mine.example')
  expect(a?.has('mine')).toBe(false)
})
