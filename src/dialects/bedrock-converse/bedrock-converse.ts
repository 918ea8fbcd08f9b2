import { awsFrames } from '../../http/aws-frames.ts'
import type { Counting, Dialect } from '../dialect.ts'
import { watched } from '../watch.ts'
import { counting } from './count-tokens.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeAnswer } from './encode-answer.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeStream } from './encode-stream.ts'
import { encodeError, encodeStreamError, readDisguised, readError } from './errors.ts'
import { dialectName } from './extras.ts'
import { mayMatter, readFrame, readWhole } from './frame-facts.ts'
import { readRequest } from './request.ts'

/** Converse and ConverseStream of AWS Bedrock, one form for the models of all makers. */
export const bedrockConverse: Dialect & { readonly counting: Counting } = {
  name: dialectName,
  requestHeaders: ['x-amzn-bedrock-trace', 'x-amzn-bedrock-guardrailidentifier', 'x-amzn-bedrock-guardrailversion'],
  readRequest,
  editRequest: (body) => body,
  ...watched({ framing: awsFrames, frameReader: () => readFrame, mayMatter, readWhole, readDisguised }),
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream,
  encodeStream,
  encodeError,
  encodeStreamError,
  readError,
  counting,
}
