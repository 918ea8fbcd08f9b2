import type { ErrorDetails, GatewayError } from '../core/error.ts'

/** How every error of the API looks; `ErrorBody` is its schema. */
export interface ApiError {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly param?: string
    readonly details?: ErrorDetails['problems']
  }
}

export const errorBody = ({ code, message, details: { param, problems } }: GatewayError): ApiError => ({
  error: { code, message, ...(param !== undefined && { param }), ...(problems && { details: problems }) },
})

/** The same for what is refused before the API has been loaded, or elsewhere. */
export const errorText = (error: GatewayError): string => JSON.stringify(errorBody(error))
