import { expect, test } from 'vitest'
import type { StoredResponse } from '../dialects/openai-responses/state.ts'
import { KeptResponses, type ResponseShelf } from './kept-responses.ts'

const project = 'default'

const response = (id: string, text = 'Hello'): StoredResponse => ({
  id,
  response: { id, output: [{ type: 'message', content: [{ type: 'output_text', text }] }] },
  input: [{ type: 'message', role: 'user', content: 'Hi' }],
})

/** A shelf that writes down what it is asked; `isBroken` takes nothing. */
class Shelf implements ResponseShelf {
  readonly texts = new Map<string, string>()
  readonly asked: string[] = []
  isBroken = false

  async keep({ project, id, text }: { project: string; id: string; text: string }): Promise<void> {
    this.asked.push(`keep ${project} ${id}`)
    if (this.isBroken) throw new Error('The disk is full.')
    this.texts.set(`${project} ${id}`, text)
  }

  async find({ project, id }: { project: string; id: string }): Promise<string | undefined> {
    this.asked.push(`find ${project} ${id}`)
    return this.texts.get(`${project} ${id}`)
  }

  async remove({ project, id }: { project: string; id: string }): Promise<boolean> {
    this.asked.push(`remove ${project} ${id}`)
    if (this.isBroken) throw new Error('The disk is full.')
    return this.texts.delete(`${project} ${id}`)
  }
}

function kept(): { shelf: Shelf; troubles: string[]; responses: KeptResponses } {
  const shelf = new Shelf()
  const troubles: string[] = []
  return { shelf, troubles, responses: new KeptResponses(shelf, (error) => troubles.push((error as Error).message)) }
}

test('what was just kept is there at once, and also for a later process', async () => {
  const { shelf, responses } = kept()
  responses.keep(project, response('a'))
  expect(await responses.find(project, 'a')).toEqual(response('a'))
  expect(shelf.asked).toEqual(['keep default a'])
  const later = new KeptResponses(shelf, () => undefined)
  expect(await later.find(project, 'a')).toEqual(response('a'))
})

test('what a program does to a response that it found does nothing to the one that is kept', async () => {
  const { responses } = kept()
  responses.keep(project, response('a'))
  const found = (await responses.find(project, 'a')) as { response: { output?: unknown } }
  delete found.response.output
  expect(await responses.find(project, 'a')).toEqual(response('a'))
})

test('no project finds the responses of another', async () => {
  const { responses } = kept()
  responses.keep(project, response('a'))
  expect(await responses.find('another', 'a')).toBeUndefined()
  expect(await responses.remove('another', 'a')).toBe(false)
  expect(await responses.find(project, 'a')).toEqual(response('a'))
})

test('a response is removed wherever it is, once', async () => {
  const { shelf, responses } = kept()
  responses.keep(project, response('a'))
  expect([await responses.remove(project, 'a'), await responses.remove(project, 'a')]).toEqual([true, false])
  expect([await responses.find(project, 'a'), shelf.texts.size]).toEqual([undefined, 0])
  shelf.texts.set('default b', JSON.stringify(response('b')))
  expect([await responses.remove(project, 'b'), shelf.texts.size]).toEqual([true, 0])
})

test('a response that could not be stored is there as long as the process is, and the operator hears of it', async () => {
  const { shelf, troubles, responses } = kept()
  shelf.isBroken = true
  responses.keep(project, response('a'))
  await new Promise(setImmediate)
  expect(troubles).toEqual(['The disk is full.'])
  expect(await responses.find(project, 'a')).toEqual(response('a'))
})

test('nobody is told that a response is gone which could not be removed', async () => {
  const { shelf, responses } = kept()
  responses.keep(project, response('a'))
  shelf.isBroken = true
  await expect(responses.remove(project, 'a')).rejects.toThrow('The disk is full.')
  expect(await responses.find(project, 'a')).toEqual(response('a'))
})

test('the oldest leave the memory first, and are found on the shelf', async () => {
  const { shelf, responses } = kept()
  const megabytes = 'x'.repeat(5 * 1024 * 1024)
  for (const id of ['a', 'b', 'c', 'd']) responses.keep(project, response(id, megabytes))
  shelf.asked.length = 0
  for (const id of ['a', 'b', 'c', 'd'])
    expect(JSON.stringify(await responses.find(project, id)).length).toBeGreaterThan(megabytes.length)
  expect(shelf.asked).toEqual(['find default a'])
})

test('what was removed or kept anew leaves its room to others', async () => {
  const { shelf, responses } = kept()
  const megabytes = 'x'.repeat(5 * 1024 * 1024)
  responses.keep(project, response('a', megabytes))
  for (let round = 0; round < 5; round++) {
    responses.keep(project, response('b', megabytes))
    responses.keep(project, response('c', megabytes))
    await responses.remove(project, 'c')
  }
  shelf.asked.length = 0
  await responses.find(project, 'a')
  expect(shelf.asked).toEqual([])
})
