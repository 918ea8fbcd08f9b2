/** The tokenizer by itself: it is large, and loaded when the first text is counted. */
export { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
