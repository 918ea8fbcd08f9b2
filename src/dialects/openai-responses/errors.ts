import type { GatewayError } from '../../core/error.ts'
import { encodeError, readDisguised as readDisguisedChat, readError } from '../openai-chat/errors.ts'
import { type Fields, isFields, jsonOf, rowOf } from '../values.ts'

export { encodeError, readError }

/** What went wrong with a response under a good status, by OpenAI's word for it, and the status that it would have had. */
const statuses: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429,
  server_error: 502,
  vector_store_timeout: 504,
  invalid_prompt: 400,
  data_residency_mismatch: 400,
  bio_policy: 400,
  misalignment_policy_violation: 400,
  invalid_image: 400,
  invalid_image_format: 400,
  invalid_base64_image: 400,
  invalid_image_url: 400,
  image_too_large: 400,
  image_too_small: 400,
  image_parse_error: 400,
  image_content_policy_violation: 400,
  invalid_image_mode: 400,
  image_file_too_large: 400,
  unsupported_image_media_type: 400,
  empty_image_file: 400,
  failed_to_download_image: 400,
  image_file_not_found: 400,
}

/** The error of a response that failed, or of a stream's error event, which hosts write flat or one level down. */
export function failureOf(written: unknown): GatewayError {
  const outer: Fields = isFields(written) ? written : { message: written }
  const fields: Fields = isFields(outer.error) ? outer.error : outer
  const { message, code, param, type } = fields
  const error = {
    message: message ?? 'The provider failed and gave no reason.',
    code,
    param,
    ...(type !== 'error' && { type }),
  }
  const body = Buffer.from(JSON.stringify({ error }))
  const status = rowOf(statuses, code)
  return status === undefined ? readDisguisedChat(body) : readError(status, body).error
}

/** A body that is an error though its status was good: a response that failed, or an error as other hosts write it. */
export function readDisguised(body: Buffer): GatewayError {
  const written = jsonOf(body)
  return isFields(written) && (written.status === 'failed' || written.type === 'error')
    ? failureOf(written.error ?? written)
    : readDisguisedChat(body)
}

/** More events than any stream has before it fails, so that the numbers rise to the end, and no more than 32 bits hold. */
const lastNumber = 2 ** 31 - 1

/** The blank line before it ends whatever was left unfinished. */
export function encodeStreamError(failure: GatewayError): string {
  const { error } = JSON.parse(encodeError(failure)) as { readonly error: Fields }
  const { code, message, param } = error
  const event = { type: 'error', code, message, param, error, sequence_number: lastNumber }
  return `\n\nevent: error\ndata: ${JSON.stringify(event)}\n\n`
}
