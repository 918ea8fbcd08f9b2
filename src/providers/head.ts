/** No model's name is longer, though a client may write what it likes. */
const longest = 512

/** As much of a model's name as is compared with patterns, so that no name takes long. */
export const headOf = (model: string): string => (model.length > longest ? model.slice(0, longest) : model)
