import { type Door, jsonReply } from '../http/exchange.ts'

/** Answers a question of a command on this machine. */
export type AnswerQuery = (name: string, detail: unknown) => Promise<unknown>

/** Through which commands ask for stored traces: an object with the question's name and its detail. */
export const queryDoor = (answer: AnswerQuery): Door => ({
  method: 'POST',
  path: '/query',
  scope: 'operator',
  async handle(exchange) {
    try {
      const { name, detail } = JSON.parse((await exchange.body()).toString()) as { name: string; detail: unknown }
      return jsonReply(200, { answer: await answer(name, detail) })
    } catch (thrown) {
      return jsonReply(500, { failure: (thrown as Error).message })
    }
  },
})
