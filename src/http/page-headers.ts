/**
 * What a browser is told of every page of ours: it loads only what we serve, runs no script and takes no style that
 * stands in the page itself, where text of a model might be, is shown in no frame of others, and says nowhere from where
 * it came.
 */
export const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} satisfies Readonly<Record<string, string>>

/** The same for what shows something of the user's: nothing on the way, and no disk, keeps it. */
export const pageHeadersUnkept = { ...pageHeaders, 'cache-control': 'no-store' } satisfies Readonly<
  Record<string, string>
>
