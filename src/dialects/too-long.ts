/**
 * How providers say that a conversation is too long for the model. Any of them may stand behind any dialect: hosts of open
 * models, clouds and gateways pass on what they were told.
 */
const texts =
  /maximum context length|context[ _](window|limit|length|size)|prompt (is )?too long|input is too long|input tokens exceeded|token count[^.]{0,60} exceeds|exceeds? the maximum number of tokens|number of input tokens exceeds/i

export const isTooLong = (message: string): boolean => texts.test(message)
