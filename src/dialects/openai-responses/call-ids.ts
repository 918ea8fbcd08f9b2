import type { ToolCall, ToolResult } from '../../core/chat.ts'
import { allowedId } from '../ids.ts'
import { isOwn } from './own.ts'

const longestId = 64

/**
 * The ids by which calls and their results find each other. Those of other providers may be too long, or missing: a
 * result without one belongs to the first call of its name that still waits, or else to the first that waits.
 */
export interface CallIds {
  ofCall(call: ToolCall): string
  ofResult(result: ToolResult): string
}

export function callIds(): CallIds {
  const waiting: { readonly id: string; readonly name: string }[] = []
  let made = 0
  return {
    ofCall({ id, name, extra }) {
      if (id !== '') return isOwn(extra) ? id : allowed(id)
      const call = { id: `call_${made++}`, name }
      waiting.push(call)
      return call.id
    },
    ofResult({ callId, name, extra }) {
      if (callId !== '') return isOwn(extra) ? callId : allowed(callId)
      const named = waiting.findIndex((call) => call.name === name)
      const [call] = waiting.splice(Math.max(0, named), 1)
      return call?.id ?? `call_${made++}`
    },
  }
}

const allowed = (id: string): string => allowedId(id, /^[\s\S]*$/, longestId)
