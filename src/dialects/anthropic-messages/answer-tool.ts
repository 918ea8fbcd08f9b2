import { fieldsOf, isFields } from '../values.ts'

/**
 * Models that cannot be given a schema for their answer are made to call a tool whose input is the answer. Its name is
 * ours, so that whoever reads the answer knows it again without knowing the request.
 */
const answerTool = 'trunkline_answer'
/** The same for schemas whose root is no object: the answer is one member of the input. */
const wrappedAnswerTool = 'trunkline_wrapped_answer'
const member = 'answer'

export const isAnswerTool = (name: string): boolean => name === answerTool || name === wrappedAnswerTool

/** Whether the answer is only a member of the input, so that nothing can be shown before all of it is there. */
export const isWrapped = (name: string): boolean => name === wrappedAnswerTool

interface AnswerTool {
  readonly name: string
  readonly input_schema: unknown
}

export function answerToolOf(schema: unknown): AnswerTool {
  const isObject = isFields(schema) && (schema.type === 'object' || schema.type === undefined)
  if (isObject) return { name: answerTool, input_schema: { type: 'object', ...schema } }
  return {
    name: wrappedAnswerTool,
    input_schema: { type: 'object', properties: { [member]: schema }, required: [member], additionalProperties: false },
  }
}

/** The text of the answer from the input of the tool. */
export function answerIn(name: string, input: unknown): string {
  const value = isWrapped(name) ? fieldsOf(input)[member] : input
  return JSON.stringify(value ?? null)
}
