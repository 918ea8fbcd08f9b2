import { throughDoor } from './across.ts'
import { cutAnywhere } from './cuts.ts'
import { errorIsUnderstood } from './failures.ts'
import { type Chat, doorNames } from './formats.ts'
import { nextTurn } from './next-turn.ts'
import { requestAcross, targets } from './request-across.ts'
import { answerRoundTrip, requestRoundTrip, streamIsWhole, streamRoundTrip } from './round-trip.ts'
import { scenarioIsOne } from './scenario.ts'
import type { Verdict } from './verdict.ts'

export interface Property {
  /** Its column. */
  readonly name: string
  /** As a sentence. */
  readonly says: string
  readonly judge: (chat: Chat) => Verdict
}

export const properties: readonly Property[] = [
  { name: 'request', says: 'a request comes back from its inner form as it was', judge: requestRoundTrip },
  { name: 'answer', says: 'a whole answer comes back from its inner form as it was', judge: answerRoundTrip },
  { name: 'stream', says: 'a stream comes back from its events as it was', judge: streamRoundTrip },
  {
    name: 'whole',
    says: 'a stream adds up to the same answer as its content when it comes whole',
    judge: streamIsWhole,
  },
  ...doorNames.map((door) => ({
    name: `to ${door}`,
    says: `clients of ${door} read what the provider said, whole and streamed`,
    judge: (chat: Chat) => throughDoor(chat, door),
  })),
  { name: 'error', says: 'an error is understood, and told in the words of every door', judge: errorIsUnderstood },
  { name: 'cut', says: 'a stream may be cut anywhere', judge: cutAnywhere },
  {
    name: 'next turn',
    says: 'the next turn, built from our reading of the answer, is what was sent',
    judge: (chat) => nextTurn(chat),
  },
  ...doorNames.map((door) => ({
    name: `next turn via ${door}`,
    says: `the next turn, as a client of ${door} sends it back, is what was sent`,
    judge: (chat: Chat) => nextTurn(chat, door),
  })),
  ...targets.map((target) => ({
    name: `request to ${target}`,
    says: `a request asks a provider of ${target} for the same`,
    judge: (chat: Chat) => requestAcross(chat, target),
  })),
  { name: 'scenario', says: 'one scenario in several wire formats is one request', judge: scenarioIsOne },
]
