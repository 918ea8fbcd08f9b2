import { rowOf } from '../values.ts'

export type MediaKind = 'image' | 'document' | 'video' | 'audio'

/** The words of each kind of media for its formats, and what the rest of the world calls them; the usual one first. */
const formats: Readonly<Record<MediaKind, Readonly<Record<string, readonly string[]>>>> = {
  image: { png: ['image/png'], jpeg: ['image/jpeg', 'image/jpg'], gif: ['image/gif'], webp: ['image/webp'] },
  document: {
    pdf: ['application/pdf'],
    csv: ['text/csv', 'application/csv'],
    doc: ['application/msword'],
    docx: ['application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    xls: ['application/vnd.ms-excel'],
    xlsx: ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
    html: ['text/html'],
    txt: ['text/plain'],
    md: ['text/markdown', 'text/x-markdown'],
  },
  video: {
    mp4: ['video/mp4'],
    mov: ['video/quicktime', 'video/mov'],
    mkv: ['video/x-matroska', 'video/mkv'],
    webm: ['video/webm'],
    flv: ['video/x-flv', 'video/flv'],
    mpeg: ['video/mpeg'],
    mpg: ['video/mpg'],
    wmv: ['video/x-ms-wmv', 'video/wmv'],
    three_gp: ['video/3gpp'],
  },
  audio: {
    mp3: ['audio/mpeg', 'audio/mp3'],
    wav: ['audio/wav', 'audio/x-wav', 'audio/wave'],
    aac: ['audio/aac'],
    flac: ['audio/flac', 'audio/x-flac'],
    m4a: ['audio/mp4', 'audio/m4a', 'audio/x-m4a'],
    ogg: ['audio/ogg'],
    opus: ['audio/opus'],
    pcm: ['audio/pcm', 'audio/l16'],
    webm: ['audio/webm'],
    mka: ['audio/x-matroska'],
    'x-aac': ['audio/x-aac'],
  },
}

export const mediaTypeOfFormat = (kind: MediaKind, format: string): string =>
  rowOf(formats[kind], format)?.[0] ?? (format.includes('/') ? format : `${kind}/${format}`)

/** The format's word, or nothing when the provider knows none. Texts of any sort are plain text. */
export function formatOf(kind: MediaKind, mediaType: string): string | undefined {
  const plain = (mediaType.split(';', 1)[0] as string).trim().toLowerCase()
  for (const [format, types] of Object.entries(formats[kind])) if (types.includes(plain)) return format
  return kind === 'document' && (plain.startsWith('text/') || /[/+](json|xml|yaml)$/.test(plain)) ? 'txt' : undefined
}

/** Which kind of media a type is. */
export function kindOfMedia(mediaType: string): MediaKind {
  const kind = mediaType.split('/', 1)[0] as string
  return kind === 'image' || kind === 'video' || kind === 'audio' ? kind : 'document'
}
